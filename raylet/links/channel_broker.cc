#include "raylet/links/channel_broker.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "common/utf8.h"
#include "ipc/channel.h"
#include "raylet/errors.h"

namespace troupe::raylet {

ChannelBroker::ChannelBroker(std::string name_prefix, Regions& regions, ClientOutbox& clients, FindClient find)
    : name_prefix_(std::move(name_prefix)), regions_(regions), clients_(clients), find_(std::move(find)) {}

ChannelBroker::~ChannelBroker() {
  for (const auto& [pair, channel] : channels_) regions_.Unlink(channel.region);
}

void ChannelBroker::Open(const ClientInfo& client, std::uint64_t request_id, const pb::OpenChannel& open) {
  const ProcessId peer_id{open.peer()};
  pb::RayletToClient refusal;
  refusal.set_request_id(request_id);
  if (const Status status = Check(client, peer_id); !status.ok()) {
    *refusal.mutable_error() = MakeError(pb::Error::WORKER_DIED, pb::Error::NOT_EXECUTED, status.message());
    return clients_.Send(client.process, refusal);
  }
  const ClientInfo& peer = *find_(peer_id);
  const Result<const Channel*> channel = Find(client, peer, open);
  if (!channel.ok()) {
    spdlog::warn("no channel for {} and {}: {}", NameOf(client), NameOf(peer), channel.status().ToString());
    *refusal.mutable_error() = ErrorFromStatus(channel.status());
    return clients_.Send(client.process, refusal);
  }
  SendOpened(client.process, request_id, **channel, peer);
}

Status ChannelBroker::Check(const ClientInfo& client, ProcessId peer) const {
  if (peer == client.process) return InvalidArgument("a process needs no channel to itself");
  const ClientInfo* info = find_(peer);
  if (info == nullptr || info->doorbell.empty()) {
    return NotFound("process " + peer.Hex() + " does not run on this node (any more)");
  }
  return OkStatus();
}

// The channel of the pair as `client` wants it, made if need be.
Result<const ChannelBroker::Channel*> ChannelBroker::Find(const ClientInfo& client, const ClientInfo& peer,
                                                          const pb::OpenChannel& open) {
  auto it = channels_.find(std::minmax(client.process, peer.process));
  if (!open.larger_than().empty()) {
    if (it == channels_.end()) return FailedPrecondition("the channel that is too small has been closed");
    return Enlarge(it->second, open.larger_than(), peer, client);
  }
  if (it != channels_.end()) return &it->second;
  return Make(client, peer);
}

Result<const ChannelBroker::Channel*> ChannelBroker::Make(const ClientInfo& client, const ClientInfo& peer) {
  Channel channel{name_prefix_ + std::to_string(++last_), "", client.process};
  TROUPE_RETURN_IF_ERROR(regions_.CreateChannel(channel.region, ipc::kFirstRingCapacity));
  auto it = channels_.emplace(std::minmax(client.process, peer.process), std::move(channel)).first;
  SendOpened(peer.process, 0, it->second, client);
  return &it->second;
}

Result<const ChannelBroker::Channel*> ChannelBroker::Enlarge(Channel& channel, const std::string& larger_than,
                                                             const ClientInfo& peer, const ClientInfo& client) {
  if (channel.follows == larger_than) return &channel;  // both asked at once
  if (channel.region != larger_than) return FailedPrecondition("the channel that is too small is not the pair's");
  if (!channel.follows.empty()) return FailedPrecondition("the channel is as large as they get");
  std::string region = name_prefix_ + std::to_string(++last_);
  TROUPE_RETURN_IF_ERROR(regions_.CreateChannel(region, ipc::kGrownRingCapacity));
  regions_.Unlink(channel.region);
  channel.follows = std::exchange(channel.region, std::move(region));
  SendOpened(peer.process, 0, channel, client);
  return &channel;
}

void ChannelBroker::SendOpened(ProcessId to, std::uint64_t request_id, const Channel& channel, const ClientInfo& peer) {
  pb::RayletToClient message;
  message.set_request_id(request_id);
  pb::ChannelOpened* opened = message.mutable_channel_opened();
  opened->set_peer(peer.process.value);
  opened->set_region(channel.region);
  opened->set_side(to == channel.side_a ? 0 : 1);
  opened->set_peer_doorbell(peer.doorbell);
  opened->set_follows(channel.follows);
  opened->set_peer_name(NameOf(peer));
  clients_.Send(to, message);
}

void ChannelBroker::Close(const ClientInfo& client, const pb::CloseChannel& close) {
  const ProcessId peer{close.peer()};
  auto it = channels_.find(std::minmax(client.process, peer));
  if (it == channels_.end()) return;
  const Channel& channel = it->second;
  if (close.region() != channel.region && (channel.follows.empty() || close.region() != channel.follows)) return;
  spdlog::error("{} closes its channel to process {}: {}", NameOf(client), peer.Hex(), close.reason());
  pb::RayletToClient message;
  pb::CloseChannel* closed = message.mutable_channel_closed();
  closed->set_peer(client.process.value);
  closed->set_region(channel.region);
  closed->set_reason(Utf8(NameOf(client) + " closed their channel: " + close.reason()));
  regions_.Unlink(channel.region);
  channels_.erase(it);
  clients_.Send(peer, message);
}

void ChannelBroker::OnClientGone(ProcessId client) {
  std::erase_if(channels_, [&](const auto& entry) {
    if (entry.first.first != client && entry.first.second != client) return false;
    regions_.Unlink(entry.second.region);
    return true;
  });
}

}  // namespace troupe::raylet
