// NodeStreams: the raylets' connections.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>

#include "head/cluster.h"
#include "head/environment.h"
#include "rpc/server.h"
#include "rpc/turn_batch.h"

namespace troupe::head {

// Loop thread only. Between the streams of the Node method and the Cluster, which needs it to send.
class NodeStreams : public NodeSender {
 public:
  // A raylet that does not read loses its connection rather than fill the head's memory.
  static constexpr std::size_t kMaxPendingBytes = 256u << 20;
  static constexpr std::chrono::seconds kHelloDeadline{10};

  explicit NodeStreams(EventLoop& loop) : loop_(loop) {}
  ~NodeStreams() override;

  // Serves "/troupe.pb.Head/Node". Before the server starts; `cluster` outlives the server.
  void Serve(rpc::Server& server, Cluster& cluster);

  void Send(const NodeId& node, pb::HeadToNode message) override;
  void Disconnect(const NodeId& node, const Status& why) override;

 private:
  using Stream = rpc::Stream<pb::NodeToHead, pb::HeadToNode>;
  struct Peer {
    Peer(EventLoop& loop, const std::shared_ptr<Stream>& to)
        : stream(to), out(loop, [to](const pb::HeadToNode& batch) { to->Send(batch); }) {}

    const std::shared_ptr<Stream> stream;
    rpc::TurnBatch<pb::HeadToNode> out;
    std::optional<NodeTable::Joined> joined;
    bool welcomed = false;  // what was meant for an earlier stream of the node must not come before the welcome
    TimerId hello_timer = 0;
  };

  void Open(std::shared_ptr<Stream> stream);
  void OnMessage(const std::shared_ptr<Peer>& peer, const pb::NodeToHead& message);
  void OnHello(const std::shared_ptr<Peer>& peer, const pb::NodeToHead& message);
  void Close(const std::shared_ptr<Peer>& peer, const Status& why);
  void OnClosed(const std::shared_ptr<Peer>& peer, const Status& status);

  EventLoop& loop_;
  Cluster* cluster_ = nullptr;
  std::map<Stream*, std::shared_ptr<Peer>> peers_;
  std::map<NodeId, std::shared_ptr<Peer>> by_node_;
};

}  // namespace troupe::head
