#include "raylet/links/peer_links.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "raylet/convert.h"

namespace troupe::raylet {
PeerLinks::PeerLinks(EventLoop& loop, ClusterView& cluster, PeerTransport& transport, Events events)
    : loop_(loop),
      cluster_(cluster),
      transport_(transport),
      events_(std::move(events)),
      self_(std::make_shared<PeerLinks*>(this)) {}

PeerLinks::~PeerLinks() {
  for (const auto& stream : unnamed_) stream->SetHandlers({});
}

void PeerLinks::Accept(std::shared_ptr<PeerStream> stream) {
  if (unnamed_.size() >= kMaxUnnamed) {
    return stream->Close(ResourceExhausted("too many connections that do not say which node they are from"));
  }
  unnamed_.push_back(stream);
  // The handlers must not keep the stream; unnamed_ does until they are replaced.
  std::weak_ptr<PeerStream> weak = stream;
  const auto drop = [this, weak] { std::erase(unnamed_, weak.lock()); };
  stream->SetHandlers({.on_message =
                           [this, weak](const pb::PeerMessage& hello) {
                             if (auto opened = weak.lock()) OnHello(opened, hello);
                           },
                       .on_closed = [drop](const Status&) { drop(); }});
}

void PeerLinks::OnHello(const std::shared_ptr<PeerStream>& stream, const pb::PeerMessage& hello) {
  std::erase(unnamed_, stream);
  const auto node = NodeId::FromBytes(hello.node());
  if (!node || *node == cluster_.self()) {
    return stream->Close(InvalidArgument("the first message must name the node that opened the stream"));
  }
  if (cluster_.Find(*node) != nullptr && !cluster_.Alive(*node)) {
    return stream->Close(FailedPrecondition(cluster_.DeathReason(*node)));
  }
  Peer& peer = PeerOf(*node);
  peer.link->Attach(stream, nullptr);
  // It may carry more than the name.
  events_.on_message(*node, hello);
}

PeerLinks::Peer& PeerLinks::PeerOf(NodeId node) {
  Peer& peer = peers_[node];
  if (!peer.link) {
    peer.link = std::make_unique<PeerLink>(
        node, PeerLink::Events{.on_message =
                                   [this, node](pb::PeerMessage message) {
                                     const auto it = peers_.find(node);
                                     if (it == peers_.end()) return;  // declared dead; the link goes in a moment
                                     it->second.retry = kFirstRetry;
                                     events_.on_message(node, std::move(message));
                                   },
                               .on_broken = [this, node](const Status& status) { OnBroken(node, status); },
                               .on_free = [this, node] { events_.on_free(node); }});
  }
  return peer;
}

void PeerLinks::OnJoined(NodeId node) {
  const Peer& peer = PeerOf(node);
  if (cluster_.self() < node && !peer.link->connected()) Open(node);
}

void PeerLinks::Open(NodeId node) {
  if (!cluster_.Alive(node)) return;
  pb::PeerMessage hello;
  hello.set_node(cluster_.self().Bytes());
  // The handlers are set by Attach before the loop can run any.
  PeerOf(node).link->Attach(transport_.Open(node, cluster_.Find(node)->address()), &hello);
}

void PeerLinks::OnBroken(NodeId node, const Status& status) {
  if (!cluster_.Alive(node)) return;
  spdlog::warn("the connection to node {} broke: {}", node.Hex(), status.ToString());
  events_.on_broken(node);
  if (!(cluster_.self() < node)) return;
  Peer& peer = peers_.at(node);
  const auto delay = peer.retry;
  peer.retry = std::min(peer.retry * 2, kLastRetry);
  loop_.After(delay, [weak = std::weak_ptr(self_), node] {
    auto self = weak.lock();
    if (self && (*self)->cluster_.Alive(node) && !(*self)->PeerOf(node).link->connected()) (*self)->Open(node);
  });
}

void PeerLinks::OnNodeOver(NodeId node, const std::string&) {
  transport_.Forget(node);
  auto gone = peers_.extract(node);
  if (gone.empty()) return;
  // Not within a callback of its own stream.
  loop_.Post([peer = std::make_shared<Peer>(std::move(gone.mapped()))] { peer->link.reset(); });
  events_.on_free(node);
}

bool PeerLinks::Overfull(NodeId node) const {
  const auto it = peers_.find(node);
  return it != peers_.end() && it->second.link->overfull();
}

bool PeerLinks::Congested(NodeId node) const {
  const auto it = peers_.find(node);
  return it != peers_.end() && it->second.link->congested();
}

Status PeerLinks::Send(NodeId to, pb::PeerMessage part) {
  if (to == cluster_.self()) return NotFound("this node is no peer of its own");
  const auto it = peers_.find(to);
  // A node may know of us before the head has told us of it.
  const bool connected = it != peers_.end() && it->second.link->connected();
  if (!connected && !cluster_.Alive(to)) return NotFound(cluster_.DeathReason(to));
  return PeerOf(to).link->Send(std::move(part));
}

void PeerLinks::Broadcast(const pb::PeerMessage& part) {
  for (auto& [node, peer] : peers_) {
    const Status status = Send(node, part);
    if (!status.ok()) spdlog::warn("node {} misses a notice: {}", node.Hex(), status.message());
  }
}

}  // namespace troupe::raylet
