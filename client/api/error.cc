#include "troupe/error.h"

#include <memory>
#include <utility>

#include "troupe/internal/throw.h"

namespace troupe {
namespace {

// Whether the error ended one call, so that what became of it matters.
bool IsAboutCall(const ErrorInfo& info) {
  switch (info.kind) {
    case ErrorKind::kThrew:
    case ErrorKind::kActorDied:
    case ErrorKind::kWorkerDied:
    case ErrorKind::kUnknownMethod:
    case ErrorKind::kUnschedulable:
    case ErrorKind::kProgram:
    case ErrorKind::kCancelled:
    case ErrorKind::kRefused: return true;
    default: return !info.method.empty();
  }
}

const char* OutcomeSentence(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFailed: return "The call ran and failed.";
    case Outcome::kNotExecuted: return "The call was not executed, so it is safe to send it again.";
    case Outcome::kUnknown: break;
  }
  return "The call's outcome is unknown: it may have run, wholly or in part.";
}

// Enough of an id to find it in a log: 8 digits of the maker, and its counter.
std::string ShortId(const ActorId& id) { return ActorId{id.high, 0}.Hex().substr(0, 8) + "-" + std::to_string(id.low); }

std::string Where(const ErrorInfo& info) {
  std::string where;
  auto add = [&where](const std::string& part) { where += (where.empty() ? "" : ", ") + part; };
  if (info.actor) add("actor " + (info.actor_class.empty() ? "" : info.actor_class + " ") + ShortId(info.actor));
  if (info.node) add("node " + info.node.Hex().substr(0, 8));
  if (info.pid != 0) add("pid " + std::to_string(info.pid));
  return where.empty() ? "" : " (" + where + ")";
}

std::string What(const ErrorInfo& info) {
  const std::string subject = !info.method.empty() ? info.method : info.actor_class;
  if (info.kind == ErrorKind::kThrew) {
    return (subject.empty() ? "The call" : subject) + " threw " +
           (info.remote_type.empty() ? "an exception" : info.remote_type) +
           (info.message.empty() ? "" : ": " + info.message);
  }
  if (info.message.empty()) return subject.empty() ? "The call failed" : subject + " failed";
  return subject.empty() ? info.message : subject + ": " + info.message;
}

std::string EndSentence(std::string text) {
  if (text.back() != '.' && text.back() != '!' && text.back() != '?') text += '.';
  return text;
}

// One paragraph: what happened, where, and what became of the call.
std::string Compose(const ErrorInfo& info) {
  std::string text = What(info) + Where(info);
  if (!info.context.empty()) return info.context + ": " + text;
  if (!IsAboutCall(info)) return text;
  return EndSentence(text) + " " + OutcomeSentence(info.outcome);
}

}  // namespace

Error::Error(ErrorInfo info) : std::runtime_error(Compose(info)), info_(std::move(info)) {}

void Throw(ErrorInfo info) {
  switch (info.kind) {
    case ErrorKind::kThrew: throw TaskError(std::move(info));
    case ErrorKind::kActorDied: throw ActorDiedError(std::move(info));
    case ErrorKind::kWorkerDied: throw WorkerDiedError(std::move(info));
    case ErrorKind::kObjectLost: throw ObjectLostError(std::move(info));
    case ErrorKind::kUnknownMethod: throw UnknownMethodError(std::move(info));
    case ErrorKind::kBadArguments: throw SerializationError(std::move(info));
    case ErrorKind::kUnschedulable: throw UnschedulableError(std::move(info));
    case ErrorKind::kProgram: throw ProgramError(std::move(info));
    case ErrorKind::kCancelled: throw CancelledError(std::move(info));
    case ErrorKind::kRefused: throw RefusedError(std::move(info));
    case ErrorKind::kTimeout: throw TimeoutError(std::move(info));
    case ErrorKind::kUsage: throw UsageError(std::move(info));
    case ErrorKind::kConnection: throw ConnectionError(std::move(info));
    case ErrorKind::kSystem:
    case ErrorKind::kUnspecified: break;
  }
  // Also a kind that a newer process knows and this one does not.
  throw SystemError(std::move(info));
}

namespace internal {

void ThrowUsage(std::string message) {
  ErrorInfo info;
  info.kind = ErrorKind::kUsage;
  info.outcome = Outcome::kNotExecuted;
  info.message = std::move(message);
  throw UsageError(std::move(info));
}

}  // namespace internal
}  // namespace troupe
