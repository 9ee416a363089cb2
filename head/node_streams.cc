#include "head/node_streams.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "head/convert.h"

namespace troupe::head {

NodeStreams::~NodeStreams() {
  for (auto& [stream, peer] : peers_) loop_.Cancel(peer->hello_timer);
}

void NodeStreams::Serve(rpc::Server& server, Cluster& cluster) {
  cluster_ = &cluster;
  server.HandleStream<pb::NodeToHead, pb::HeadToNode>(
      "/troupe.pb.Head/Node", [this](std::shared_ptr<Stream> stream) { Open(std::move(stream)); });
}

void NodeStreams::Open(std::shared_ptr<Stream> stream) {
  auto peer = std::make_shared<Peer>(loop_, stream);
  peers_[stream.get()] = peer;
  std::weak_ptr<Peer> weak = peer;
  peer->hello_timer = loop_.After(kHelloDeadline, [weak] {
    if (auto silent = weak.lock()) silent->stream->Close(DeadlineExceeded("no hello came within 10 s"));
  });
  stream->SetHandlers({.on_message =
                           [this, weak](const pb::NodeToHead& batch) {
                             rpc::ForEach(batch, [this, &weak](const pb::NodeToHead& message) {
                               if (auto sender = weak.lock()) OnMessage(sender, message);
                             });
                           },
                       .on_closed =
                           [this, weak](Status status) {
                             if (auto closed = weak.lock()) OnClosed(closed, status);
                           }});
}

void NodeStreams::OnMessage(const std::shared_ptr<Peer>& peer, const pb::NodeToHead& message) {
  if (!peer->joined) return OnHello(peer, message);
  if (Status status = cluster_->OnMessage(peer->joined->node, message); !status.ok()) Close(peer, status);
}

void NodeStreams::OnHello(const std::shared_ptr<Peer>& peer, const pb::NodeToHead& message) {
  loop_.Cancel(std::exchange(peer->hello_timer, 0));
  if (!message.has_hello())
    return peer->stream->Close(InvalidArgument("the first message of a node must be its hello"));
  Result<NodeTable::Joined> joined = cluster_->Join(message.hello());
  if (!joined.ok()) {
    spdlog::warn("refused a node from {}: {}", peer->stream->peer(), joined.status().message());
    return Close(peer, joined.status());
  }
  peer->joined = *joined;
  std::shared_ptr<Peer> before = std::exchange(by_node_[joined->node], peer);
  if (before) before->stream->Cancel();
  cluster_->Greet(joined->node, message.hello());
}

// That the node is dead may be why, and not be committed yet.
void NodeStreams::Close(const std::shared_ptr<Peer>& peer, const Status& why) {
  cluster_->commits().Then([peer, why] { peer->stream->Close(why); });
}

void NodeStreams::OnClosed(const std::shared_ptr<Peer>& peer, const Status& status) {
  loop_.Cancel(peer->hello_timer);
  peers_.erase(peer->stream.get());
  if (!peer->joined) return;
  spdlog::debug("stream of node {} closed: {}", Short(peer->joined->node), status.ToString());
  auto it = by_node_.find(peer->joined->node);
  if (it != by_node_.end() && it->second == peer) by_node_.erase(it);
  cluster_->Disconnected(*peer->joined);
}

void NodeStreams::Send(const NodeId& node, pb::HeadToNode message) {
  auto it = by_node_.find(node);
  if (it == by_node_.end()) return;
  Peer& peer = *it->second;
  peer.welcomed |= message.has_welcome();
  if (!peer.welcomed) return;
  if (peer.stream->pending_bytes() > kMaxPendingBytes) {
    spdlog::error("node {} does not read what it is sent; ending its connection", Short(node));
    peer.stream->Cancel();
    return;
  }
  peer.out.Add(std::move(message));
}

void NodeStreams::Disconnect(const NodeId& node, const Status& why) {
  auto it = by_node_.find(node);
  if (it == by_node_.end()) return;
  std::shared_ptr<Peer> peer = it->second;
  by_node_.erase(it);
  peer->out.Flush();
  peer->stream->Close(why);
}

}  // namespace troupe::head
