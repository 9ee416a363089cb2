// Messenger: how one process sends frames to others and waits for theirs.
//
// Frames to processes of this node go through shared-memory rings, made by the raylet at the first frame; frames to
// other nodes, and requests, go to the raylet over its unix socket. Frames from one process to another arrive in order.
//
// All state is guarded by the runtime's one mutex, which the caller passes in. Nothing blocks with it held: what a ring
// or the socket has no room for is queued. A ring has one reader at a time, who is whoever holds the mutex while
// sleeper_ is kNobody; while somebody sleeps, that thread alone looks at the rings, without the mutex, and nobody reads
// them or changes which there are. Whoever waits reads the rings itself:
// the first waiting thread spins, then sleeps on the process's doorbell; others wait for it on a condition variable.
// When no thread waits, the service thread reads the rings, so that values and counts that others ask for are
// answered while user code computes. It stays out of the way of threads that wait often (docs/threading.md).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
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
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/outbox.h"
#include "client/peer_channel.h"
#include "common/status.h"
#include "ipc/channel.h"
#include "ipc/client_socket.h"
#include "ipc/doorbell.h"
#include "ipc/spin_budget.h"
#include "proto/client.pb.h"
#include "troupe/ids.h"

namespace troupe::client {

using Deadline = std::optional<Clock::time_point>;

// What arrives. All functions are called with the mutex held and must not block.
class MessageHandler {
 public:
  virtual ~MessageHandler() = default;
  // `frame` is valid during the call only. `number`: for SayBegun; 0 when the sender cannot be told.
  virtual void OnFrame(const Address& from, std::string_view frame, std::uint64_t number) = 0;
  virtual void OnRaylet(const pb::RayletToClient& message) = 0;
  // What workers of this job print. Without the mutex, as printing may block.
  virtual void OnLogLines(const pb::LogLines& lines) = 0;
  // Nothing sent to `process` arrives any more, and what it sent has been handed out. Of the frames sent to it those
  // after number `reached` were not carried out and never will be.
  virtual void OnProcessGone(ProcessId process, const std::string& reason, std::uint64_t reached) = 0;
  // What was sent to `process` may not have arrived, nor its answers. The next may. Frames after number `reached` have
  // not left this process.
  virtual void OnPathBroken(ProcessId process, const std::string& reason, std::uint64_t reached) = 0;
  // The raylet is gone for good; pending requests have been answered with errors.
  virtual void OnRayletLost(const std::string& reason) = 0;
};

class Messenger final : public Outbox {
 public:
  // Waiting threads call it once when they are about to sleep (true) and once when they go on (false), without
  // the mutex; a worker lends its CPUs away meanwhile.
  using SleepHook = std::function<void(bool sleeping)>;

  // How long to wait for a raylet that does not speak; it may be stopped, or starved. One that is silent is asked for a
  // sign of life, again after as much silence, and given up after so many questions. The head has given its node up
  // earlier.
  struct Patience {
    std::chrono::milliseconds registration = std::chrono::seconds(30);
    std::chrono::milliseconds silence = std::chrono::seconds(10);
    int questions = 3;
  };

  Messenger(std::mutex& mutex, MessageHandler& handler) : Messenger(mutex, handler, Patience()) {}
  Messenger(std::mutex& mutex, MessageHandler& handler, const Patience& patience)
      : mutex_(mutex), handler_(handler), patience_(patience) {}
  ~Messenger() override;

  // Registers with the raylet at `socket_path` and starts the threads. Blocks, but not longer than Patience says:
  // DeadlineExceeded then. No thread of this object may be waited for meanwhile.
  Result<pb::Registered> Start(const std::string& socket_path, const pb::RegisterClient& hello);
  // Ends the threads; nothing arrives after it. Waits up to a second for what is queued for the raylet to go out.
  // Without the mutex. Idempotent.
  void Stop();

  // --- With the mutex held ---------------------------------------------------------------------------------------

  // Queues `frame`. Never blocks for long; what the ring does not take waits in a private backlog.
  std::uint64_t Send(const Address& to, std::string frame) override;
  std::size_t Backlog(const Address& to) const override;
  void Request(pb::ClientToRaylet message, std::function<void(const pb::RayletToClient&)> done) override;

  // Tells `process` that its frame `number` is carried out now, and all before it were or never will be. It may read
  // that word after this process has been killed. 0: does nothing.
  void SayBegun(ProcessId process, std::uint64_t number);

  // Reads the rings until `done()` or the deadline, whose passing it returns as false. Releases the mutex while it
  // waits. Any number of threads.
  bool WaitUntil(std::unique_lock<std::mutex>& lock, const std::function<bool()>& done, Deadline deadline = {},
                 const SleepHook* hook = nullptr);

  // For threads that make calls and do not wait: every so many of them, reads the rings as WaitUntil would. So the
  // service thread stays out of their way, too.
  void OnCallMade();

  // Makes waiting threads look at their condition again, or the service thread at the rings.
  void Kick();
  // Only the former, if there are any: without a system call else.
  void KickWaiting() {
    if (waiting_ > 0) Kick();
  }

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

  // One-way message to the raylet. A lost connection shows in OnRayletLost.
  void SendRaylet(const pb::ClientToRaylet& message) override;
  // Whether the raylet has closed the connection, be it that nobody here has read that yet.
  bool RayletClosed() const { return socket_->Closed(); }
  // Wakes the service thread if it sleeps, and nobody else.
  void WakeService();

 private:
  enum class Sleeper { kNobody, kUser, kService };

  void OpenChannel(ProcessId process);
  void AskForLarger(ProcessId process, const PeerChannel& peer);
  void OnChannelOpened(const pb::ChannelOpened& opened);
  void AwaitEnd(ProcessId process, const std::string& region, const std::string& what);
  Status AttachChannel(PeerChannel& peer, const pb::ChannelOpened& opened);
  bool Read(ProcessId process, PeerChannel& peer);
  void Drain();
  void CloseChannel(ProcessId process, const std::string& region, const std::string& what);
  void Break(ProcessId process, const std::string& reason, bool gone = false);
  void HandleChanges();
  void TakeApart(ProcessId process, const std::string& reason, bool gone);
  bool AnythingToRead() const;
  void RefreshSnapshot();
  void SleepOnDoorbell(std::chrono::nanoseconds timeout);
  void ReceiveLoop();
  Result<ipc::Frame> ReceiveOrAsk();
  void HandleRaylet(const pb::RayletToClient& message);
  void ServiceLoop();
  void RunTimers();
  void PrintTold(std::unique_lock<std::mutex>& lock);
  void LoseRaylet(const std::string& reason);

  std::mutex& mutex_;
  MessageHandler& handler_;
  const Patience patience_;
  Address self_;
  std::unique_ptr<ipc::ClientSocket> socket_;
  std::unique_ptr<ipc::OwnDoorbell> doorbell_;
  std::function<void()> on_drain_;

  struct Peer {
    std::shared_ptr<PeerChannel> channel = std::make_shared<PeerChannel>();
    std::string name;  // for people
  };
  std::unordered_map<ProcessId, Peer> peers_;
  // The open ones of peers_. The sleeper looks at their rings without the mutex, and keeps them alive meanwhile.
  std::vector<std::pair<ProcessId, std::shared_ptr<PeerChannel>>> snapshot_;
  bool snapshot_stale_ = true;
  // What becomes of channels, in the order in which it was learnt. Handled at the next Drain, when nobody looks at a
  // ring: PeerChannel says what a look without the mutex allows.
  struct Change {
    ProcessId process = {};
    std::optional<pb::ChannelOpened> opened = {};  // else it ends:
    std::string reason = {};
    bool gone = false;        // the process, not just the way there
    std::string region = {};  // not empty: only if the channel is this one
  };
  std::vector<Change> changes_;
  std::deque<std::string> loopback_;  // frames of this process to itself
  std::uint64_t last_request_ = 0;
  std::unordered_map<std::uint64_t, std::function<void(const pb::RayletToClient&)>> requests_;
  std::optional<std::string> lost_;

  Sleeper sleeper_ = Sleeper::kNobody;
  std::atomic<bool> kicked_{false};
  std::condition_variable others_;  // threads that wait while another one sleeps for them
  int others_waiting_ = 0;
  int waiting_ = 0;          // threads inside WaitUntil
  std::uint64_t waits_ = 0;  // counts WaitUntil calls, and looks of OnCallMade
  std::uint64_t calls_made_ = 0;
  std::optional<ipc::SpinBudget> spin_;  // since Start: the raylet knows what a wake-up costs here

  std::condition_variable service_wake_;
  bool service_deep_ = false;  // it sleeps until woken: a user thread reads the rings
  bool stop_ = false;
  std::multimap<Clock::time_point, std::function<void()>> timers_;
  std::vector<std::string> told_;  // and not printed yet
  std::thread receive_thread_;
  std::thread service_thread_;
};

}  // namespace troupe::client
