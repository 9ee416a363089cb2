#include "worker/call_runner.h"

#include <string>
#include <utility>

#include "troupe/internal/argument_reader.h"
#include "worker/call_errors.h"

namespace troupe::worker {
namespace {

std::optional<ErrorInfo> CannotRun(const internal::Function* function, const ActorInstance* actor) {
  if (!function || !function->invoke) {
    return NotExecuted(ErrorKind::kUnknownMethod,
                       "the program that hosts it does not know this function; was it built from other sources than "
                       "the caller, or is the method missing from TROUPE_ACTOR?");
  }
  if (actor) return actor->CannotRun(*function);
  if (!function->type) return std::nullopt;
  return NotExecuted(ErrorKind::kUnknownMethod, function->name + " is a method, and this process hosts no actor");
}

}  // namespace

CallRunner::Then CallRunner::Run(std::unique_lock<std::mutex>& lock, const Mail& mail, const ActorInstance* actor,
                                 const client::RuntimeImpl::ThreadState& state) {
  ReplySink results(mail);
  UserOutcome outcome = Invoke(lock, mail, actor, state, results);
  if (outcome.exit) {
    outcome.error = ErrorInfo{.kind = ErrorKind::kActorDied,
                              .outcome = Outcome::kFailed,
                              .message = "the actor left by ExitActor during this call"};
  }
  if (outcome.error) {
    replies_.SendError(mail, std::move(*outcome.error), actor);
  } else {
    replies_.SendValue(lock, mail, std::move(results), actor);
  }
  return outcome.exit ? Then::kExit : Then::kGoOn;
}

UserOutcome CallRunner::Invoke(std::unique_lock<std::mutex>& lock, const Mail& mail, const ActorInstance* actor,
                               const client::RuntimeImpl::ThreadState& state, ReplySink& results) {
  const internal::Function* const function = internal::FindFunction(mail.frame.function);
  Resolved resolved;
  std::optional<ErrorInfo> error = CannotRun(function, actor);
  if (!error) error = Resolve(lock, mail.frame.arguments, &resolved);
  if (error) return {.error = std::move(error)};
  const UserCall call{.function = function,
                      .instance = actor ? actor->object() : nullptr,
                      .values = AsBytes(mail.frame.arguments.values),
                      .resolved = std::move(resolved.values)};
  // Before, not after: should the process die from here on, the call may have had an effect.
  core_.outbox->SayBegun(mail.from.process, mail.number);
  return RunUserCall(lock, call, state, results);
}

std::optional<ErrorInfo> CallRunner::Resolve(std::unique_lock<std::mutex>& lock, const client::WireArguments& arguments,
                                             Resolved* resolved) {
  for (const client::WireArgument& argument : arguments.refs) {
    switch (argument.value.kind) {
      case client::WireValue::Kind::kInline:
        resolved->values.push_back({argument.position, AsBytes(argument.value.bytes)});
        break;
      case client::WireValue::Kind::kStored: {
        internal::ObjectValue value = stored_.ReadStored(lock, argument);
        if (value.error) {
          ErrorInfo error = *value.error;
          error.outcome = Outcome::kNotExecuted;
          error.message = "its argument " + std::to_string(argument.position + 1) + " cannot be read: " + error.message;
          return error;
        }
        resolved->values.push_back({argument.position, value.bytes});
        resolved->keep.push_back(std::move(value.keep));
        break;
      }
      case client::WireValue::Kind::kError: {
        ErrorInfo error = *argument.value.error;
        error.outcome = Outcome::kNotExecuted;
        return error;
      }
    }
  }
  return std::nullopt;
}

std::optional<ErrorInfo> CallRunner::Construct(std::unique_lock<std::mutex>& lock, const pb::ActorSpec& spec,
                                               ActorInstance& actor) {
  client::WireArguments arguments;
  if (!client::DecodeArguments(spec.arguments(), &arguments)) {
    return NotExecuted(ErrorKind::kBadArguments, "the constructor's arguments do not decode");
  }
  const internal::Function* const function = internal::FindFunction(spec.constructor());
  if (!function || !function->make) {
    return NotExecuted(ErrorKind::kUnknownMethod,
                       "the program of this worker has no constructor of " + spec.class_name() +
                           " with these parameters; is it built from the same sources as its caller?");
  }
  // Several incarnations may read the same arguments, so nobody counts this process as a holder of refs in them:
  // reading them borrows (client/actor_table.h).
  Resolved resolved;
  if (auto error = Resolve(lock, arguments, &resolved)) return error;
  std::shared_ptr<void> object;
  auto error = RunUserCode(lock, {.context = &actor.context(), .lends_cpus = actor.holds_cpus()}, [&] {
    internal::ArgumentReader reader(AsBytes(arguments.values), resolved.values);
    object = function->make(reader);
  });
  actor.Constructed(std::move(object), function->type);
  return error;
}

}  // namespace troupe::worker
