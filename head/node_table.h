// NodeTable: which nodes belong to the cluster, and whether they live.
//
//   (hello) -> CONNECTED --stream closed--> SUSPECT --lease and margin over--> DEAD
//                 ^  \--- the same, or said Leaving and closed its stream -------^
//                 \------- hello again ---/
//
// Reports are acknowledged. A node that is not acknowledged for the lease, counted from when it sent the last report
// that was, ends its workers by itself; the head counts from when it heard of that report, which is later, and adds the
// margin. So nothing of a dead node runs any more, and what it hosted may start elsewhere. A node says Leaving when its
// workers have ended.
//
// All nodes hear of each other: who joins or dies at once, whole; loads as deltas, with a pause between two that grows
// with the number of nodes. So what a node is told in a second does not grow with the cluster.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "head/cluster_view.h"
#include "head/environment.h"

namespace troupe::head {

struct NodeTimes {
  std::chrono::milliseconds report_interval{1'000};
  std::chrono::milliseconds lease{5'000};
  std::chrono::milliseconds margin{1'000};          // for ending workers, and for clocks that do not run alike
  std::chrono::milliseconds check{250};             // of the leases
  std::chrono::milliseconds broadcast{20};          // at least this long between two NodesChanged that tell of the same
  std::chrono::milliseconds broadcast_per_node{2};  // the same for loads, times the nodes: so much is told to each
};

// Loop thread only. Keeps the last 1 000 dead nodes.
class NodeTable {
 public:
  // Tells one registration of a node from the next, so that the late end of an old stream harms no new one.
  using Session = std::uint64_t;
  struct Joined {
    NodeId node;
    Session session = 0;
    bool came_back = false;
  };
  // `died` runs once per node, after the node has left the view.
  using Died = std::function<void(const NodeId& node, const std::string& reason)>;

  NodeTable(Environment& environment, ClusterId cluster, NodeTimes times, ClusterView& view, Died died,
            pb::MachineProcess head = {});
  ~NodeTable();

  // The nodes of an earlier start of the head: the dead ones, and those that it believed in, which have the time of a
  // lease from now on to come back. Before anything else. DATA_LOSS names the node.
  Status Restore(const Rows& rows);

  // Takes a node in. INVALID_ARGUMENT for bad ids, addresses or resources, ALREADY_EXISTS when another raylet is
  // connected with that id, FAILED_PRECONDITION when the id was declared dead.
  Result<Joined> Join(const pb::NodeHello& hello);
  // The first message for a node that joined: identity, intervals, and all nodes.
  pb::Welcome Welcome() const;

  // INVALID_ARGUMENT when the report makes no sense; it still renews the lease.
  Status Report(const NodeId& node, const pb::NodeReport& report);
  // Whether event `number` of the node is news; 0: not counted, and always news.
  bool TakeEvent(const NodeId& node, std::uint64_t number);
  void Leaving(const NodeId& node, const std::string& reason);
  void Disconnected(const NodeId& node, Session session);

  bool IsAlive(const NodeId& node) const { return nodes_.contains(node); }
  // Why the node is dead; nullopt when it lives or was never seen.
  std::optional<std::string> DeathReason(const NodeId& node) const;
  // Where submitted drivers run: the head's node, else the connected one that joined first.
  std::optional<NodeId> NodeForDrivers() const;
  std::vector<NodeId> Connected() const;
  std::vector<pb::NodeInfo> List() const;   // the dead ones last
  std::vector<pb::Demand> Demands() const;  // what raylets say waits

 private:
  struct Node {
    pb::NodeInfo info;
    Session session = 0;
    bool connected = true;
    std::optional<std::string> leaving;
    MonotonicTime last_report{};  // or hello
    std::uint64_t report = 0;     // version of the latest
    std::uint64_t last_event = 0;
    std::uint64_t acknowledged_event = 0;
    MonotonicTime acknowledged{};  // when
    std::vector<pb::Demand> demands;
    pb::Resources told;  // what is available, as all nodes know it
  };

  void Changed(const NodeId& node);  // its row is written
  std::optional<std::string> Row(const NodeId& node) const;
  void Bury(const NodeId& node, pb::NodeInfo info);
  void MarkDead(const NodeId& node, const std::string& reason);
  void CheckLeases();
  void AcknowledgeReport(const NodeId& id, Node& node);
  void AcknowledgeEvents(const NodeId& id, Node& node);
  void MarkChanged(const pb::NodeInfo& info);
  void MarkLoad(const NodeId& id);
  void BroadcastChanges();
  void BroadcastLoads();
  void Broadcast(const pb::HeadToNode& message);
  // What is to happen again and again, each time at least `gap` after the last.
  struct Paced {
    TimerId timer = 0;
    MonotonicTime last{};
  };
  void Pace(Paced& paced, std::chrono::milliseconds gap, void (NodeTable::*work)());

  Environment& environment_;
  const ClusterId cluster_;
  const NodeTimes times_;
  ClusterView& view_;
  const Died died_;
  const pb::MachineProcess head_;
  std::map<NodeId, Node> nodes_;  // alive
  std::deque<NodeId> dead_order_;
  std::map<NodeId, pb::NodeInfo> dead_;
  Session last_session_ = 0;
  TimerId lease_timer_ = 0;
  MonotonicTime lease_check_due_{};
  std::map<NodeId, pb::NodeInfo> changed_;  // and not told yet; whole
  std::set<NodeId> loads_;                  // the same, of the others; only their load
  Paced changes_told_;
  Paced loads_told_;
};

}  // namespace troupe::head
