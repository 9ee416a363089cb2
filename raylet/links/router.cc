#include "raylet/links/router.h"

#include <spdlog/spdlog.h>

#include "ipc/client_wire.h"
#include "raylet/convert.h"

namespace troupe::raylet {
namespace {

std::string NoSuchProcess(ProcessId process, NodeId node) {
  return "process " + process.Hex() + " does not run on node " + node.Hex().substr(0, 8) + " (any more)";
}

}  // namespace

Status Router::OnFromClient(ProcessId client, std::string_view payload) {
  TROUPE_ASSIGN_OR_RETURN(const Address to, ipc::DecodeRoutedHeader(payload));
  const std::string_view frame = payload.substr(ipc::kRoutedHeaderBytes);
  const NodeId self = cluster_.self();
  if (to.node == self) {
    const Status sent = clients_.SendRouted(to.process, {self, client}, frame);
    if (!sent.ok()) {
      SendUndeliverable(client, to, sent.message(), sent.code() == StatusCode::kNotFound);
      return OkStatus();
    }
    watches_.OnMet(client, to);
    watches_.OnMet(to.process, {self, client});
    return OkStatus();
  }
  pb::PeerMessage message;
  pb::RoutedFrame* routed = message.add_frames();
  routed->set_from(client.value);
  routed->set_to(to.process.value);
  routed->set_frame(frame.data(), frame.size());
  if (const Status sent = peers_.Send(to.node, std::move(message)); !sent.ok()) {
    const bool alive = cluster_.Alive(to.node);
    SendUndeliverable(client, to, alive ? sent.message() : cluster_.DeathReason(to.node), !alive);
    return OkStatus();
  }
  if (talks_[to.node].emplace(client, to.process).second) watches_.OnMet(client, to);
  return OkStatus();
}

void Router::OnFromPeer(NodeId from, const pb::RoutedFrame& frame) {
  const ProcessId to{frame.to()};
  const Status sent = clients_.SendRouted(to, {from, ProcessId{frame.from()}}, frame.frame());
  if (sent.ok()) return watches_.OnMet(to, {from, ProcessId{frame.from()}});
  pb::RayletToClient undeliverable;
  *undeliverable.mutable_undeliverable()->mutable_destination() = ToPb(Address{cluster_.self(), to});
  const bool gone = sent.code() == StatusCode::kNotFound;
  undeliverable.mutable_undeliverable()->set_reason(gone ? NoSuchProcess(to, cluster_.self()) : sent.message());
  undeliverable.mutable_undeliverable()->set_gone(gone);
  pb::PeerMessage message;
  pb::DirectMessage* direct = message.add_messages();
  direct->set_to(frame.from());
  direct->set_message(undeliverable.SerializeAsString());
  const Status answered = peers_.Send(from, std::move(message));
  if (!answered.ok()) spdlog::debug("a lost node is not told of a lost frame: {}", answered.message());
}

void Router::OnDirect(NodeId from, const pb::DirectMessage& direct) {
  pb::RayletToClient message;
  if (!message.ParseFromString(direct.message())) {
    spdlog::error("node {} sent a message for process {} that does not decode", from.Hex(),
                  ProcessId{direct.to()}.Hex());
    return;
  }
  const ProcessId to{direct.to()};
  if (message.request_id() != 0 || !(message.has_log_lines() || message.has_undeliverable())) {
    spdlog::error("node {} sent a message for process {} that only its own raylet may send", from.Hex(), to.Hex());
    return;
  }
  // Nothing is under way there any more, so that a client that tries random processes leaves no trace of each.
  if (auto talks = talks_.find(from); message.has_undeliverable() && talks != talks_.end()) {
    talks->second.erase({to, ProcessId{message.undeliverable().destination().process()}});
  }
  clients_.Send(to, message);
}

void Router::OnLinkBroken(NodeId node) {
  const auto it = talks_.find(node);
  if (it == talks_.end()) return;
  const auto talks = std::move(it->second);
  talks_.erase(it);
  const std::string reason = "the connection to node " + node.Hex().substr(0, 8) +
                             " broke; what was sent over it may not have arrived, nor its answers";
  for (const auto& [client, to] : talks) SendUndeliverable(client, {node, to}, reason, false);
}

void Router::OnProcessOver(const EndedProcess& ended) {
  const ProcessId process = ended.address.process;
  for (auto& [node, talks] : talks_) {
    std::erase_if(talks, [&](const auto& talk) { return talk.first == process || talk.second == process; });
  }
}

void Router::SendUndeliverable(ProcessId client, const Address& destination, const std::string& reason, bool gone) {
  pb::RayletToClient message;
  *message.mutable_undeliverable()->mutable_destination() = ToPb(destination);
  message.mutable_undeliverable()->set_reason(reason);
  message.mutable_undeliverable()->set_gone(gone);
  clients_.Send(client, message);
}

}  // namespace troupe::raylet
