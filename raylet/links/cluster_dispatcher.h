// ClusterDispatcher: passes what the head and other nodes say on to the managers.
#pragma once

#include "proto/head.pb.h"
#include "proto/node.pb.h"
#include "raylet/managers.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Loop thread. `managers` outlives it, and is complete before the first message.
class ClusterDispatcher {
 public:
  explicit ClusterDispatcher(const Managers& managers) : m_(managers) {}

  // Of every kind but Shutdown.
  void OnHeadMessage(const pb::HeadToNode& message);
  void OnNodesChanged(const google::protobuf::RepeatedPtrField<pb::NodeInfo>& nodes);
  // Nothing of the job goes on.
  void OnJobEnded(JobId job);

  void OnPeerMessage(NodeId from, const pb::PeerMessage& message);
  // What was sent to the node last may be lost.
  void OnLinkBroken(NodeId node);

 private:
  const Managers& m_;
};

}  // namespace troupe::raylet
