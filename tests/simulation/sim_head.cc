#include "tests/simulation/sim_head.h"

#include <utility>

namespace troupe::simulation {

SimHead::SimHead(ManualEventLoop& loop, Dice& dice, Fault fault)
    : loop_(loop),
      fault_(fault),
      cluster_({.loop = loop,
                .nodes = *this,
                .registry = registry_,
                .random = [&dice] { return static_cast<double>(dice.Below(1'000'000)) / 1e6; },
                .wall_ms = [&loop] { return loop.Now() / std::chrono::milliseconds(1); },
                .new_job_id = [this] { return JobId{0x10000 + ++last_job_}; }},
               {.identity = {.cluster = ClusterId{1, 2}, .epoch = 1},
                .version = "",
                .log_file = "",
                .process = {},
                .times = {},
                .actors = {}}) {}

void SimHead::Accept(std::unique_ptr<Stream> stream) {
  auto peer = std::make_shared<Peer>(loop_, std::shared_ptr<Stream>(std::move(stream)));
  peers_[peer->stream.get()] = peer;
  std::weak_ptr<Peer> weak = peer;
  peer->stream->SetHandlers({.on_message =
                                 [this, weak](const pb::NodeToHead& batch) {
                                   rpc::ForEach(batch, [&](const pb::NodeToHead& message) {
                                     if (auto sender = weak.lock()) OnMessage(sender, message);
                                   });
                                 },
                             .on_closed =
                                 [this, weak](const Status&) {
                                   if (auto closed = weak.lock()) OnClosed(closed);
                                 }});
}

void SimHead::OnMessage(const std::shared_ptr<Peer>& peer, const pb::NodeToHead& message) {
  if (peer->joined) {
    const Status status = cluster_.OnMessage(peer->joined->node, message);
    if (!status.ok()) peer->stream->Close(status);
    return;
  }
  if (!message.has_hello()) return;
  auto joined = cluster_.Join(message.hello());
  if (!joined.ok()) return peer->stream->Close(joined.status());
  peer->joined = *joined;
  const std::shared_ptr<Peer> before = std::exchange(by_node_[joined->node], peer);
  if (before) before->stream->Close(Cancelled("its node opened another"));
  cluster_.Greet(joined->node, message.hello());
}

void SimHead::OnClosed(const std::shared_ptr<Peer>& peer) {
  peers_.erase(peer->stream.get());
  if (!peer->joined) return;
  auto it = by_node_.find(peer->joined->node);
  if (it != by_node_.end() && it->second == peer) by_node_.erase(it);
  cluster_.Disconnected(*peer->joined);
}

void SimHead::Send(const NodeId& node, pb::HeadToNode message) {
  if (fault_ == Fault::kDropStop && message.has_stop_actor()) return;
  if (fault_ == Fault::kDropStart && message.has_start_actor() && ++starts_ % 4 == 0) return;
  if (fault_ == Fault::kStartTwice && message.has_start_actor()) {
    for (auto& [other, peer] : by_node_) {
      if (other != node) peer->out.Add(message);
    }
  }
  if (auto it = by_node_.find(node); it != by_node_.end()) it->second->out.Add(std::move(message));
}

void SimHead::Disconnect(const NodeId& node, const Status& why) {
  auto it = by_node_.find(node);
  if (it == by_node_.end()) return;
  const std::shared_ptr<Peer> peer = it->second;
  by_node_.erase(it);
  peer->out.Flush();
  peer->stream->Close(why);
}

}  // namespace troupe::simulation
