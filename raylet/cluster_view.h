// ClusterView: what this raylet knows of the cluster's nodes, from the head.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/resources.h"
#include "proto/common.pb.h"
#include "proto/head.pb.h"
#include "scheduler/scheduler.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Loop thread.
class ClusterView {
 public:
  // What a message of the head changed, for the others to act on. Own node never.
  struct Changes {
    std::vector<NodeId> joined;
    std::vector<std::pair<NodeId, std::string>> died;  // with the reason
  };

  explicit ClusterView(NodeId self) : self_(self) {}

  // Takes nodes as the head reports them; those with a malformed id are ignored. A node that died stays dead.
  Changes Apply(const google::protobuf::RepeatedPtrField<pb::NodeInfo>& nodes);

  // What nodes have free by now. Those that are unknown or dead are ignored.
  void ApplyLoads(const google::protobuf::RepeatedPtrField<pb::NodeLoad>& loads);

  NodeId self() const { return self_; }
  // Null when the head never told of it.
  const pb::NodeInfo* Find(NodeId node) const;
  bool Alive(NodeId node) const;
  // Why it is not alive; for people.
  std::string DeathReason(NodeId node) const;
  std::vector<NodeId> AliveOthers() const;
  std::vector<pb::NodeInfo> Nodes() const;

  // The other live nodes, less what was debited since their last report.
  std::vector<scheduler::NodeView> Views() const;
  // This raylet asked the node for resources that its last report counts as free. Returns the number of that report.
  std::uint64_t Debit(NodeId node, const ResourceSet& resources);
  // Takes a debit back: the node did not give what was asked of it. Nothing when it has reported since.
  void Credit(NodeId node, std::uint64_t report, const ResourceSet& resources);
  // The node had no room although its last report says so: it counts as full until it reports again, or Reopen().
  void SetFull(NodeId node);
  void Reopen(NodeId node);

 private:
  // Dead nodes kept so that late messages about them are answered with the reason.
  static constexpr std::size_t kMaxDead = 1000;
  struct Node {
    pb::NodeInfo info;
    std::uint64_t report = 0;  // counts the times that the head told of it
    ResourceSet debited = {};
    bool full = false;
  };

  void ForgetOldDead(NodeId died);

  const NodeId self_;
  std::map<NodeId, Node> nodes_;
  std::vector<NodeId> dead_;  // oldest first
};

}  // namespace troupe::raylet
