// SimHead: the real head, with simulated connections to its raylets.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "head/cluster.h"
#include "raylet/ports/message_stream.h"
#include "rpc/turn_batch.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/network.h"

namespace troupe::simulation {

// As head::NodeStreams, but for the gRPC.
class SimHead : public head::NodeSender {
 public:
  using Stream = raylet::MessageStream<pb::NodeToHead, pb::HeadToNode>;

  SimHead(ManualEventLoop& loop, Dice& dice, Fault fault);

  void Accept(std::unique_ptr<Stream> stream);
  head::Cluster& cluster() { return cluster_; }

  void Send(const NodeId& node, pb::HeadToNode message) override;
  void Disconnect(const NodeId& node, const Status& why) override;

 private:
  struct Peer {
    Peer(EventLoop& loop, std::shared_ptr<Stream> to)
        : stream(to), out(loop, [to](const pb::HeadToNode& batch) { to->Send(batch); }) {}
    const std::shared_ptr<Stream> stream;
    rpc::TurnBatch<pb::HeadToNode> out;
    std::optional<head::NodeTable::Joined> joined;
  };

  void OnMessage(const std::shared_ptr<Peer>& peer, const pb::NodeToHead& message);
  void OnClosed(const std::shared_ptr<Peer>& peer);

  ManualEventLoop& loop_;
  const Fault fault_;
  std::uint64_t last_job_ = 0;
  std::uint64_t starts_ = 0;
  head::MemoryRegistry registry_;
  std::map<Stream*, std::shared_ptr<Peer>> peers_;
  std::map<NodeId, std::shared_ptr<Peer>> by_node_;
  head::Cluster cluster_;
};

}  // namespace troupe::simulation
