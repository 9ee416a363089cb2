#include "raylet/links/rpc_peers.h"

#include <utility>

#include "raylet/links/rpc_stream.h"

namespace troupe::raylet {
namespace {

constexpr const char* kPeerMethod = "/troupe.pb.Node/Peer";
using Stream = RpcStream<pb::PeerMessage, pb::PeerMessage>;

}  // namespace

void RpcPeers::Serve(rpc::Server* server, std::function<void(std::shared_ptr<PeerStream>)> accept) {
  server->HandleStream<pb::PeerMessage, pb::PeerMessage>(
      kPeerMethod, [accept = std::move(accept)](auto stream) { accept(std::make_shared<Stream>(std::move(stream))); });
}

std::shared_ptr<PeerStream> RpcPeers::Open(NodeId node, const std::string& address) {
  return std::make_shared<Stream>(
      ClientAt(node, address).OpenStream<pb::PeerMessage, pb::PeerMessage>(kPeerMethod, {}));
}

void RpcPeers::Forget(NodeId node) {
  auto gone = clients_.extract(node);
  // Not within a callback of the client's own stream.
  if (!gone.empty()) loop_.Post([client = std::shared_ptr(std::move(gone.mapped()))] {});
}

rpc::Client* RpcPeers::ClientOf(NodeId node) {
  if (!cluster_.Alive(node) || node == cluster_.self()) return nullptr;
  return &ClientAt(node, cluster_.Find(node)->address());
}

rpc::Client& RpcPeers::ClientAt(NodeId node, const std::string& address) {
  std::unique_ptr<rpc::Client>& client = clients_[node];
  if (!client) {
    rpc::ClientOptions options;
    options.target = address;
    options.peer_name = "node " + node.Hex().substr(0, 8);
    options.credentials = credentials_();
    options.loop = &loop_;
    options.max_message_bytes = kMaxMessageBytes;
    client = std::make_unique<rpc::Client>(std::move(options));
  }
  return *client;
}

}  // namespace troupe::raylet
