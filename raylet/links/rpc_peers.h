// RpcPeers: the connections to other nodes, over gRPC.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/event_loop.h"
#include "raylet/cluster_view.h"
#include "raylet/ports/peer_transport.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Loop thread.
class RpcPeers : public PeerTransport {
 public:
  // A batch and one frame of the largest size.
  static constexpr std::size_t kMaxMessageBytes = 32u << 20;

  // `cluster` outlives it. `credentials`: of this node, asked for each time a node is connected to.
  RpcPeers(EventLoop& loop, const ClusterView& cluster, std::function<rpc::Credentials()> credentials)
      : loop_(loop), cluster_(cluster), credentials_(std::move(credentials)) {}

  // Serves the streams that other nodes open. Before the server starts; `accept` is callable as long as that serves.
  static void Serve(rpc::Server* server, std::function<void(std::shared_ptr<PeerStream>)> accept);

  std::shared_ptr<PeerStream> Open(NodeId node, const std::string& address) override;
  void Forget(NodeId node) override;

  // For other streams to the node; null when it is not alive.
  rpc::Client* ClientOf(NodeId node);

 private:
  rpc::Client& ClientAt(NodeId node, const std::string& address);

  EventLoop& loop_;
  const ClusterView& cluster_;
  const std::function<rpc::Credentials()> credentials_;
  std::map<NodeId, std::unique_ptr<rpc::Client>> clients_;
};

}  // namespace troupe::raylet
