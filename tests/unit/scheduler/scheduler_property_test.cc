// Random clusters and demands by a printed seed: what must hold of every decision.
#include <gtest/gtest.h>

#include <random>

#include "scheduler/scheduler.h"

namespace troupe::scheduler {
namespace {

class RandomCluster {
 public:
  explicit RandomCluster(unsigned seed) : random_(seed) {}

  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }

  ResourceSet Resources(int largest) {
    ResourceSet set;
    for (const char* name : {"CPU", "GPU", "memory"}) set.SetUnits(name, Below(largest + 1) * ResourceSet::kUnit / 2);
    return set;
  }

  std::vector<NodeView> Nodes() {
    std::vector<NodeView> nodes(static_cast<std::size_t>(Below(6)));
    for (NodeView& node : nodes) {
      node.id = {static_cast<std::uint64_t>(Below(1000)) + 1, static_cast<std::uint64_t>(&node - nodes.data())};
      node.total = Resources(16);
      node.available = node.total;
      node.draining = Below(10) == 0;
      if (Below(2) == 0) node.labels["zone"] = "eu";
    }
    return nodes;
  }

  Demand Request(const std::vector<NodeView>& nodes) {
    Demand demand;
    demand.resources = Resources(4);
    if (Below(3) == 0) demand.placement_resources.SetUnits("CPU", ResourceSet::kUnit);
    demand.strategy = static_cast<Strategy>(Below(3));
    demand.soft = Below(2) == 0;
    if (Below(4) == 0) demand.labels["zone"] = "eu";
    if (!nodes.empty()) {
      demand.node = nodes[static_cast<std::size_t>(Below(static_cast<int>(nodes.size())))].id;
      demand.argument_bytes = {{demand.node, 1000}};
    }
    return demand;
  }

 private:
  std::mt19937 random_;
};

// What is wrong with `decision`, or empty. The test below shows that it can find something.
std::string Objection(const Demand& demand, const std::vector<NodeView>& nodes, const Decision& decision) {
  bool could = false, room = false;
  for (const NodeView& node : nodes) {
    const bool labelled = demand.labels.empty() || node.labels.contains("zone");
    const bool asked = demand.strategy != Strategy::kNodeAffinity || demand.soft || node.id == demand.node;
    if (!labelled || !asked || !node.total.Contains(demand.resources)) continue;
    could = true;
    room = room || (!node.draining && node.available.Contains(demand.resources));
  }
  if (decision.kind != Decision::Kind::kPlaced) {
    if (decision.reason.empty()) return "gives no reason";
    if (decision.kind == Decision::Kind::kInfeasible && could) return "calls infeasible what a node could hold";
    // A soft demand may wait for its own node although others have room.
    return room && demand.strategy != Strategy::kNodeAffinity ? "waits although there is room" : "";
  }
  for (const NodeView& node : nodes) {
    if (node.id != decision.node) continue;
    if (node.draining) return "uses a draining node";
    if (!node.available.Contains(demand.resources)) return "over-commits";
    if (!demand.labels.empty() && !node.labels.contains("zone")) return "ignores labels";
    if (demand.strategy == Strategy::kNodeAffinity && !demand.soft && node.id != demand.node) return "ignores affinity";
    return "";
  }
  return "chose a node that is not there";
}

TEST(SchedulerPropertyTest, NeverOvercommitsNorIgnoresConstraints) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    RandomCluster cluster(seed);
    std::vector<NodeView> nodes = cluster.Nodes();
    NodeId cursor;
    for (int i = 0; i < 60; ++i) {
      const Demand demand = cluster.Request(nodes);
      NodeId again = cursor;
      const Decision decision = Decide(demand, nodes, &cursor);
      ASSERT_EQ(Objection(demand, nodes, decision), "") << "seed " << seed << " step " << i << " " << decision.reason;
      ASSERT_EQ(Decide(demand, nodes, &again).node, decision.node) << "not deterministic, seed " << seed;
      for (NodeView& node : nodes) {
        if (decision.kind == Decision::Kind::kPlaced && node.id == decision.node) {
          node.available.Subtract(demand.resources);
        }
      }
    }
  }
}

TEST(SchedulerPropertyTest, TheCheckItselfFindsEachFault) {
  NodeView node;
  node.id = {1, 1};
  node.total.SetUnits("CPU", 2 * ResourceSet::kUnit);
  Demand demand;
  demand.resources.SetUnits("CPU", ResourceSet::kUnit);
  EXPECT_EQ(Objection(demand, {node}, {Decision::Kind::kPlaced, node.id, ""}), "over-commits");
  EXPECT_EQ(Objection(demand, {node}, {Decision::Kind::kInfeasible, {}, "r"}),
            "calls infeasible what a node could hold");
  node.available = node.total;
  EXPECT_EQ(Objection(demand, {node}, {Decision::Kind::kWait, {}, "r"}), "waits although there is room");
  EXPECT_EQ(Objection(demand, {node}, {Decision::Kind::kPlaced, {2, 2}, ""}), "chose a node that is not there");
  node.draining = true;
  EXPECT_EQ(Objection(demand, {node}, {Decision::Kind::kPlaced, node.id, ""}), "uses a draining node");
}

}  // namespace
}  // namespace troupe::scheduler
