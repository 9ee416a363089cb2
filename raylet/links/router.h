// Router: carries call frames between clients that share no channel, mostly those of different nodes.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/status.h"
#include "proto/node.pb.h"
#include "raylet/cluster_view.h"
#include "raylet/links/death_watches.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/process_observer.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Frames of one sender to one receiver arrive in order. A sender whose frame finds nobody is told so; one whose frames
// may have been lost with a connection between nodes is told that too, since it would otherwise wait for ever. Loop
// thread.
class Router : public ProcessObserver {
 public:
  Router(ClusterView& cluster, ClientOutbox& clients, PeerOutbox& peers, DeathWatches& watches)
      : cluster_(cluster), clients_(clients), peers_(peers), watches_(watches) {}

  // A routed frame as a client sent it. InvalidArgument when it has no header.
  Status OnFromClient(ProcessId client, std::string_view payload);
  // A frame from a client of node `from`.
  void OnFromPeer(NodeId from, const pb::RoutedFrame& frame);
  // A message from node `from` for a client of this one.
  void OnDirect(NodeId from, const pb::DirectMessage& direct);

  // The connection to `node` broke, while the node lives on: frames may be lost in both directions.
  void OnLinkBroken(NodeId node);
  void OnProcessOver(const EndedProcess& process) override;
  void OnNodeOver(NodeId node, const std::string&) override { talks_.erase(node); }

 private:
  void SendUndeliverable(ProcessId client, const Address& destination, const std::string& reason, bool gone);

  ClusterView& cluster_;
  ClientOutbox& clients_;
  PeerOutbox& peers_;
  DeathWatches& watches_;
  // Who of this node has sent to whom of another, ever; they may have calls open.
  std::map<NodeId, std::set<std::pair<ProcessId, ProcessId>>> talks_;
};

}  // namespace troupe::raylet
