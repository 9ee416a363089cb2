// NodeCredits: how much clients may send to which nodes.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "ipc/client_wire.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/process_observer.h"

namespace troupe::raylet {

// What a client has sent to a node is given back to it in halves of the window (ipc::kRoutedWindow), but not while the
// way to the node is congested. So what it has for a slow node waits in its own process, and all else that it sends is
// read as ever. Loop thread.
class NodeCredits : public ProcessObserver {
 public:
  NodeCredits(ClientOutbox& clients, const PeerPort& peers) : clients_(clients), peers_(peers) {}

  // `client` has sent so many bytes of a frame to `node`.
  void OnSent(ProcessId client, NodeId node, std::size_t bytes) {
    std::size_t& owed = owed_[node][client];
    owed += bytes;
    if (owed >= ipc::kRoutedWindow / 2 && !peers_.Congested(node)) Give(client, node, std::exchange(owed, 0));
  }
  // The way to `node` is free again, or there is none any more.
  void OnFree(NodeId node) {
    const auto owed = owed_.extract(node);
    if (owed.empty()) return;
    for (const auto& [client, bytes] : owed.mapped()) Give(client, node, bytes);
  }
  void OnProcessOver(const EndedProcess& process) override {
    for (auto& [node, owed] : owed_) owed.erase(process.address.process);
  }

 private:
  void Give(ProcessId client, NodeId node, std::size_t bytes) {
    pb::RayletToClient message;
    message.mutable_node_credit()->set_node(node.Bytes());
    message.mutable_node_credit()->set_bytes(bytes);
    clients_.Send(client, message);
  }

  ClientOutbox& clients_;
  const PeerPort& peers_;
  std::map<NodeId, std::unordered_map<ProcessId, std::size_t>> owed_;
};

}  // namespace troupe::raylet
