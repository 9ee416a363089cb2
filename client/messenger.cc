#include "client/messenger.h"

#include <cstdio>
#include <utility>

#include "common/check.h"
#include "common/signal_mask.h"

namespace troupe::client {
namespace {

NodeId NodeOf(const std::string& bytes) { return NodeId::FromBytes(bytes).value_or(NodeId{}); }

}  // namespace

class Messenger::Doorbell final : public Bell {
 public:
  explicit Doorbell(std::unique_ptr<ipc::OwnDoorbell> bell) : bell_(std::move(bell)) {}
  std::uint32_t Prepare() override { return bell_->Prepare(); }
  void Wait(std::uint32_t word, std::chrono::nanoseconds timeout) override { bell_->Wait(word, timeout); }
  void Finish() override { bell_->Finish(); }
  void Ring() override { bell_->WakeLocal(); }

 private:
  const std::unique_ptr<ipc::OwnDoorbell> bell_;
};

Messenger::Messenger(std::mutex& mutex, MessageHandler& handler, const RayletPatience& patience)
    : mutex_(mutex),
      handler_(handler),
      session_(mutex, *this, patience),
      channels_(*this, *this, [this] { Kick(); }),
      nodes_([this](const Address& to, std::string_view frame) { session_.SendRouted(to, frame); },
             [this] { return session_.queued_bytes() < kBacklogLimit; }) {}

Messenger::~Messenger() { Stop(); }

Result<pb::Registered> Messenger::Start(const std::string& socket_path, const pb::RegisterClient& hello) {
  TROUPE_ASSIGN_OR_RETURN(const pb::Registered registered, session_.Register(socket_path, hello));
  TROUPE_ASSIGN_OR_RETURN(std::unique_ptr<ipc::OwnDoorbell> bell, ipc::OwnDoorbell::Open(registered.doorbell()));
  bell_ = std::make_unique<Doorbell>(std::move(bell));
  watch_.emplace(static_cast<Rings&>(*this), *bell_, std::chrono::nanoseconds(registered.spin_ns()));
  self_ = {NodeOf(registered.node()), ProcessId{registered.process()}};
  session_.Listen();
  const BlockSignals block;
  service_thread_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    watch_->Serve(lock, [this](std::unique_lock<std::mutex>& held) { return DoChores(held); });
  });
  return registered;
}

void Messenger::Stop() {
  session_.Stop();
  if (!service_thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    watch_->Stop();
  }
  service_thread_.join();
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
  if (to.node == self_.node) return channels_.Write(to.process, std::move(frame));
  nodes_.Write(to, std::move(frame));
  return 0;
}

void Messenger::Watch(const Address& process) {
  if (process.process == self_.process || !watched_.insert(process.process).second) return;
  pb::ClientToRaylet message;
  message.mutable_watch_process()->mutable_process()->set_node(process.node.Bytes());
  message.mutable_watch_process()->mutable_process()->set_process(process.process.value);
  SendRaylet(message);
}

std::optional<pb::RayletToClient> Messenger::Ask(std::unique_lock<std::mutex>& lock, pb::ClientToRaylet message,
                                                 const SleepHook* hook, Deadline deadline, RayletSession::Reply late) {
  struct Asked {
    std::optional<pb::RayletToClient> reply;
    bool abandoned = false;
  };
  auto asked = std::make_shared<Asked>();
  Request(std::move(message), [asked, late = std::move(late)](const pb::RayletToClient& reply) {
    if (!asked->abandoned) {
      asked->reply = reply;
    } else if (late) {
      late(reply);
    }
  });
  asked->abandoned = !WaitUntil(
      lock, [&] { return asked->reply.has_value(); }, deadline, hook);
  return std::move(asked->reply);
}

std::size_t Messenger::Backlog(const Address& to) const {
  return to.node == self_.node ? channels_.Backlog(to.process) : session_.queued_bytes() + nodes_.bytes(to.node);
}

bool Messenger::FlushBacklogs(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds limit) {
  const auto flushed = [this] {
    return lost_ || (session_.queued_bytes() == 0 && nodes_.empty() && !channels_.AnyBacklog());
  };
  return WaitUntil(lock, flushed, Clock::now() + limit);
}

// --- Receiving -----------------------------------------------------------------------------------------------------

void Messenger::OnMessage(const pb::RayletToClient& message) {
  switch (message.body_case()) {
    case pb::RayletToClient::kChannelOpened: channels_.OnOpened(message.channel_opened()); break;
    case pb::RayletToClient::kChannelClosed: channels_.OnClosed(message.channel_closed()); break;
    case pb::RayletToClient::kProcessDied:
      watched_.erase(ProcessId{message.process_died().process()});
      channels_.OnProcessDied(ProcessId{message.process_died().process()}, message.process_died().reason());
      break;
    case pb::RayletToClient::kNodeCredit:
      return nodes_.OnCredit(NodeOf(message.node_credit().node()), message.node_credit().bytes());
    case pb::RayletToClient::kNodeDied: nodes_.Drop(NodeOf(message.node_died().node())); [[fallthrough]];
    default: handler_.OnRaylet(message);
  }
}

void Messenger::OnLost(const std::string& reason) {
  lost_ = true;
  handler_.OnRayletLost(reason);
}

// Who sends to other nodes waits for room.
void Messenger::OnRoom() {
  const std::lock_guard lock(mutex_);
  nodes_.OnRoom();
  Kick();
}

void Messenger::Drain() {
  channels_.Drain();
  while (!loopback_.empty()) {
    const std::string frame = std::move(loopback_.front());
    loopback_.pop_front();
    handler_.OnFrame(self_, frame, 0);
  }
  if (on_drain_) on_drain_();
}

// --- Service thread ------------------------------------------------------------------------------------------------

void Messenger::WakeService() {
  if (bell_) bell_->Ring();
}

void Messenger::After(std::chrono::milliseconds delay, std::function<void()> work) {
  timers_.emplace(Clock::now() + delay, std::move(work));
  watch_->WakeService();
}

void Messenger::Tell(std::string text) {
  told_.push_back(std::move(text));
  watch_->WakeService();
}

void Messenger::PrintTold(std::unique_lock<std::mutex>& lock) {
  const auto told = std::exchange(told_, {});
  if (told.empty()) return;
  lock.unlock();
  for (const std::string& text : told) std::fprintf(stderr, "troupe: %s\n", text.c_str());
  std::fflush(stderr);
  lock.lock();
}

bool Messenger::DoChores(std::unique_lock<std::mutex>& lock) {
  PrintTold(lock);
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto timer = timers_.extract(timers_.begin());
    timer.mapped()();
  }
  return !timers_.empty() || !told_.empty();
}

}  // namespace troupe::client
