#include "client/messenger.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "common/check.h"
#include "common/signal_mask.h"
#include "ipc/client_wire.h"

namespace troupe::client {
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectTimeout = 10s;
constexpr auto kFarewell = 1s;
constexpr auto kServiceTick = 5ms;
constexpr int kTicksBeforeDeepSleep = 20;
constexpr int kCallsPerLook = 64;  // a look costs some 100 ns: little beside this many calls

}  // namespace

Messenger::~Messenger() { Stop(); }

Result<pb::Registered> Messenger::Start(const std::string& socket_path, const pb::RegisterClient& hello) {
  TROUPE_ASSIGN_OR_RETURN(socket_, ipc::ClientSocket::Connect(socket_path, kConnectTimeout));
  pb::ClientToRaylet message;
  message.set_request_id(1);
  *message.mutable_register_() = hello;
  last_request_ = 1;
  TROUPE_RETURN_IF_ERROR(socket_->Send(ipc::kToRaylet, message.SerializeAsString()));
  Result<ipc::Frame> received = socket_->Receive(Clock::now() + patience_.registration);
  if (received.status().code() == StatusCode::kDeadlineExceeded) {
    return DeadlineExceeded("the raylet at " + socket_path + " did not answer the registration within " +
                            std::to_string(patience_.registration.count() / 1000) +
                            " s: it is stopped, or has no time; see its log, or restart the node");
  }
  TROUPE_ASSIGN_OR_RETURN(const ipc::Frame frame, std::move(received));
  pb::RayletToClient reply;
  if (frame.type != ipc::kFromRaylet || !reply.ParseFromString(frame.payload)) {
    return DataLoss("the raylet at " + socket_path + " answered the registration with what is no reply");
  }
  if (reply.has_error()) return FailedPrecondition(reply.error().message());
  if (!reply.has_registered()) return DataLoss("the raylet at " + socket_path + " did not answer the registration");
  const pb::Registered& registered = reply.registered();
  TROUPE_ASSIGN_OR_RETURN(doorbell_, ipc::OwnDoorbell::Open(registered.doorbell()));
  self_ = {NodeId::FromBytes(registered.node()).value_or(NodeId{}), ProcessId{registered.process()}};
  spin_.emplace(std::chrono::nanoseconds(registered.spin_ns()));
  socket_->OnDrained([this] {  // who sends to other nodes waits for room
    std::lock_guard lock(mutex_);
    Kick();
  });
  const BlockSignals block;
  receive_thread_ = std::thread([this] { ReceiveLoop(); });
  service_thread_ = std::thread([this] { ServiceLoop(); });
  return registered;
}

void Messenger::Stop() {
  if (!socket_) return;
  const auto deadline = Clock::now() + kFarewell;
  while (receive_thread_.joinable() && socket_->queued_bytes() > 0 && Clock::now() < deadline) {
    std::this_thread::sleep_for(1ms);  // the receive thread sends it
  }
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    Kick();
    service_wake_.notify_all();
  }
  socket_->Shutdown();
  if (receive_thread_.joinable()) receive_thread_.join();
  if (service_thread_.joinable()) service_thread_.join();
  std::unique_lock lock(mutex_);
  PrintTold(lock);
}

// --- Sending -------------------------------------------------------------------------------------------------------

std::uint64_t Messenger::Send(const Address& to, std::string frame) {
  if (to.process == self_.process) {
    loopback_.push_back(std::move(frame));
    Kick();
    return 0;
  }
  TROUPE_CHECK(frame.size() <= PeerChannel::kMaxFrame);  // the tables let none through
  if (to.node != self_.node) {
    // A lost raylet shows in ReceiveLoop.
    (void)socket_->Send(ipc::kRouted, ipc::EncodeRoutedHeader(to) + frame);
    return 0;
  }
  const auto [it, added] = peers_.try_emplace(to.process);
  const std::shared_ptr<PeerChannel> channel = it->second.channel;
  if (added) OpenChannel(to.process);
  return channel->Write(std::move(frame));
}

std::size_t Messenger::Backlog(const Address& to) const {
  if (to.node != self_.node) return socket_->queued_bytes();
  auto it = peers_.find(to.process);
  return it == peers_.end() ? 0 : it->second.channel->backlog_bytes();
}

void Messenger::SayBegun(ProcessId process, std::uint64_t number) {
  if (number == 0) return;
  if (auto it = peers_.find(process); it != peers_.end()) it->second.channel->SetBegun(number);
}

void Messenger::Request(pb::ClientToRaylet message, std::function<void(const pb::RayletToClient&)> done) {
  const std::uint64_t id = ++last_request_;
  message.set_request_id(id);
  const std::string bytes = message.SerializeAsString();
  if (lost_ || bytes.size() > ipc::kMaxFramePayload) {
    pb::RayletToClient reply;
    reply.mutable_error()->set_kind(lost_ ? pb::Error::SYSTEM : pb::Error::BAD_ARGUMENTS);
    reply.mutable_error()->set_outcome(pb::Error::NOT_EXECUTED);
    reply.mutable_error()->set_message(lost_ ? *lost_
                                             : "a request of " + std::to_string(bytes.size()) +
                                                   " bytes is longer than the 16 MiB that a message may have");
    return done(reply);
  }
  requests_.emplace(id, std::move(done));
  (void)socket_->Send(ipc::kToRaylet, bytes);
}

void Messenger::SendRaylet(const pb::ClientToRaylet& message) {
  const Status sent = socket_->Send(ipc::kToRaylet, message.SerializeAsString());
  if (sent.code() == StatusCode::kInvalidArgument) std::fprintf(stderr, "troupe: %s\n", sent.message().c_str());
}

// --- Receiving -----------------------------------------------------------------------------------------------------

// Whether there may be more.
bool Messenger::Read(ProcessId process, PeerChannel& peer) {
  const auto take = [&](std::string_view frame, std::uint64_t number) {
    handler_.OnFrame({self_.node, process}, frame, number);
  };
  switch (peer.Read(take)) {
    case PeerChannel::ReadEnd::kAllRead: return false;
    case PeerChannel::ReadEnd::kMore: return true;
    case PeerChannel::ReadEnd::kCorrupt:
      CloseChannel(process, peer.region(), "it holds what no process of Troupe writes");
      break;
    case PeerChannel::ReadEnd::kTooLong:
      CloseChannel(process, peer.region(), "a message in it is longer than 16 MiB");
      break;
  }
  return false;
}

void Messenger::Drain() {
  if (!changes_.empty()) HandleChanges();
  if (snapshot_stale_) RefreshSnapshot();
  for (const auto& [process, peer] : snapshot_) {
    if ((peer->Readable() || peer->CanMove()) && Read(process, *peer)) Kick();  // come back after the others
    if (!peer->Flush()) CloseChannel(process, peer->region(), "its reader claims to have read what was not written");
    if (peer->WantsLarger()) AskForLarger(process, *peer);
  }
  if (!changes_.empty()) HandleChanges();
  while (!loopback_.empty()) {
    const std::string frame = std::move(loopback_.front());
    loopback_.pop_front();
    handler_.OnFrame(self_, frame, 0);
  }
  if (on_drain_) on_drain_();
}

// A raylet that is stopped keeps its connection, and those who wait for it would wait for ever.
Result<ipc::Frame> Messenger::ReceiveOrAsk() {
  for (int asked = 0;; ++asked) {
    Result<ipc::Frame> frame = socket_->Receive(Clock::now() + patience_.silence);
    if (frame.ok() || frame.status().code() != StatusCode::kDeadlineExceeded) return frame;
    if (asked == patience_.questions) {
      return Unavailable("it has not answered for " + std::to_string(patience_.silence.count() * asked / 1000) +
                         " s: it is stopped, or has no time");
    }
    std::lock_guard lock(mutex_);
    pb::ClientToRaylet message;
    message.mutable_ping();
    Request(std::move(message), [](const pb::RayletToClient&) {});
  }
}

void Messenger::ReceiveLoop() {
  for (;;) {
    Result<ipc::Frame> frame = ReceiveOrAsk();
    pb::RayletToClient message;
    const bool is_message = frame.ok() && frame->type == ipc::kFromRaylet;
    const bool parsed = is_message && message.ParseFromString(frame->payload);
    if (parsed && message.has_log_lines()) {
      handler_.OnLogLines(message.log_lines());
      continue;
    }
    std::lock_guard lock(mutex_);
    if (stop_) return;
    if (!frame.ok()) return LoseRaylet(frame.status().message());
    if (frame->type == ipc::kRouted) {
      const Result<Address> from = ipc::DecodeRoutedHeader(frame->payload);
      if (!from.ok()) return LoseRaylet("the raylet sent " + from.status().message());
      handler_.OnFrame(*from, std::string_view(frame->payload).substr(ipc::kRoutedHeaderBytes), 0);
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
    OnChannelOpened(message.channel_opened());
  } else if (message.has_channel_closed()) {
    const pb::CloseChannel& closed = message.channel_closed();
    changes_.push_back({.process = ProcessId{closed.peer()}, .reason = closed.reason(), .region = closed.region()});
  } else if (message.has_process_died()) {
    Break(ProcessId{message.process_died().process()}, message.process_died().reason(), true);
  } else {
    handler_.OnRaylet(message);
  }
}

void Messenger::LoseRaylet(const std::string& reason) {
  lost_ = "lost the connection to the raylet of this node: " + reason;
  socket_->Shutdown();  // should it live after all, it learns that nobody listens
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
    if (peer.channel->open()) snapshot_.emplace_back(process, peer.channel);
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
    if (lost_) return true;
    return socket_->queued_bytes() == 0 && std::all_of(peers_.begin(), peers_.end(), [](const auto& entry) {
             return entry.second.channel->backlog_bytes() == 0;
           });
  };
  return WaitUntil(lock, flushed, Clock::now() + limit);
}

// --- Service thread ------------------------------------------------------------------------------------------------

void Messenger::After(std::chrono::milliseconds delay, std::function<void()> work) {
  timers_.emplace(Clock::now() + delay, std::move(work));
  if (service_deep_) service_wake_.notify_one();
}

void Messenger::Tell(std::string text) {
  told_.push_back(std::move(text));
  if (service_deep_) service_wake_.notify_one();
}

void Messenger::PrintTold(std::unique_lock<std::mutex>& lock) {
  const auto told = std::exchange(told_, {});
  if (told.empty()) return;
  lock.unlock();
  for (const std::string& text : told) std::fprintf(stderr, "troupe: %s\n", text.c_str());
  std::fflush(stderr);
  lock.lock();
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
    PrintTold(lock);
    RunTimers();
    if (waits_ != seen_waits || waiting_ > 0) {  // user threads read the rings, now or all the time
      quiet_ticks = waits_ == seen_waits ? quiet_ticks + 1 : 0;
      seen_waits = waits_;
      if (quiet_ticks < kTicksBeforeDeepSleep || !timers_.empty() || !told_.empty()) {
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
