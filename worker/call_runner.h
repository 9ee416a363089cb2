// CallRunner: runs one call: reads its arguments, calls the user's function, and has it answered.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "client/stored_values.h"
#include "worker/actor_instance.h"
#include "worker/mail.h"
#include "worker/reply_sender.h"
#include "worker/user_call.h"

namespace troupe::worker {

// User code runs without `lock`, which is on the core's mutex and held before and after.
class CallRunner {
 public:
  // All outlive this.
  CallRunner(client::Core& core, client::StoredValues& stored, ReplySender& replies)
      : core_(core), stored_(stored), replies_(replies) {}

  // What a call does to the process beside its answer.
  enum class Then { kGoOn, kExit };  // kExit: it called ExitActor

  // Runs a method of `actor`, or, if that is null, a task, with the thread as `state` says. The answer is the error,
  // and the function does not run, when the program has no such function, it is not one of `actor`'s, or an argument
  // cannot be read.
  [[nodiscard]] Then Run(std::unique_lock<std::mutex>& lock, const Mail& mail, const ActorInstance* actor,
                         const client::RuntimeImpl::ThreadState& state);
  // Runs the constructor of `actor` as `spec` has it, and returns what it threw, or why it did not run.
  std::optional<ErrorInfo> Construct(std::unique_lock<std::mutex>& lock, const pb::ActorSpec& spec,
                                     ActorInstance& actor);

 private:
  // The arguments that were given as objects, ready to be read.
  struct Resolved {
    std::vector<internal::ResolvedArgument> values;
    std::vector<std::shared_ptr<const void>> keep;  // what `values` point to
  };

  // Returns why one cannot be read.
  std::optional<ErrorInfo> Resolve(std::unique_lock<std::mutex>& lock, const client::WireArguments& arguments,
                                   Resolved* resolved);
  UserOutcome Invoke(std::unique_lock<std::mutex>& lock, const Mail& mail, const ActorInstance* actor,
                     const client::RuntimeImpl::ThreadState& state, ReplySink& results);

  client::Core& core_;
  client::StoredValues& stored_;
  ReplySender& replies_;
};

}  // namespace troupe::worker
