// PeerLinks: the connections between this raylet and those of the other nodes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/event_loop.h"
#include "proto/node.pb.h"
#include "raylet/cluster_view.h"
#include "raylet/links/peer_link.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/peer_transport.h"
#include "raylet/ports/process_observer.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Of two nodes the one with the smaller id opens the stream, when it learns of the other and again, with back-off, for
// as long as the other lives. Loop thread.
class PeerLinks : public PeerPort, public ProcessObserver {
 public:
  struct Events {
    std::function<void(NodeId from, pb::PeerMessage)> on_message;
    // The connection is gone and messages may be lost; the node may live on.
    std::function<void(NodeId)> on_broken;
    // The way to the node is not congested any more, or is none.
    std::function<void(NodeId)> on_free;
  };

  // `transport` outlives this.
  PeerLinks(EventLoop& loop, ClusterView& cluster, PeerTransport& transport, Events events);
  ~PeerLinks() override;

  // Another node has opened a stream.
  void Accept(std::shared_ptr<PeerStream> stream);

  void OnJoined(NodeId node) override;
  void OnNodeOver(NodeId node, const std::string& reason) override;

  Status Send(NodeId to, pb::PeerMessage part) override;
  void Broadcast(const pb::PeerMessage& part) override;
  bool Congested(NodeId node) const override;
  bool Overfull(NodeId node) const override;

 private:
  static constexpr std::chrono::milliseconds kFirstRetry{100};
  static constexpr std::chrono::milliseconds kLastRetry{2000};
  // Streams whose opener has not yet said who it is.
  static constexpr std::size_t kMaxUnnamed = 1000;
  struct Peer {
    std::unique_ptr<PeerLink> link;
    std::chrono::milliseconds retry = kFirstRetry;
  };

  Peer& PeerOf(NodeId node);
  void Open(NodeId node);
  void OnBroken(NodeId node, const Status& status);
  void OnHello(const std::shared_ptr<PeerStream>& stream, const pb::PeerMessage& hello);

  EventLoop& loop_;
  ClusterView& cluster_;
  PeerTransport& transport_;
  const Events events_;
  std::map<NodeId, Peer> peers_;
  std::vector<std::shared_ptr<PeerStream>> unnamed_;
  std::shared_ptr<PeerLinks*> self_;  // what posted work holds weakly: gone with this
};

}  // namespace troupe::raylet
