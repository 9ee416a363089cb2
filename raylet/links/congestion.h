// Congestion: which clients hold back what they have for which nodes.
#pragma once

#include <map>
#include <set>
#include <string>

#include "raylet/ports/outbox.h"
#include "raylet/ports/process_observer.h"

namespace troupe::raylet {

// A client that sends to a congested node is told once, and again when the way is free: what it has for that node waits
// in its own process, and all else that it sends is read as ever. Loop thread.
class Congestion : public ProcessObserver {
 public:
  explicit Congestion(ClientOutbox& clients) : clients_(clients) {}

  // `client` has sent something to `node`, for which more waits than its connection takes.
  void OnSent(ProcessId client, NodeId node) {
    if (told_[node].insert(client).second) Tell(client, node, true);
  }
  // The way to `node` is free again, or there is none any more.
  void OnFree(NodeId node) {
    const auto told = told_.extract(node);
    if (told.empty()) return;
    for (ProcessId client : told.mapped()) Tell(client, node, false);
  }
  void OnProcessOver(const EndedProcess& process) override {
    for (auto& [node, clients] : told_) clients.erase(process.address.process);
  }

 private:
  void Tell(ProcessId client, NodeId node, bool congested) {
    pb::RayletToClient message;
    message.mutable_node_congested()->set_node(node.Bytes());
    message.mutable_node_congested()->set_congested(congested);
    clients_.Send(client, message);
  }

  ClientOutbox& clients_;
  std::map<NodeId, std::set<ProcessId>> told_;
};

}  // namespace troupe::raylet
