// Executor: runs the calls that reach a worker process, one after another, on the process's main thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/runtime_impl.h"
#include "worker/actor_instance.h"
#include "worker/awaited_tasks.h"
#include "worker/call_runner.h"
#include "worker/lease_gate.h"
#include "worker/mailbox.h"
#include "worker/node_fence.h"
#include "worker/reply_sender.h"
#include "worker/visible_gpus.h"

namespace troupe::worker {

// A worker runs tasks for whoever leases it, or hosts one actor. What arrives waits in a mailbox. The main thread reads
// the rings itself while there is nothing to run, so a call reaches user code without a change of thread.
class Executor final : public client::CallSink {
 public:
  explicit Executor(client::RuntimeImpl& runtime)
      : runtime_(runtime),
        core_(runtime.core()),
        replies_(core_, runtime.codec(), runtime),
        runner_(core_, runtime, replies_),
        awaited_(runtime) {}
  ~Executor() override;

  // Serves until the process is told to exit, then returns its exit status. Main thread.
  int Run();
  // Asks `fence`, which outlives this, before each call. Before Run().
  void SetFence(NodeFence* fence) { fence_ = fence; }

  // --- CallSink: with the core's mutex held --------------------------------------------------------------------------
  void OnCall(const Address& from, std::string_view frame, std::uint64_t number) override;
  void OnRaylet(const pb::RayletToClient& message) override;
  void OnRayletLost(const std::string& reason) override;

 private:
  struct Hosted {
    explicit Hosted(const pb::AssignActor& assignment, internal::Context context)
        : actor(assignment, std::move(context)), mailbox(assignment.spec().max_pending_calls()) {}

    ActorInstance actor;
    Mailbox mailbox;
  };
  struct Stop {
    int status = 0;
    std::string reason;
  };

  bool HasWork() const;
  void CheckNode();
  void RunNext(std::unique_lock<std::mutex>& lock);
  void RunMethod(std::unique_lock<std::mutex>& lock, const Mail& mail);
  void RunTask(std::unique_lock<std::mutex>& lock, const Mail& mail);
  // Puts `*mail` where it waits for its turn, or returns why it is not taken.
  std::optional<ErrorInfo> Deliver(std::unique_ptr<Mail>* mail);
  void OnExitRequest(const pb::ExitRequest& request);
  void Host(std::unique_lock<std::mutex>& lock, const pb::AssignActor& assignment);
  void EndActor(std::unique_lock<std::mutex>& lock, const std::string& reason);
  // The actor that a call was for, if it is here.
  const ActorInstance* ActorOf(const Mail& mail) const;

  client::RuntimeImpl& runtime_;
  client::Core& core_;
  NodeFence* fence_ = nullptr;
  ReplySender replies_;
  CallRunner runner_;
  std::optional<pb::AssignActor> assignment_;
  std::optional<Hosted> hosted_;
  Mailbox tasks_;
  LeaseGate lease_;
  AwaitedTasks awaited_;
  VisibleGpus gpus_;
  std::optional<Stop> stop_;
};

}  // namespace troupe::worker
