// Executor: runs the calls that reach a worker process, one after another, on the process's main thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/runtime_impl.h"
#include "worker/awaited_tasks.h"
#include "worker/lease_gate.h"
#include "worker/node_fence.h"
#include "worker/user_call.h"
#include "worker/visible_gpus.h"

namespace troupe::worker {

// A worker runs tasks for whoever leases it, or hosts one actor. Calls wait in the mailbox in the order in which they
// arrived; each caller's arrive in the order it made them. The main thread reads the rings itself while the mailbox is
// empty, so a call reaches user code without a change of thread.
class Executor final : public client::CallSink {
 public:
  explicit Executor(client::RuntimeImpl& runtime) : runtime_(runtime), core_(runtime.core()), awaited_(runtime) {}
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
  // A call as it arrived. On the heap, since the frame's views point into `buffer`.
  struct Mail {
    std::string buffer;
    Address from;
    std::uint64_t number = 0;  // for Messenger::SayBegun
    client::CallFrame frame;
    client::Contained held;  // what the sender counted this process as a holder of
    bool terminate = false;
  };
  struct Hosted {
    ActorId id;
    std::uint64_t incarnation = 0;
    std::string class_name;
    std::uint32_t max_pending_calls = 0;
    std::shared_ptr<void> instance;        // null until, and unless, the constructor has returned
    const std::type_info* type = nullptr;  // of the instance
    internal::Context context;
  };
  // Arguments of a call or constructor, ready to be read; keeps what they point to.
  struct Prepared {
    std::vector<internal::ResolvedArgument> resolved;
    std::vector<std::shared_ptr<const void>> keep;
    std::optional<ErrorInfo> error;
  };
  struct Stop {
    int status = 0;
    std::string reason;
  };

  bool HasWork() const;
  std::optional<ErrorInfo> Refusal(const Mail& mail) const;
  void OnExitRequest(const pb::ExitRequest& request);
  std::optional<ErrorInfo> CannotRun(const internal::Function* function) const;
  void Construct(std::unique_lock<std::mutex>& lock, const pb::AssignActor& assignment);
  std::optional<ErrorInfo> Make(std::unique_lock<std::mutex>& lock, const pb::ActorSpec& spec);
  void Execute(std::unique_lock<std::mutex>& lock, Mail& mail);
  UserResult Invoke(std::unique_lock<std::mutex>& lock, Mail& mail);
  Prepared Prepare(std::unique_lock<std::mutex>& lock, const client::WireArguments& arguments);
  void Reply(std::unique_lock<std::mutex>& lock, const Mail& mail, UserResult result);
  void SendResult(const Address& to, client::ReplyFrame& reply, const internal::Payload& result);
  void SayBlocked(bool blocked);
  void ReplyError(const Mail& mail, ErrorInfo error);
  void ExitActor(std::unique_lock<std::mutex>& lock, const std::string& reason);
  ErrorInfo Describe(ErrorInfo error) const;

  client::RuntimeImpl& runtime_;
  client::Core& core_;
  NodeFence* fence_ = nullptr;
  std::deque<std::unique_ptr<Mail>> mailbox_;
  std::optional<pb::AssignActor> assignment_;
  std::optional<Hosted> actor_;
  LeaseGate lease_;
  AwaitedTasks awaited_;
  VisibleGpus gpus_;
  bool holds_cpus_ = false;
  std::size_t waiting_results_ = 0;  // that name actors which the head does not know yet
  std::optional<Stop> stop_;
};

}  // namespace troupe::worker
