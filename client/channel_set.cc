#include "client/channel_set.h"

#include <unistd.h>

#include <algorithm>

#include "ipc/channel.h"

namespace troupe::client {
namespace {

// Somebody else may have removed the names.
constexpr std::chrono::seconds kEndIsTold{5};

Status Attach(PeerChannel& peer, const pb::ChannelOpened& opened) {
  TROUPE_ASSIGN_OR_RETURN(ipc::Doorbell bell, ipc::Doorbell::Open(opened.peer_doorbell()));
  TROUPE_ASSIGN_OR_RETURN(
      ipc::Channel channel,
      ipc::Channel::Open(opened.region(), opened.side() == 0 ? ipc::Side::kA : ipc::Side::kB, std::move(bell)));
  if (!peer.open()) {
    peer.Attach(std::move(channel));
  } else if (!peer.SetNext(std::move(channel))) {
    return FailedPrecondition("a third channel to the same process");
  }
  return OkStatus();
}

}  // namespace

// --- Sending -------------------------------------------------------------------------------------------------------

std::uint64_t ChannelSet::Write(ProcessId process, std::string frame) {
  if (Peer* const peer = Find(process)) return peer->channel->Write(std::move(frame));
  const std::shared_ptr<PeerChannel> channel = peers_[process].channel;
  Open(process);
  return channel->Write(std::move(frame));
}

ChannelSet::Peer* ChannelSet::Find(ProcessId process) const {
  if (last_.second != nullptr && last_.first == process) return last_.second;
  auto it = peers_.find(process);
  if (it == peers_.end()) return nullptr;
  last_ = {process, const_cast<Peer*>(&it->second)};
  return last_.second;
}

std::size_t ChannelSet::Backlog(ProcessId process) const {
  const Peer* const peer = Find(process);
  return peer == nullptr ? 0 : peer->channel->backlog_bytes();
}

bool ChannelSet::AnyBacklog() const {
  return std::any_of(peers_.begin(), peers_.end(),
                     [](const auto& entry) { return entry.second.channel->backlog_bytes() > 0; });
}

void ChannelSet::SayBegun(ProcessId process, std::uint64_t number) {
  if (const Peer* const peer = Find(process)) peer->channel->SetBegun(number);
}

// --- Channels come, grow and go --------------------------------------------------------------------------------------

void ChannelSet::Open(ProcessId process) {
  pb::ClientToRaylet message;
  message.mutable_open_channel()->set_peer(process.value);
  raylet_.Request(std::move(message), [this, process](const pb::RayletToClient& reply) {
    if (reply.has_channel_opened()) return OnOpened(reply.channel_opened());
    Add({.process = process,
         .reason = reply.has_error() ? reply.error().message() : "the raylet made no channel to it",
         .gone = reply.error().kind() == pb::Error::WORKER_DIED});
  });
}

// Without one, all goes on in the small one.
void ChannelSet::AskForLarger(ProcessId process, const PeerChannel& channel) {
  pb::ClientToRaylet message;
  message.mutable_open_channel()->set_peer(process.value);
  message.mutable_open_channel()->set_larger_than(channel.region());
  raylet_.Request(std::move(message), [this](const pb::RayletToClient& reply) {
    if (reply.has_channel_opened()) OnOpened(reply.channel_opened());
  });
}

// The peer learns of it through the raylet: its calls, too, wait for answers that may be lost.
void ChannelSet::Close(ProcessId process, const std::string& region, const std::string& what) {
  const Peer* const peer = Find(process);
  const std::string name = peer == nullptr || peer->name.empty() ? "process " + process.Hex() : peer->name;
  const std::string reason = "the shared memory that this process (pid " + std::to_string(getpid()) + ") shares with " +
                             name + " is of no use: " + what;
  pb::ClientToRaylet message;
  message.mutable_close_channel()->set_peer(process.value);
  message.mutable_close_channel()->set_region(region);
  message.mutable_close_channel()->set_reason(reason);
  raylet_.SendRaylet(message);
  // Once, should reading and writing both find it so; one that could not be opened has no region here.
  const bool attached = peer != nullptr && peer->channel->Has(region);
  Add({.process = process, .reason = reason, .region = attached ? region : ""});
}

void ChannelSet::OnOpened(const pb::ChannelOpened& opened) {
  Add({.process = ProcessId{opened.peer()}, .opened = opened});
}

void ChannelSet::OnClosed(const pb::CloseChannel& closed) {
  Add({.process = ProcessId{closed.peer()}, .reason = closed.reason(), .region = closed.region()});
}

void ChannelSet::OnProcessDied(ProcessId process, const std::string& reason) {
  Add({.process = process, .reason = reason, .gone = true});
}

void ChannelSet::Add(Change change) {
  changes_.push_back(std::move(change));
  kick_();
}

void ChannelSet::HandleChanges() {
  for (const Change& change : std::exchange(changes_, {})) {
    if (change.opened) {
      HandleOpened(change.process, *change.opened);
      continue;
    }
    const Peer* const peer = Find(change.process);
    const bool other = !change.region.empty() && (peer == nullptr || !peer->channel->Has(change.region));
    if (!other) TakeApart(change.process, change.reason, change.gone);
  }
}

void ChannelSet::HandleOpened(ProcessId process, const pb::ChannelOpened& opened) {
  const Peer* const known = Find(process);
  const bool open = known != nullptr && known->channel->open();
  if (open && known->channel->Has(opened.region())) return;  // both sides asked at once
  // What takes over from a channel that is not there any more goes with it: the raylet has been told.
  if (!opened.follows().empty() && !(open && known->channel->Has(opened.follows()))) return;
  Peer& peer = peers_[process];
  peer.name = opened.peer_name();
  snapshot_stale_ = true;
  const Status status = Attach(*peer.channel, opened);
  if (status.code() == StatusCode::kNotFound) {
    AwaitEnd(process, opened.region(), status.message());
  } else if (!status.ok()) {
    Close(process, opened.region(), status.message());
  }
}

// The names of its shared memory go with a process that ends, and that it has ended is told a moment later. Until then
// nothing is known of what was sent to it; it has not left.
void ChannelSet::AwaitEnd(ProcessId process, const std::string& region, const std::string& what) {
  raylet_.After(kEndIsTold, [this, process, region, what] {
    const Peer* const peer = Find(process);
    if (peer != nullptr && !peer->channel->open()) Close(process, region, what);
  });
}

// Ends what there is to a process. The next frame to it opens another channel, if it is not gone; the raylet has been
// told that this one is of no use, so that the other side ends it, too.
void ChannelSet::TakeApart(ProcessId process, const std::string& reason, bool gone) {
  std::uint64_t reached = 0;  // nothing was sent
  last_ = {};
  if (auto node = peers_.extract(process); !node.empty()) {
    snapshot_stale_ = true;
    PeerChannel& channel = *node.mapped().channel;
    // What it had still written counts: a reply that is there is not an unknown outcome.
    const auto take = [&](std::string_view frame, std::uint64_t number) { handler_.OnFrame(process, frame, number); };
    while (channel.Read(take) == PeerChannel::ReadEnd::kMore) {
    }
    // A process that lives may carry out any time what has reached its ring.
    reached = gone ? channel.Begun() : channel.written();
  }
  gone ? handler_.OnProcessGone(process, reason, reached) : handler_.OnPathBroken(process, reason, reached);
}

// --- Receiving -----------------------------------------------------------------------------------------------------

// Whether there may be more.
bool ChannelSet::Read(ProcessId process, PeerChannel& channel) {
  const auto take = [&](std::string_view frame, std::uint64_t number) { handler_.OnFrame(process, frame, number); };
  switch (channel.Read(take)) {
    case PeerChannel::ReadEnd::kAllRead: return false;
    case PeerChannel::ReadEnd::kMore: return true;
    case PeerChannel::ReadEnd::kCorrupt:
      Close(process, channel.region(), "it holds what no process of Troupe writes");
      break;
    case PeerChannel::ReadEnd::kTooLong:
      Close(process, channel.region(), "a message in it is longer than 16 MiB");
      break;
  }
  return false;
}

void ChannelSet::Drain() {
  if (!changes_.empty()) HandleChanges();
  BeforeSleep();
  for (const auto& [process, channel] : snapshot_) {
    if ((channel->Readable() || channel->CanMove()) && Read(process, *channel)) kick_();  // come back after the others
    if (!channel->Flush()) Close(process, channel->region(), "its reader claims to have read what was not written");
    if (channel->WantsLarger()) AskForLarger(process, *channel);
  }
  if (!changes_.empty()) HandleChanges();
}

void ChannelSet::BeforeSleep() {
  if (!snapshot_stale_) return;
  snapshot_.clear();
  for (const auto& [process, peer] : peers_) {
    if (peer.channel->open()) snapshot_.emplace_back(process, peer.channel);
  }
  snapshot_stale_ = false;
}

bool ChannelSet::AnyReadable() const {
  return std::any_of(snapshot_.begin(), snapshot_.end(), [](const auto& entry) { return entry.second->Readable(); });
}

}  // namespace troupe::client
