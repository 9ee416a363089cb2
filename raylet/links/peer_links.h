// PeerLinks: the connections between this raylet and those of the other nodes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/event_loop.h"
#include "proto/node.pb.h"
#include "raylet/links/cluster_view.h"
#include "raylet/links/outbox.h"
#include "raylet/links/peer_link.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Of two nodes the one with the smaller id opens the stream, when it learns of the other and again, with back-off, for
// as long as the other lives. Loop thread.
class PeerLinks : public PeerOutbox {
 public:
  struct Events {
    std::function<void(NodeId from, pb::PeerMessage)> on_message;
    // The connection is gone and messages may be lost; the node may live on.
    std::function<void(NodeId)> on_broken;
    // The way to the node is not congested any more, or is none.
    std::function<void(NodeId)> on_free;
  };

  // `credentials`: of this node, asked for each time a node is connected to.
  PeerLinks(EventLoop& loop, ClusterView& cluster, std::function<rpc::Credentials()> credentials, Events events);
  ~PeerLinks() override;

  // Serves the streams that other nodes open. Before the server starts.
  void Serve(rpc::Server* server);

  void OnJoined(NodeId node);
  void OnDied(NodeId node);

  Status Send(NodeId to, pb::PeerMessage part) override;
  void Broadcast(const pb::PeerMessage& part) override;
  // More waits for the node than its connection takes at the moment.
  bool Congested(NodeId node) const;

  // For other streams to the node; null when it is not alive.
  rpc::Client* ClientOf(NodeId node);

 private:
  static constexpr std::chrono::milliseconds kFirstRetry{100};
  static constexpr std::chrono::milliseconds kLastRetry{2000};
  // Streams whose opener has not yet said who it is.
  static constexpr std::size_t kMaxUnnamed = 1000;
  struct Peer {
    std::unique_ptr<rpc::Client> client;
    std::unique_ptr<PeerLink> link;
    std::chrono::milliseconds retry = kFirstRetry;
  };

  Peer& PeerOf(NodeId node);
  void Open(NodeId node);
  void OnBroken(NodeId node, const Status& status);
  void Accept(std::shared_ptr<PeerStream> stream);
  void OnHello(const std::shared_ptr<PeerStream>& stream, const pb::PeerMessage& hello);

  EventLoop& loop_;
  ClusterView& cluster_;
  const std::function<rpc::Credentials()> credentials_;
  const Events events_;
  std::map<NodeId, Peer> peers_;
  std::vector<std::shared_ptr<PeerStream>> unnamed_;
  std::shared_ptr<PeerLinks*> self_;  // what posted work holds weakly: gone with this
};

}  // namespace troupe::raylet
