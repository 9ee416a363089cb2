#include "raylet/errors.h"

#include <utility>

#include "common/utf8.h"
namespace troupe::raylet {
namespace {

pb::Error::Kind KindOf(StatusCode code) {
  switch (code) {
    case StatusCode::kNotFound: return pb::Error::ACTOR_DIED;
    case StatusCode::kInvalidArgument:
    case StatusCode::kAlreadyExists:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kPermissionDenied: return pb::Error::REFUSED;
    case StatusCode::kCancelled: return pb::Error::CANCELLED;
    default: return pb::Error::SYSTEM;
  }
}

}  // namespace

pb::Error MakeError(pb::Error::Kind kind, pb::Error::Outcome outcome, std::string message) {
  pb::Error error;
  error.set_kind(kind);
  error.set_outcome(outcome);
  error.set_message(Utf8(std::move(message)));  // it may end with what a program wrote
  return error;
}

pb::Error ErrorFromStatus(const Status& status, pb::Error::Outcome outcome) {
  return MakeError(KindOf(status.code()), outcome, status.message());
}

}  // namespace troupe::raylet
