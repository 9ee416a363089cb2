// Messenger: how channels to other processes of this node come, grow and go.
#include <unistd.h>

#include <utility>

#include "client/messenger.h"

namespace troupe::client {
namespace {

// Somebody else may have removed the names.
constexpr std::chrono::seconds kEndIsTold{5};

}  // namespace

void Messenger::OpenChannel(ProcessId process) {
  pb::ClientToRaylet message;
  message.mutable_open_channel()->set_peer(process.value);
  Request(std::move(message), [this, process](const pb::RayletToClient& reply) {
    if (reply.has_channel_opened()) return OnChannelOpened(reply.channel_opened());
    Break(process, reply.has_error() ? reply.error().message() : "the raylet made no channel to it",
          reply.error().kind() == pb::Error::WORKER_DIED);
  });
}

// Without one, all goes on in the small one.
void Messenger::AskForLarger(ProcessId process, const PeerChannel& peer) {
  pb::ClientToRaylet message;
  message.mutable_open_channel()->set_peer(process.value);
  message.mutable_open_channel()->set_larger_than(peer.region());
  Request(std::move(message), [this](const pb::RayletToClient& reply) {
    if (reply.has_channel_opened()) OnChannelOpened(reply.channel_opened());
  });
}

void Messenger::OnChannelOpened(const pb::ChannelOpened& opened) {
  changes_.push_back({.process = ProcessId{opened.peer()}, .opened = opened});
  Kick();
}

// The peer learns of it through the raylet: its calls, too, wait for answers that may be lost.
void Messenger::CloseChannel(ProcessId process, const std::string& region, const std::string& what) {
  auto it = peers_.find(process);
  const std::string name = it == peers_.end() || it->second.name.empty() ? "process " + process.Hex() : it->second.name;
  const std::string reason = "the shared memory that this process (pid " + std::to_string(getpid()) + ") shares with " +
                             name + " is of no use: " + what;
  pb::ClientToRaylet message;
  message.mutable_close_channel()->set_peer(process.value);
  message.mutable_close_channel()->set_region(region);
  message.mutable_close_channel()->set_reason(reason);
  SendRaylet(message);
  // Once, should reading and writing both find it so; one that could not be opened has no region here.
  const bool attached = it != peers_.end() && it->second.channel->Has(region);
  changes_.push_back({.process = process, .reason = reason, .region = attached ? region : ""});
  Kick();
}

// Takes effect at the next Drain: a thread may be looking at the ring right now.
void Messenger::Break(ProcessId process, const std::string& reason, bool gone) {
  changes_.push_back({.process = process, .reason = reason, .gone = gone});
  Kick();
}

void Messenger::HandleChanges() {
  for (const Change& change : std::exchange(changes_, {})) {
    auto it = peers_.find(change.process);
    if (!change.opened) {
      const bool other = !change.region.empty() && (it == peers_.end() || !it->second.channel->Has(change.region));
      if (!other) TakeApart(change.process, change.reason, change.gone);
      continue;
    }
    const pb::ChannelOpened& opened = *change.opened;
    const bool open = it != peers_.end() && it->second.channel->open();
    if (open && it->second.channel->Has(opened.region())) continue;  // both sides asked at once
    // What takes over from a channel that is not there any more goes with it: the raylet has been told.
    if (!opened.follows().empty() && !(open && it->second.channel->Has(opened.follows()))) continue;
    Peer& peer = peers_[change.process];
    peer.name = opened.peer_name();
    snapshot_stale_ = true;
    const Status status = AttachChannel(*peer.channel, opened);
    if (status.code() == StatusCode::kNotFound) {
      AwaitEnd(change.process, opened.region(), status.message());
    } else if (!status.ok()) {
      CloseChannel(change.process, opened.region(), status.message());
    }
  }
}

// The names of its shared memory go with a process that ends, and that it has ended is told a moment later. Until then
// nothing is known of what was sent to it; it has not left.
void Messenger::AwaitEnd(ProcessId process, const std::string& region, const std::string& what) {
  After(kEndIsTold, [this, process, region, what] {
    auto it = peers_.find(process);
    if (it != peers_.end() && !it->second.channel->open()) CloseChannel(process, region, what);
  });
}

Status Messenger::AttachChannel(PeerChannel& peer, const pb::ChannelOpened& opened) {
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

// Ends what there is to a process. The next frame to it opens another channel, if it is not gone; the raylet has been
// told that this one is of no use, so that the other side ends it, too.
void Messenger::TakeApart(ProcessId process, const std::string& reason, bool gone) {
  std::uint64_t reached = 0;  // nothing was sent
  if (auto node = peers_.extract(process); !node.empty()) {
    snapshot_stale_ = true;
    PeerChannel& channel = *node.mapped().channel;
    // What it had still written counts: a reply that is there is not an unknown outcome.
    const auto take = [&](std::string_view frame, std::uint64_t number) {
      handler_.OnFrame({self_.node, process}, frame, number);
    };
    while (channel.Read(take) == PeerChannel::ReadEnd::kMore) {
    }
    // A process that lives may carry out any time what has reached its ring.
    reached = gone ? channel.Begun() : channel.written();
  }
  gone ? handler_.OnProcessGone(process, reason, reached) : handler_.OnPathBroken(process, reason, reached);
}

}  // namespace troupe::client
