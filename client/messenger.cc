#include "client/messenger.h"

#include <algorithm>
#include <utility>

#include "client/wire.h"
#include "common/check.h"
#include "common/signal_mask.h"

namespace troupe::client {
namespace {

using namespace std::chrono_literals;

// Types of frames on the raylet's socket (proto/client.proto).
constexpr std::uint16_t kToRaylet = 1;
constexpr std::uint16_t kFromRaylet = 2;
constexpr std::uint16_t kRouted = 3;

constexpr auto kRegisterTimeout = 10s;
constexpr auto kServiceTick = 5ms;
constexpr int kTicksBeforeDeepSleep = 20;
constexpr int kCallsPerLook = 64;  // a look costs some 100 ns: little beside this many calls

}  // namespace

Messenger::~Messenger() { Stop(); }

Result<pb::Registered> Messenger::Start(const std::string& socket_path, const pb::RegisterClient& hello) {
  TROUPE_ASSIGN_OR_RETURN(socket_, ipc::ClientSocket::Connect(socket_path, kRegisterTimeout));
  pb::ClientToRaylet message;
  message.set_request_id(1);
  *message.mutable_register_() = hello;
  last_request_ = 1;
  TROUPE_RETURN_IF_ERROR(socket_->Send(kToRaylet, message.SerializeAsString()));
  TROUPE_ASSIGN_OR_RETURN(ipc::Frame frame, socket_->Receive());
  pb::RayletToClient reply;
  if (frame.type != kFromRaylet || !reply.ParseFromString(frame.payload)) {
    return DataLoss("the raylet at " + socket_path + " answered the registration with what is no reply");
  }
  if (reply.has_error()) return FailedPrecondition(reply.error().message());
  if (!reply.has_registered()) return DataLoss("the raylet at " + socket_path + " did not answer the registration");
  const pb::Registered& registered = reply.registered();
  TROUPE_ASSIGN_OR_RETURN(doorbell_, ipc::OwnDoorbell::Open(registered.doorbell()));
  self_ = {NodeId::FromBytes(registered.node()).value_or(NodeId{}), ProcessId{registered.process()}};
  spin_.emplace(std::chrono::nanoseconds(registered.spin_ns()));
  const BlockSignals block;
  receive_thread_ = std::thread([this] { ReceiveLoop(); });
  service_thread_ = std::thread([this] { ServiceLoop(); });
  return registered;
}

void Messenger::Stop() {
  if (!socket_) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    Kick();
    service_wake_.notify_all();
  }
  socket_->Shutdown();
  if (receive_thread_.joinable()) receive_thread_.join();
  if (service_thread_.joinable()) service_thread_.join();
}

// --- Sending -------------------------------------------------------------------------------------------------------

void Messenger::Send(const Address& to, std::string frame) {
  if (to.process == self_.process) {
    loopback_.push_back(std::move(frame));
    Kick();
    return;
  }
  if (frame.size() > PeerChannel::kMaxFrame) return Break(to.process, "a message to it is longer than 16 MiB", false);
  if (to.node != self_.node) {
    std::string routed;
    routed.reserve(24 + frame.size());
    routed += to.node.Bytes();
    WireWriter(&routed).Put(to.process);
    routed += frame;
    // A lost raylet shows in ReceiveLoop.
    (void)socket_->Send(kRouted, routed);
    return;
  }
  std::shared_ptr<PeerChannel>& peer = peers_[to.process];
  if (!peer) {
    peer = std::make_shared<PeerChannel>();
    OpenChannel(to.process);
  }
  peer->Write(std::move(frame));
}

std::size_t Messenger::Backlog(const Address& to) const {
  if (to.node != self_.node) return 0;
  auto it = peers_.find(to.process);
  return it == peers_.end() ? 0 : it->second->backlog_bytes();
}

void Messenger::OpenChannel(ProcessId process) {
  pb::ClientToRaylet message;
  message.mutable_open_channel()->set_peer(process.value);
  Request(std::move(message), [this, process](const pb::RayletToClient& reply) {
    if (reply.has_channel_opened()) {
      AttachChannel(reply.channel_opened());
    } else {
      Break(process, reply.has_error() ? reply.error().message() : "the raylet made no channel to it",
            reply.error().kind() == pb::Error::WORKER_DIED);
    }
  });
}

void Messenger::AttachChannel(const pb::ChannelOpened& opened) {
  const ProcessId process{opened.peer()};
  std::shared_ptr<PeerChannel>& peer = peers_[process];
  if (!peer) peer = std::make_shared<PeerChannel>();
  if (peer->open()) return;  // both sides asked at once
  Result<ipc::Doorbell> bell = ipc::Doorbell::Open(opened.peer_doorbell());
  if (!bell.ok()) return Break(process, bell.status().message(), false);
  Result<ipc::Channel> channel =
      ipc::Channel::Open(opened.region(), opened.side() == 0 ? ipc::Side::kA : ipc::Side::kB, std::move(*bell));
  if (!channel.ok()) return Break(process, channel.status().message(), false);
  peer->Attach(std::move(*channel));
  snapshot_stale_ = true;
  Kick();
}

// Takes effect at the next Drain: a thread may be looking at the ring right now.
void Messenger::Break(ProcessId process, const std::string& reason, bool gone) {
  broken_.push_back({process, reason, gone});
  Kick();
}

void Messenger::HandleBroken() {
  auto broken = std::exchange(broken_, {});
  for (const auto& [process, reason, gone] : broken) {
    // What it had still written counts: a reply that is there is not an unknown outcome.
    if (auto node = peers_.extract(process); !node.empty()) {
      snapshot_stale_ = true;
      while (Read(process, *node.mapped())) {
      }
    }
    gone ? handler_.OnProcessGone(process, reason) : handler_.OnPathBroken(process, reason);
  }
}

void Messenger::Request(pb::ClientToRaylet message, std::function<void(const pb::RayletToClient&)> done) {
  const std::uint64_t id = ++last_request_;
  message.set_request_id(id);
  if (lost_) {
    pb::RayletToClient reply;
    reply.mutable_error()->set_kind(pb::Error::SYSTEM);
    reply.mutable_error()->set_message(*lost_);
    return done(reply);
  }
  requests_.emplace(id, std::move(done));
  SendRaylet(message);
}

void Messenger::SendRaylet(const pb::ClientToRaylet& message) {
  (void)socket_->Send(kToRaylet, message.SerializeAsString());
}

// --- Receiving -----------------------------------------------------------------------------------------------------

// Whether there may be more.
bool Messenger::Read(ProcessId process, PeerChannel& peer) {
  switch (peer.Read([&](std::string_view frame) { handler_.OnFrame({self_.node, process}, frame); })) {
    case PeerChannel::ReadEnd::kAllRead: return false;
    case PeerChannel::ReadEnd::kMore: return true;
    case PeerChannel::ReadEnd::kCorrupt: Break(process, "it wrote a corrupt record into its channel"); break;
    case PeerChannel::ReadEnd::kTooLong: Break(process, "it sent a message longer than 16 MiB"); break;
  }
  return false;
}

void Messenger::Drain() {
  if (snapshot_stale_) RefreshSnapshot();
  for (const auto& [process, peer] : snapshot_) {
    if (peer->Readable() && Read(process, *peer)) Kick();  // come back after the others
    if (!peer->Flush()) Break(process, "it broke the rules of their channel");
  }
  if (!broken_.empty()) HandleBroken();
  while (!loopback_.empty()) {
    const std::string frame = std::move(loopback_.front());
    loopback_.pop_front();
    handler_.OnFrame(self_, frame);
  }
  if (on_drain_) on_drain_();
}

void Messenger::ReceiveLoop() {
  for (;;) {
    Result<ipc::Frame> frame = socket_->Receive();
    pb::RayletToClient message;
    const bool is_message = frame.ok() && frame->type == kFromRaylet;
    const bool parsed = is_message && message.ParseFromString(frame->payload);
    if (parsed && message.has_log_lines()) {
      handler_.OnLogLines(message.log_lines());
      continue;
    }
    std::lock_guard lock(mutex_);
    if (stop_) return;
    if (!frame.ok()) return LoseRaylet(frame.status().message());
    if (frame->type == kRouted && frame->payload.size() >= 24) {
      WireReader r(std::string_view(frame->payload).substr(16, 8));
      const NodeId node = NodeId::FromBytes(std::string_view(frame->payload).substr(0, 16)).value();
      handler_.OnFrame({node, r.Get<ProcessId>()}, std::string_view(frame->payload).substr(24));
    } else if (is_message) {
      if (!parsed) return LoseRaylet("the raylet sent a message that does not parse");
      HandleRaylet(message);
    } else {
      return LoseRaylet("the raylet sent a frame of unknown type " + std::to_string(frame->type));
    }
    Kick();
  }
}

void Messenger::HandleRaylet(const pb::RayletToClient& message) {
  if (message.request_id() != 0) {
    auto node = requests_.extract(message.request_id());
    if (!node.empty()) node.mapped()(message);
  } else if (message.has_channel_opened()) {
    AttachChannel(message.channel_opened());
  } else if (message.has_process_died()) {
    Break(ProcessId{message.process_died().process()}, message.process_died().reason());
  } else {
    handler_.OnRaylet(message);
  }
}

void Messenger::LoseRaylet(const std::string& reason) {
  lost_ = "lost the connection to the raylet of this node: " + reason;
  pb::RayletToClient reply;
  reply.mutable_error()->set_kind(pb::Error::SYSTEM);
  reply.mutable_error()->set_message(*lost_);
  auto requests = std::exchange(requests_, {});
  for (auto& [id, done] : requests) done(reply);
  handler_.OnRayletLost(*lost_);
  Kick();
}

// --- Waiting -------------------------------------------------------------------------------------------------------

void Messenger::Kick() {
  kicked_.store(true, std::memory_order_release);
  if (sleeper_ != Sleeper::kNobody) doorbell_->WakeLocal();
  if (others_waiting_ > 0) others_.notify_all();
}

void Messenger::WakeService() {
  if (doorbell_) doorbell_->WakeLocal();
}

bool Messenger::AnythingToRead() const {
  if (kicked_.load(std::memory_order_acquire)) return true;
  return std::any_of(snapshot_.begin(), snapshot_.end(), [](const auto& entry) { return entry.second->Readable(); });
}

void Messenger::RefreshSnapshot() {
  snapshot_.clear();
  for (const auto& [process, peer] : peers_) {
    if (peer->open()) snapshot_.emplace_back(process, peer);
  }
  snapshot_stale_ = false;
}

void Messenger::SleepOnDoorbell(std::chrono::nanoseconds timeout) {
  const std::uint32_t word = doorbell_->Prepare();
  if (!AnythingToRead()) doorbell_->Wait(word, timeout);
  doorbell_->Finish();
}

bool Messenger::WaitUntil(std::unique_lock<std::mutex>& lock, const std::function<bool()>& done, Deadline deadline,
                          const SleepHook* hook) {
  ++waiting_;
  ++waits_;
  bool slept = false;
  bool result = false;
  for (;;) {
    if (sleeper_ == Sleeper::kNobody) {  // else whoever sleeps reads the rings: they have one reader at a time
      kicked_.store(false, std::memory_order_relaxed);
      Drain();
    }
    if ((result = done())) break;
    if (deadline && Clock::now() >= *deadline) break;
    if (sleeper_ == Sleeper::kUser) {
      ++others_waiting_;
      if (deadline) {
        others_.wait_until(lock, *deadline);
      } else {
        others_.wait(lock);
      }
      --others_waiting_;
      continue;
    }
    if (sleeper_ == Sleeper::kService) {  // it gives way
      kicked_.store(true, std::memory_order_release);
      doorbell_->WakeLocal();
      ++others_waiting_;
      others_.wait_for(lock, 1ms);
      --others_waiting_;
      continue;
    }
    sleeper_ = Sleeper::kUser;
    if (snapshot_stale_) RefreshSnapshot();
    lock.unlock();
    if (!spin_->SpinUntil([this] { return AnythingToRead(); })) {
      if (hook && !slept) (*hook)(true);
      slept = true;
      auto timeout = std::chrono::nanoseconds(ipc::kDoorbellTimeout);
      if (deadline) timeout = std::clamp<std::chrono::nanoseconds>(*deadline - Clock::now(), 0ns, timeout);
      SleepOnDoorbell(timeout);
    }
    lock.lock();
    sleeper_ = Sleeper::kNobody;
    if (others_waiting_ > 0) others_.notify_all();
  }
  --waiting_;
  if (service_deep_) service_wake_.notify_one();
  if (others_waiting_ > 0) others_.notify_one();  // one of them takes over
  if (hook && slept) {
    lock.unlock();
    (*hook)(false);
    lock.lock();
  }
  return result;
}

void Messenger::OnCallMade() {
  if (++calls_made_ % kCallsPerLook != 0) return;
  ++waits_;
  if (sleeper_ == Sleeper::kUser) return;  // it reads the rings
  if (sleeper_ == Sleeper::kService) {     // it gives way before the next look
    kicked_.store(true, std::memory_order_release);
    doorbell_->WakeLocal();
    return;
  }
  kicked_.store(false, std::memory_order_relaxed);
  Drain();
  if (others_waiting_ > 0) others_.notify_all();
}

bool Messenger::FlushBacklogs(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds limit) {
  const auto flushed = [this] {
    return lost_ || std::all_of(peers_.begin(), peers_.end(),
                                [](const auto& entry) { return entry.second->backlog_bytes() == 0; });
  };
  return WaitUntil(lock, flushed, Clock::now() + limit);
}

// --- Service thread ------------------------------------------------------------------------------------------------

void Messenger::After(std::chrono::milliseconds delay, std::function<void()> work) {
  timers_.emplace(Clock::now() + delay, std::move(work));
  if (service_deep_) service_wake_.notify_one();
}

void Messenger::RunTimers() {
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto node = timers_.extract(timers_.begin());
    node.mapped()();
  }
}

void Messenger::ServiceLoop() {
  std::unique_lock lock(mutex_);
  std::uint64_t seen_waits = 0;
  int quiet_ticks = 0;
  while (!stop_) {
    RunTimers();
    if (waits_ != seen_waits || waiting_ > 0) {  // user threads read the rings, now or all the time
      quiet_ticks = waits_ == seen_waits ? quiet_ticks + 1 : 0;
      seen_waits = waits_;
      if (quiet_ticks < kTicksBeforeDeepSleep || !timers_.empty()) {
        service_wake_.wait_for(lock, kServiceTick);
      } else {
        service_deep_ = true;
        service_wake_.wait(lock);
        service_deep_ = false;
        quiet_ticks = 0;
      }
      continue;
    }
    if (sleeper_ == Sleeper::kNobody) {
      kicked_.store(false, std::memory_order_relaxed);
      Drain();
    }
    if (stop_ || waiting_ > 0 || sleeper_ != Sleeper::kNobody) continue;
    sleeper_ = Sleeper::kService;
    if (snapshot_stale_) RefreshSnapshot();
    lock.unlock();
    SleepOnDoorbell(timers_.empty() ? std::chrono::nanoseconds(ipc::kDoorbellTimeout) : kServiceTick);
    lock.lock();
    sleeper_ = Sleeper::kNobody;
    if (others_waiting_ > 0) others_.notify_all();
  }
}

}  // namespace troupe::client
