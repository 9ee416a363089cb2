#include "raylet/channel_broker.h"

#include <spdlog/spdlog.h>

#include <algorithm>

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
  const Pair pair = std::minmax(client.process, peer_id);
  auto it = channels_.find(pair);
  if (it == channels_.end()) {
    const Channel channel{name_prefix_ + std::to_string(++last_), client.process};
    if (const Status status = regions_.CreateChannel(channel.region); !status.ok()) {
      spdlog::error("no channel for processes {} and {}: {}", pair.first.Hex(), pair.second.Hex(), status.ToString());
      *refusal.mutable_error() = ErrorFromStatus(status);
      return clients_.Send(client.process, refusal);
    }
    it = channels_.emplace(pair, channel).first;
    SendOpened(peer_id, 0, it->second, client);
  }
  SendOpened(client.process, request_id, it->second, peer);
}

Status ChannelBroker::Check(const ClientInfo& client, ProcessId peer) const {
  if (peer == client.process) return InvalidArgument("a process needs no channel to itself");
  const ClientInfo* info = find_(peer);
  if (info == nullptr || info->doorbell.empty()) {
    return NotFound("process " + peer.Hex() + " does not run on this node (any more)");
  }
  return OkStatus();
}

void ChannelBroker::SendOpened(ProcessId to, std::uint64_t request_id, const Channel& channel, const ClientInfo& peer) {
  pb::RayletToClient message;
  message.set_request_id(request_id);
  pb::ChannelOpened* opened = message.mutable_channel_opened();
  opened->set_peer(peer.process.value);
  opened->set_region(channel.region);
  opened->set_side(to == channel.side_a ? 0 : 1);
  opened->set_peer_doorbell(peer.doorbell);
  clients_.Send(to, message);
}

void ChannelBroker::OnClientGone(ProcessId client) {
  std::erase_if(channels_, [&](const auto& entry) {
    if (entry.first.first != client && entry.first.second != client) return false;
    regions_.Unlink(entry.second.region);
    return true;
  });
}

}  // namespace troupe::raylet
