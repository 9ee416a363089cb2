#include "worker/actor_instance.h"

#include <utility>

#include "worker/call_errors.h"

namespace troupe::worker {
namespace {

bool HoldsCpus(const pb::Resources& resources) {
  auto it = resources.units().find("CPU");
  return it != resources.units().end() && it->second > 0;
}

}  // namespace

ActorInstance::ActorInstance(const pb::AssignActor& assignment, internal::Context process)
    : class_name_(assignment.spec().class_name()),
      holds_cpus_(HoldsCpus(assignment.spec().resources())),
      context_(std::move(process)) {
  const pb::ActorSpec& spec = assignment.spec();
  context_.job = {spec.job()};
  context_.actor = ActorId::FromBytes(spec.id()).value_or(ActorId{});
  context_.actor_name = spec.name();
  context_.name_space = spec.name_space();
  context_.incarnation = assignment.incarnation();
  context_.was_restarted = assignment.was_restarted();
}

std::optional<ErrorInfo> ActorInstance::Refusal(const client::CallFrame& call) const {
  if (call.actor != id()) return NotExecuted(ErrorKind::kRefused, "the process does not host this actor");
  if (call.incarnation == incarnation()) return std::nullopt;
  return NotExecuted(ErrorKind::kRefused, "the call is for incarnation " + std::to_string(call.incarnation) +
                                              ", this is incarnation " + std::to_string(incarnation()));
}

void ActorInstance::Constructed(std::shared_ptr<void> object, const std::type_info* type) {
  object_ = std::move(object);
  type_ = type;
}

std::optional<ErrorInfo> ActorInstance::CannotRun(const internal::Function& function) const {
  if (!object_) return NotExecuted(ErrorKind::kActorDied, "the actor's constructor failed");
  if (function.type && *function.type == *type_) return std::nullopt;
  return NotExecuted(ErrorKind::kUnknownMethod, function.name + " is no method of the actor's class");
}

ErrorInfo ActorInstance::Named(ErrorInfo error) const {
  error.actor = id();
  error.actor_class = class_name_;
  return error;
}

}  // namespace troupe::worker
