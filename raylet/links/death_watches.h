// DeathWatches: who is told of the end of which process.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "raylet/cluster_view.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/process_observer.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// A death concerns those who have exchanged something with the process, and those who asked for it (WatchProcess): most
// are told nothing, however large the cluster. Nodes tell each other the same way. Two processes that exchange frames
// watch each other, and so do their nodes, without a message: each raylet sees the frame.
//
// What is kept goes with the process, its watcher or the node, so it is bounded by the processes that live. A notice
// may be lost with a connection between nodes; each asks again for all that it watches there.
//
// Loop thread.
class DeathWatches : public ProcessObserver {
 public:
  // `alive`: whether a process of this node is not over yet (ProcessDeaths).
  DeathWatches(const ClusterView& cluster, ClientOutbox& clients, PeerOutbox& peers,
               std::function<bool(ProcessId)> alive)
      : cluster_(cluster), self_(cluster.self()), clients_(clients), peers_(peers), alive_(std::move(alive)) {}

  // `client`, of this node, is told when `process`, of any node, ends; at once if it has. Idempotent.
  void Watch(ProcessId client, const Address& process);
  // This raylet itself holds something for `process` of another node: ProcessDeaths is told of its end.
  void Watch(const Address& process);
  // A frame went between `client` of this node and `other`, or they share a channel.
  void OnMet(ProcessId client, const Address& other);
  // Node `from` asks for the ends of processes of this one.
  void OnAsked(NodeId from, ProcessId process);
  // The connection to `node` broke, or the head has told of it, alive or dead: asks for all that is watched there. What
  // is queued goes out over the next connection.
  void AskAgain(NodeId node);

  void OnProcessOver(const EndedProcess& process) override;
  void OnNodeOver(NodeId node, const std::string& reason) override;

  // The watched processes of another node.
  std::vector<ProcessId> Of(NodeId node) const;
  // What is kept: of no process that is over.
  std::size_t size() const { return watched_.size() + watched_by_.size() + nodes_.size(); }

 private:
  struct Watched {
    NodeId node;
    std::unordered_set<ProcessId> clients;
  };

  // Whether it was not watched before.
  bool Add(ProcessId client, const Address& process);
  void Ask(NodeId node, ProcessId process);
  void Tell(ProcessId client, ProcessId process, const std::string& reason);
  void Forget(ProcessId process);

  const ClusterView& cluster_;
  const NodeId self_;
  ClientOutbox& clients_;
  PeerOutbox& peers_;
  const std::function<bool(ProcessId)> alive_;
  std::unordered_map<ProcessId, Watched> watched_;                           // by clients of this node, or by it itself
  std::unordered_map<ProcessId, std::unordered_set<ProcessId>> watched_by_;  // client of this node -> processes
  std::unordered_map<ProcessId, std::unordered_set<NodeId>> nodes_;  // process of this node -> who else is to know
};

}  // namespace troupe::raylet
