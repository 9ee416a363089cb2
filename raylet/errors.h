// Errors as clients get them: what went wrong, and what it means for the call.
#pragma once

#include <string>

#include "common/status.h"
#include "proto/common.pb.h"

namespace troupe::raylet {

// An Error of these three; the rest is left empty.
pb::Error MakeError(pb::Error::Kind kind, pb::Error::Outcome outcome, std::string message);

// What a failed `status` means for a request that it answers. `outcome`: whether the request may have taken effect.
// NOT_FOUND becomes ACTOR_DIED when `status` is about an actor; callers that ask about anything else build their own.
pb::Error ErrorFromStatus(const Status& status, pb::Error::Outcome outcome = pb::Error::NOT_EXECUTED);

// Whether a worker that could not be had with this error may be had later, or on another node: the program's package
// has not come yet, or the head could not be asked for it.
inline bool MayPass(const Status& status) {
  return status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kDeadlineExceeded;
}

}  // namespace troupe::raylet
