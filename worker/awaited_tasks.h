// AwaitedTasks: a task that waits for tasks of its own runs them itself.
#pragma once

#include <cstdint>
#include <mutex>

#include "client/runtime_impl.h"
#include "worker/stack_room.h"
#include "worker/user_call.h"

namespace troupe::worker {

// Each task that waits would otherwise need one more worker for what it waits for. What TaskTable::TakeAwaited gives it
// runs on the thread that waits instead, with the CPUs that the thread would lend away. Only on the main thread, and
// only inside tasks: an actor has no CPUs to lend as a rule, and a task that crashed would take its state with it.
// With the core's mutex held.
class AwaitedTasks final : public client::TaskRunner {
 public:
  explicit AwaitedTasks(client::RuntimeImpl& runtime)
      : runtime_(runtime), core_(runtime.core()), stack_(StackRoom::OfMainThread()) {}

  // The main thread is about to run a task for somebody else that holds `cpu_units`.
  void Begin(std::int64_t cpu_units);
  bool RunOne(std::unique_lock<std::mutex>& lock, const client::ObjectRecord& awaited) override;

 private:
  UserOutcome Run(std::unique_lock<std::mutex>& lock, const client::PendingCall& call, internal::ResultSink& results);

  client::RuntimeImpl& runtime_;
  client::Core& core_;
  StackRoom stack_;
  std::int64_t cpu_units_ = 0;
};

}  // namespace troupe::worker
