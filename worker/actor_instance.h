// ActorInstance: one incarnation of an actor, in the process that hosts it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <typeinfo>

#include "client/frames.h"
#include "proto/client.pb.h"
#include "troupe/internal/runtime.h"

namespace troupe::worker {

// It has an object once, and unless, its constructor has returned. With the core's mutex held.
class ActorInstance {
 public:
  // `process`: the context of the process beside the actor.
  ActorInstance(const pb::AssignActor& assignment, internal::Context process);
  ActorInstance(const ActorInstance&) = delete;
  ActorInstance& operator=(const ActorInstance&) = delete;

  const ActorId& id() const { return context_.actor; }
  std::uint64_t incarnation() const { return context_.incarnation; }
  const std::string& class_name() const { return class_name_; }
  // So that its methods lend them away while they wait.
  bool holds_cpus() const { return holds_cpus_; }
  // What its code is told of where it runs; as long as this.
  const internal::Context& context() const { return context_; }
  // The call that runs; none between calls.
  void SetTask(const TaskId& task) { context_.task = task; }

  // kRefused for a call to another actor, or to another incarnation of this one.
  std::optional<ErrorInfo> Refusal(const client::CallFrame& call) const;
  // The constructor of `type` has returned.
  void Constructed(std::shared_ptr<void> object, const std::type_info* type);
  // Why `function` cannot run on the object: kActorDied when the constructor has failed, kUnknownMethod when it is no
  // method of the object's class. A caller may send any id.
  std::optional<ErrorInfo> CannotRun(const internal::Function& function) const;
  void* object() const { return object_.get(); }
  // For the object's destructor to run where user code may.
  std::shared_ptr<void> LetGo() { return std::move(object_); }

  // The error, with the actor's name on it.
  ErrorInfo Named(ErrorInfo error) const;

 private:
  const std::string class_name_;
  const bool holds_cpus_;
  internal::Context context_;
  std::shared_ptr<void> object_;
  const std::type_info* type_ = nullptr;  // of the object
};

}  // namespace troupe::worker
