// Messenger: how one process sends frames to others and waits for theirs.
//
// Frames to processes of this node go through shared-memory rings (ChannelSet); frames to other nodes, and requests, go
// to the raylet over its unix socket (RayletSession), or wait for it (NodeQueues). Frames from one process to another
// arrive in order. RingWatch says who reads the rings, and timers and messages to the user run on the service thread.
//
// All state is guarded by the runtime's one mutex, which the caller passes in. Nothing blocks with it held: what a ring
// or the socket has no room for is queued.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "client/channel_set.h"
#include "client/node_queues.h"
#include "client/outbox.h"
#include "client/raylet_session.h"
#include "client/ring_watch.h"
#include "common/status.h"
#include "ipc/doorbell.h"
#include "proto/client.pb.h"
#include "troupe/ids.h"

namespace troupe::client {

// What arrives. All functions are called with the mutex held and must not block.
class MessageHandler {
 public:
  virtual ~MessageHandler() = default;
  // `frame` is valid during the call only. `number`: for Outbox::SayBegun; 0 when the sender cannot be told.
  virtual void OnFrame(const Address& from, std::string_view frame, std::uint64_t number) = 0;
  virtual void OnRaylet(const pb::RayletToClient& message) = 0;
  // What workers of this job print. Without the mutex, as printing may block.
  virtual void OnLogLines(const pb::LogLines& lines) = 0;
  // As of ChannelSet::Handler.
  virtual void OnProcessGone(ProcessId process, const std::string& reason, std::uint64_t reached) = 0;
  virtual void OnPathBroken(ProcessId process, const std::string& reason, std::uint64_t reached) = 0;
  // The raylet is gone for good; pending requests have been answered with errors.
  virtual void OnRayletLost(const std::string& reason) = 0;
};

class Messenger final : public Outbox, private RayletSession::Handler, private ChannelSet::Handler, private Rings {
 public:
  Messenger(std::mutex& mutex, MessageHandler& handler, const RayletPatience& patience = {});
  ~Messenger() override;

  // Registers with the raylet at `socket_path` and starts the threads. Blocks, but not longer than `patience` says:
  // DeadlineExceeded then. No thread of this object may be waited for meanwhile.
  Result<pb::Registered> Start(const std::string& socket_path, const pb::RegisterClient& hello);
  // Ends the threads; nothing arrives after it. Waits up to a second for what is queued for the raylet to go out.
  // Without the mutex. Idempotent.
  void Stop();

  // --- With the mutex held ---------------------------------------------------------------------------------------

  std::uint64_t Send(const Address& to, std::string frame) override;
  void Watch(const Address& process) override;
  std::size_t Backlog(const Address& to) const override;
  void Request(pb::ClientToRaylet message, std::function<void(const pb::RayletToClient&)> done) override {
    session_.Request(std::move(message), std::move(done));
  }

  // Sends `message` to the raylet and waits for its reply, as WaitUntil does. None when the deadline has passed;
  // `late`, if any, is called with a reply that comes after all.
  std::optional<pb::RayletToClient> Ask(std::unique_lock<std::mutex>& lock, pb::ClientToRaylet message,
                                        const SleepHook* hook, Deadline deadline = {}, RayletSession::Reply late = {});

  void SayBegun(ProcessId process, std::uint64_t number) override {
    if (number != 0) channels_.SayBegun(process, number);
  }

  // As of RingWatch.
  bool WaitUntil(std::unique_lock<std::mutex>& lock, const std::function<bool()>& done, Deadline deadline = {},
                 const SleepHook* hook = nullptr) {
    return watch_->WaitUntil(lock, done, deadline, hook);
  }
  void OnCallMade() { watch_->OnCallMade(); }
  void KickWaiting() { watch_->KickWaiting(); }

  // On the service thread, without the mutex.
  void Tell(std::string text) override;

  // On the service thread, at most about 100 ms late.
  void After(std::chrono::milliseconds delay, std::function<void()> work) override;
  Clock::time_point Now() const override { return Clock::now(); }

  // Waits until everything queued for other processes is in their rings or has gone to the raylet, or they are gone;
  // false when `limit` has passed. Before a process ends on purpose: what it leaves in its own memory is lost.
  bool FlushBacklogs(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds limit);

  // `work` runs after each look at the rings, before waiting threads look at their condition.
  void OnDrain(std::function<void()> work) { on_drain_ = std::move(work); }

  // --- Any thread, mutex or not ------------------------------------------------------------------------------------

  void SendRaylet(const pb::ClientToRaylet& message) override { session_.Send(message); }
  // Wakes the service thread if it sleeps on the rings, and nobody else.
  void WakeService();

 private:
  class Doorbell;

  void Kick() { watch_->Kick(); }

  // --- RayletSession::Handler --------------------------------------------------------------------------------------
  void OnMessage(const pb::RayletToClient& message) override;
  void OnRouted(const Address& from, std::string_view frame) override { handler_.OnFrame(from, frame, 0); }
  void OnLost(const std::string& reason) override;
  void OnReceived() override { Kick(); }
  void OnLogLines(const pb::LogLines& lines) override { handler_.OnLogLines(lines); }
  void OnRoom() override;

  // --- ChannelSet::Handler -----------------------------------------------------------------------------------------
  void OnFrame(ProcessId from, std::string_view frame, std::uint64_t number) override {
    handler_.OnFrame({self_.node, from}, frame, number);
  }
  void OnProcessGone(ProcessId process, const std::string& reason, std::uint64_t reached) override {
    handler_.OnProcessGone(process, reason, reached);
  }
  void OnPathBroken(ProcessId process, const std::string& reason, std::uint64_t reached) override {
    handler_.OnPathBroken(process, reason, reached);
  }

  // --- Rings -------------------------------------------------------------------------------------------------------
  void Drain() override;
  void BeforeSleep() override { channels_.BeforeSleep(); }
  bool AnyReadable() const override { return channels_.AnyReadable(); }

  void PrintTold(std::unique_lock<std::mutex>& lock);
  // What the service thread does beside reading; whether some is left.
  bool DoChores(std::unique_lock<std::mutex>& lock);

  std::mutex& mutex_;
  MessageHandler& handler_;
  Address self_;
  RayletSession session_;
  ChannelSet channels_;
  NodeQueues nodes_;
  std::unordered_set<ProcessId> watched_;  // and not dead, as far as is known
  std::function<void()> on_drain_;
  std::deque<std::string> loopback_;  // frames of this process to itself
  bool lost_ = false;                 // the raylet
  std::multimap<Clock::time_point, std::function<void()>> timers_;
  std::vector<std::string> told_;  // and not printed yet

  std::unique_ptr<Bell> bell_;      // since Start
  std::optional<RingWatch> watch_;  // the same: the raylet knows what a wake-up costs here
  std::thread service_thread_;
};

}  // namespace troupe::client
