#include "scheduler/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::scheduler {
namespace {

using ::testing::HasSubstr;

ResourceSet Amounts(const std::map<std::string, double>& amounts) { return ResourceSet::FromAmounts(amounts).value(); }

NodeId Node(std::uint64_t number) { return {number, number}; }

NodeView Empty(std::uint64_t number, const std::map<std::string, double>& total) {
  NodeView view;
  view.id = Node(number);
  view.total = view.available = Amounts(total);
  return view;
}

Demand Needs(const std::map<std::string, double>& resources) {
  Demand demand;
  demand.resources = Amounts(resources);
  return demand;
}

Decision Choose(const Demand& demand, const std::vector<NodeView>& nodes) {
  NodeId cursor;
  return Decide(demand, nodes, &cursor);
}

// Places `count` times, taking what was placed, and says on which node each went.
std::vector<std::uint64_t> PlaceAll(const Demand& demand, std::vector<NodeView> nodes, int count) {
  std::vector<std::uint64_t> chosen;
  NodeId cursor;
  for (int i = 0; i < count; ++i) {
    const Decision decision = Decide(demand, nodes, &cursor);
    if (decision.kind != Decision::Kind::kPlaced) {
      chosen.push_back(0);
      continue;
    }
    chosen.push_back(decision.node.low);
    for (NodeView& node : nodes) {
      if (node.id == decision.node) node.available.Subtract(demand.resources);
    }
  }
  return chosen;
}

TEST(SchedulerTest, PacksUntilHalfFullThenSpreads) {
  const std::vector<NodeView> nodes = {Empty(1, {{"CPU", 4}}), Empty(2, {{"CPU", 4}})};
  EXPECT_EQ(PlaceAll(Needs({{"CPU", 1}}), nodes, 9), (std::vector<std::uint64_t>{1, 1, 2, 2, 1, 2, 1, 2, 0}));
}

TEST(SchedulerTest, PrefersTheLocalNodeWhileItIsLessThanHalfUsed) {
  std::vector<NodeView> nodes = {Empty(1, {{"CPU", 4}}), Empty(2, {{"CPU", 4}})};
  nodes[0].available = Amounts({{"CPU", 3}});
  Demand demand = Needs({{"CPU", 1}});
  EXPECT_EQ(Choose(demand, nodes).node, Node(1)) << "packing";
  demand.local = Node(2);
  EXPECT_EQ(Choose(demand, nodes).node, Node(2));
  nodes[1].available = Amounts({{"CPU", 2}});
  EXPECT_EQ(Choose(demand, nodes).node, Node(1)) << "the local node would be more than half used";
}

TEST(SchedulerTest, CountsPlacementResourcesButDoesNotAskThatTheyBeFree) {
  std::vector<NodeView> nodes = {Empty(1, {{"CPU", 1}}), Empty(2, {{"CPU", 4}})};
  Demand actor;
  actor.placement_resources = Amounts({{"CPU", 1}});
  EXPECT_EQ(Choose(actor, nodes).node, Node(2)) << "it would fill node 1";
  nodes[1].placement_cpu_units = 40 * ResourceSet::kUnit;
  EXPECT_EQ(Choose(actor, nodes).node, Node(1));
  nodes[0].available = {};
  EXPECT_EQ(Choose(actor, {nodes[0]}).node, Node(1)) << "nothing has to be free";
}

TEST(SchedulerTest, UsesTheFullestOfTheDemandedResources) {
  std::vector<NodeView> nodes = {Empty(1, {{"CPU", 10}, {"GPU", 2}}), Empty(2, {{"CPU", 10}, {"GPU", 8}})};
  nodes[0].available = Amounts({{"CPU", 10}, {"GPU", 1}});
  EXPECT_EQ(Choose(Needs({{"CPU", 1}, {"GPU", 1}}), nodes).node, Node(2));
}

TEST(SchedulerTest, GoesWhereMostArgumentBytesLie) {
  const std::vector<NodeView> nodes = {Empty(1, {{"CPU", 4}}), Empty(2, {{"CPU", 4}}), Empty(3, {{"CPU", 4}})};
  Demand demand = Needs({{"CPU", 1}});
  demand.local = Node(1);
  demand.argument_bytes = {{Node(2), 100}, {Node(3), 80}, {Node(3), 80}, {Node(9), 1000}};
  EXPECT_EQ(Choose(demand, nodes).node, Node(3));
}

TEST(SchedulerTest, LeavesTheHolderOfArgumentsWhenItIsFull) {
  std::vector<NodeView> nodes = {Empty(1, {{"CPU", 4}}), Empty(2, {{"CPU", 4}})};
  nodes[1].available = {};
  Demand demand = Needs({{"CPU", 1}});
  demand.argument_bytes = {{Node(2), 100}};
  EXPECT_EQ(Choose(demand, nodes).node, Node(1));
}

TEST(SchedulerTest, SpreadTakesTurnsOverNodesWithRoom) {
  std::vector<NodeView> nodes = {Empty(3, {{"CPU", 4}}), Empty(1, {{"CPU", 4}}), Empty(2, {{"CPU", 1}})};
  Demand demand = Needs({{"CPU", 1}});
  demand.strategy = Strategy::kSpread;
  EXPECT_EQ(PlaceAll(demand, nodes, 7), (std::vector<std::uint64_t>{1, 2, 3, 1, 3, 1, 3}));
}

TEST(SchedulerTest, HardAffinityWaitsForItsNodeAndGoesNowhereElse) {
  std::vector<NodeView> nodes = {Empty(1, {{"CPU", 2}}), Empty(2, {{"CPU", 8}})};
  Demand demand = Needs({{"CPU", 2}});
  demand.strategy = Strategy::kNodeAffinity;
  demand.node = Node(1);
  EXPECT_EQ(Choose(demand, nodes).node, Node(1));
  nodes[0].available = Amounts({{"CPU", 1}});
  EXPECT_EQ(Choose(demand, nodes).kind, Decision::Kind::kWait);
  demand.resources = Amounts({{"CPU", 4}});
  EXPECT_EQ(Choose(demand, nodes).kind, Decision::Kind::kInfeasible);
  demand.node = Node(7);
  const Decision gone = Choose(demand, nodes);
  EXPECT_EQ(gone.kind, Decision::Kind::kInfeasible);
  EXPECT_EQ(gone.reason, "needs node 00000000, which is not in the cluster");
}

TEST(SchedulerTest, SoftAffinityGoesElsewhereOnlyWhenItsNodeIsGoneOrTooSmall) {
  std::vector<NodeView> nodes = {Empty(1, {{"CPU", 2}}), Empty(2, {{"CPU", 8}})};
  Demand demand = Needs({{"CPU", 2}});
  demand.strategy = Strategy::kNodeAffinity;
  demand.node = Node(1);
  demand.soft = true;
  nodes[0].available = {};
  EXPECT_EQ(Choose(demand, nodes).kind, Decision::Kind::kWait) << "busy is not gone";
  demand.resources = Amounts({{"CPU", 4}});
  EXPECT_EQ(Choose(demand, nodes).node, Node(2));
  demand.node = Node(7);
  EXPECT_EQ(Choose(demand, nodes).node, Node(2));
}

TEST(SchedulerTest, LabelsMustEqualTheNodes) {
  std::vector<NodeView> nodes = {Empty(1, {{"CPU", 2}}), Empty(2, {{"CPU", 2}})};
  nodes[1].labels = {{"zone", "eu"}, {"disk", "ssd"}};
  Demand demand = Needs({{"CPU", 1}});
  demand.labels = {{"zone", "eu"}};
  EXPECT_EQ(Choose(demand, nodes).node, Node(2));
  demand.labels["disk"] = "hdd";
  const Decision none = Choose(demand, nodes);
  EXPECT_EQ(none.kind, Decision::Kind::kInfeasible);
  EXPECT_EQ(none.reason, "needs a node labelled disk=hdd, zone=eu, no node is");
}

TEST(SchedulerTest, SaysWhyNothingCouldEverHoldIt) {
  const std::vector<NodeView> nodes = {Empty(1, {{"CPU", 2}, {"GPU", 2}}), Empty(2, {{"CPU", 8}})};
  EXPECT_EQ(Choose(Needs({{"GPU", 4}}), nodes).reason, "needs GPU: 4, the largest node has 2");
  EXPECT_EQ(Choose(Needs({{"tpu", 0.5}}), nodes).reason, "needs tpu: 0.5, no node has any");
  const Decision split = Choose(Needs({{"CPU", 4}, {"GPU", 1}}), nodes);
  EXPECT_EQ(split.kind, Decision::Kind::kInfeasible);
  EXPECT_EQ(split.reason, "needs {CPU: 4, GPU: 1} on one node, no node has all of it");
}

TEST(SchedulerTest, SaysWhatItWaitsForAndOnTheNodeThatLacksLeast) {
  std::vector<NodeView> nodes = {Empty(1, {{"CPU", 2}}), Empty(2, {{"CPU", 2}})};
  nodes[0].available = {};
  nodes[1].id = {0xab12cd3400000000, 1};
  nodes[1].available = Amounts({{"CPU", 1}});
  const Decision decision = Choose(Needs({{"CPU", 2}}), nodes);
  EXPECT_EQ(decision.kind, Decision::Kind::kWait);
  EXPECT_EQ(decision.reason, "waits for CPU: 2; node ab12cd34 has 1 free");
}

TEST(SchedulerTest, GivesADrainingNodeNothingButDoesNotGiveItUp) {
  std::vector<NodeView> nodes = {Empty(1, {{"CPU", 2}})};
  nodes[0].draining = true;
  EXPECT_EQ(Choose(Needs({{"CPU", 1}}), nodes).kind, Decision::Kind::kWait);
  nodes.push_back(Empty(2, {{"CPU", 1}}));
  EXPECT_EQ(Choose(Needs({{"CPU", 1}}), nodes).node, Node(2));
  const Decision decision = Choose(Needs({{"CPU", 2}}), nodes);
  EXPECT_EQ(decision.kind, Decision::Kind::kWait) << "it may come back";
  EXPECT_THAT(decision.reason, HasSubstr("which takes no work now"));
  EXPECT_EQ(Choose(Needs({{"CPU", 3}}), nodes).kind, Decision::Kind::kInfeasible);

  Demand pinned = Needs({{"CPU", 1}});
  pinned.strategy = Strategy::kNodeAffinity;
  pinned.node = Node(1);
  EXPECT_EQ(Choose(pinned, nodes).kind, Decision::Kind::kWait);
  pinned.soft = true;
  EXPECT_EQ(Choose(pinned, nodes).node, Node(2));
}

TEST(SchedulerTest, WaitsWhenThereIsNoNodeAtAll) {
  EXPECT_EQ(Choose(Needs({{"CPU", 1}}), {}).kind, Decision::Kind::kWait);
}

TEST(SchedulerTest, ToleratesNegativeAvailabilityOfLentCpus) {
  NodeView node = Empty(1, {{"CPU", 2}});
  node.available.SetUnits("CPU", -ResourceSet::kUnit);
  EXPECT_EQ(Choose(Needs({{"CPU", 1}}), {node}).kind, Decision::Kind::kWait);
  EXPECT_EQ(Choose(Needs({}), {node}).node, Node(1));
}

}  // namespace
}  // namespace troupe::scheduler
