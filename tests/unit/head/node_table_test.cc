#include "tests/unit/head/cluster_fixture.h"

namespace troupe::head {
namespace {

using testing::HasSubstr;
using NodeTableTest = ClusterTest;

TEST_F(NodeTableTest, WelcomesANodeFirstOfAllWithTheClusterAndItsNodes) {
  AddNode(1);
  AddNode(2);
  const pb::HeadToNode& first = sender_.sent[Node(2)].front();
  ASSERT_TRUE(first.has_welcome());
  EXPECT_EQ(first.welcome().cluster(), (ClusterId{1, 2}).Bytes());
  EXPECT_EQ(first.welcome().report_interval_ms(), 1000u);
  EXPECT_EQ(first.welcome().lease_ms(), 5'000u);
  EXPECT_EQ(first.welcome().nodes_size(), 2);
}

TEST_F(NodeTableTest, RefusesHellosThatMakeNoSense) {
  const std::vector<std::pair<std::string, std::function<void(pb::NodeHello&)>>> cases = {
      {"node's id", [](auto& hello) { hello.set_node("x"); }},
      {"node's id", [](auto& hello) { hello.set_node(std::string(16, '\0')); }},
      {"HOST:PORT", [](auto& hello) { hello.clear_address(); }},
      {"node's resources", [](auto& hello) { (*hello.mutable_total()->mutable_units())["CPU"] = -1; }},
      {"label", [](auto& hello) { (*hello.mutable_labels())["a\nb"] = "c"; }},
  };
  for (const auto& [named, spoil] : cases) {
    pb::NodeHello hello = Hello(1);
    spoil(hello);
    const Status status = cluster_->Join(hello).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << named;
    EXPECT_THAT(status.message(), HasSubstr(named));
  }
  EXPECT_EQ(cluster_->Overview().nodes_size(), 0) << "a refused node leaves no trace";
}

TEST_F(NodeTableTest, RefusesASecondRayletWithTheSameIdButLetsTheSameOneReconnect) {
  const NodeTable::Joined first = AddNode(1);
  pb::NodeHello thief = Hello(1);
  thief.set_raylet_pid(4242);
  const Status status = cluster_->Join(thief).status();
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(status.message(), HasSubstr("connected already, from 127.0.0.1:5001"));
  AddNode(1);
  cluster_->Disconnected(first);  // the old stream's end comes late
  loop_.Advance(5s);
  EXPECT_TRUE(cluster_->Overview().nodes(0).alive());
}

TEST_F(NodeTableTest, RefusesTheIdOfADeadNode) {
  Leave(AddNode(1));
  const Status status = cluster_->Join(Hello(1)).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("was declared dead (it left the cluster)"));
}

TEST_F(NodeTableTest, ANodeThatLeavesIsDeadAtOnceAndTheOthersHearOfIt) {
  const NodeTable::Joined one = AddNode(1);
  AddNode(2);
  TakeNodeChanges(2);
  Leave(one);
  const auto changes = TakeNodeChanges(2);
  ASSERT_EQ(changes.size(), 1u);
  ASSERT_EQ(changes[0].nodes_size(), 1);
  EXPECT_FALSE(changes[0].nodes(0).alive());
  EXPECT_EQ(changes[0].nodes(0).death_reason(), "it left the cluster");
}

TEST_F(NodeTableTest, ANodeWhoseLeaseEndsIsDeadAndLosesItsConnection) {
  AddNode(1);
  AddNode(2);
  for (int i = 0; i < 7; ++i) {
    Report(2, 4);
    loop_.Advance(1s);
  }
  const pb::Status status = cluster_->Overview();
  ASSERT_EQ(status.nodes_size(), 2);
  EXPECT_TRUE(status.nodes(0).alive());
  EXPECT_FALSE(status.nodes(1).alive());
  EXPECT_EQ(status.nodes(1).death_reason(), "no report for 6000 ms");
  EXPECT_EQ(sender_.disconnected.at(Node(1)).code(), StatusCode::kFailedPrecondition);
  pb::NodeToHead late;
  late.mutable_report();
  EXPECT_EQ(cluster_->OnMessage(Node(1), late).code(), StatusCode::kFailedPrecondition);
}

// A clock that jumps while nothing runs: the head itself was stopped, or the machine slept.
class StalledLoop : public ManualEventLoop {
 public:
  MonotonicTime Now() const override { return ManualEventLoop::Now() + stalled; }
  MonotonicTime stalled{0};
};

TEST_F(NodeTableTest, DoesNotBlameNodesForTheTimeTheHeadItselfStoodStill) {
  StalledLoop loop;
  Commits commits(loop, registry_);
  Environment environment{
      loop, commits, sender_, sender_, [] { return 0.0; }, [] { return std::int64_t{0}; }, [] { return JobId{1}; }};
  ClusterView view;
  int deaths = 0;
  NodeTable nodes(environment, ClusterId{1, 1}, {}, view, [&deaths](const NodeId&, const std::string&) { ++deaths; });
  ASSERT_TRUE(nodes.Join(Hello(1)).ok());
  loop.stalled = std::chrono::seconds(60);
  loop.Advance(1s);
  EXPECT_EQ(deaths, 0);
  loop.Advance(11s);
  EXPECT_EQ(deaths, 1);
}

TEST_F(NodeTableTest, BroadcastsChangesTogetherAndNotTooOften) {
  AddNode(1);
  AddNode(2);
  loop_.Advance(1s);
  TakeNodeChanges(1);
  pb::NodeToHead message;
  for (int i = 0; i < 50; ++i) {
    for (std::uint64_t node : {1, 2}) {
      *message.mutable_report()->mutable_available() = Units(i % 4 + 0.5);
      Deliver(node, message);
    }
    loop_.Advance(2ms);
  }
  loop_.Advance(20ms);
  const auto changes = TakeNodeChanges(1);
  EXPECT_GE(changes.size(), 4u);
  EXPECT_LE(changes.size(), 7u) << "100 ms, at most one each 20 ms";
  EXPECT_EQ(changes[2].loads_size(), 2);
}

TEST_F(NodeTableTest, TellsOfALoadOnlyWhatChanged) {
  AddNode(1);
  AddNode(2);
  const auto report = [&](const std::map<std::string, std::int64_t>& free) {
    pb::NodeToHead message;
    message.mutable_report()->mutable_available()->mutable_units()->insert(free.begin(), free.end());
    Deliver(1, message);
    Settle();
    const auto told = TakeNodeChanges(2);
    EXPECT_EQ(told.size(), 1U);
    std::map<std::string, std::int64_t> changed;
    if (told.empty() || told[0].loads_size() != 1) return changed;
    return std::map(told[0].loads(0).available().begin(), told[0].loads(0).available().end());
  };
  Settle();
  TakeNodeChanges(2);
  using Changed = std::map<std::string, std::int64_t>;
  EXPECT_EQ(report({{"CPU", 40'000}, {"disk", 7}}), (Changed{{"disk", 7}})) << "the CPUs were free from the start";
  EXPECT_EQ(report({{"CPU", 10'000}, {"disk", 7}}), (Changed{{"CPU", 10'000}}));
  EXPECT_EQ(report({{"CPU", 20'000}}), (Changed{{"CPU", 20'000}, {"disk", 0}}));
  AddNode(1);  // it came back: whole
  Settle();
  ASSERT_EQ(TakeNodeChanges(2).at(0).nodes_size(), 1);
  EXPECT_EQ(report({{"CPU", 30'000}}), (Changed{{"CPU", 30'000}}));
}

TEST_F(NodeTableTest, WhatANodeIsToldInASecondDoesNotGrowWithTheCluster) {
  const auto bytes_told = [this](std::uint64_t nodes) {
    for (std::uint64_t node = 1; node <= nodes; ++node) AddNode(node);
    Settle();
    TakeNodeChanges(1);
    pb::NodeToHead message;
    for (int i = 0; i < 400; ++i) {
      for (std::uint64_t node = 1; node <= nodes; ++node) {
        *message.mutable_report()->mutable_available() = Units(i % 4 + 0.5);
        Deliver(node, message);
      }
      loop_.Advance(10ms);
    }
    std::size_t bytes = 0;
    for (const pb::NodesChanged& told : TakeNodeChanges(1)) bytes += told.ByteSizeLong();
    return bytes;
  };
  const std::size_t few = bytes_told(20);
  const std::size_t many = bytes_told(40);
  EXPECT_GT(few, 0U);
  EXPECT_LE(many, few + few / 10);
}

TEST_F(NodeTableTest, ADeathIsToldAtOnceInALargeClusterToo) {
  for (std::uint64_t node = 1; node < 100; ++node) AddNode(node);
  const NodeTable::Joined last = AddNode(100);
  loop_.Advance(1s);
  Report(2, 3);  // the next load waits for 200 ms
  Report(2, 2);
  TakeNodeChanges(1);
  Leave(last);
  const auto told = TakeNodeChanges(1);
  ASSERT_EQ(told.size(), 1U);
  ASSERT_EQ(told[0].nodes_size(), 1);
  EXPECT_FALSE(told[0].nodes(0).alive());
  EXPECT_EQ(told[0].loads_size(), 0);
}

TEST_F(NodeTableTest, AReportThatChangesNothingIsNoNews) {
  AddNode(1);
  AddNode(2);
  Report(1, 3);
  TakeNodeChanges(2);
  Report(1, 3);
  EXPECT_TRUE(TakeNodeChanges(2).empty());
  Report(1, 2);
  ASSERT_EQ(TakeNodeChanges(2).size(), 1u);
}

TEST_F(NodeTableTest, AnImpossibleReportChangesNothingButRenewsTheLease) {
  AddNode(1);
  loop_.Advance(5s);
  pb::NodeToHead message;
  (*message.mutable_report()->mutable_available()->mutable_units())["CPU"] = INT64_MIN;
  Deliver(1, message);
  loop_.Advance(5s);
  EXPECT_TRUE(cluster_->Overview().nodes(0).alive());
  EXPECT_EQ(cluster_->Overview().nodes(0).available().units().at("CPU"), 40'000);
}

TEST_F(NodeTableTest, AcknowledgesReportsSoonButNotEachOne) {
  AddNode(1);
  const auto acknowledged = [this] {
    return Take(1, [](const pb::HeadToNode& m) { return m.has_acknowledged() ? &m.acknowledged() : nullptr; });
  };
  loop_.Advance(1s);
  for (std::uint64_t version = 1; version <= 50; ++version) {
    pb::NodeToHead message;
    *message.mutable_report()->mutable_available() = Units(4);
    message.mutable_report()->set_version(version);
    Deliver(1, message);
    loop_.Advance(10ms);
  }
  const auto acks = acknowledged();
  ASSERT_EQ(acks.size(), 2u);
  EXPECT_EQ(acks[0].report(), 1u);
  EXPECT_EQ(acks[1].report(), 26u);
}

// Its actors may run on where the head does not see it, until the node has ended them itself.
TEST_F(NodeTableTest, ALostConnectionIsNoDeathBeforeTheLeaseAndItsMarginAreOver) {
  const NodeTable::Joined one = AddNode(1);
  loop_.Advance(1s);
  Report(1, 4);
  Lose(one);
  loop_.Advance(5'700ms);
  EXPECT_TRUE(cluster_->Overview().nodes(0).alive());
  loop_.Advance(500ms);
  EXPECT_FALSE(cluster_->Overview().nodes(0).alive());
  EXPECT_THAT(cluster_->Overview().nodes(0).death_reason(), HasSubstr("connection was lost"));
}

TEST_F(NodeTableTest, AnEventThatIsSentAgainIsTakenOnce) {
  const NodeTable::Joined one = AddNode(1);
  const pb::JobInfo job = StartJob();
  pb::ActorSpec spec = Spec(1, job);
  spec.set_max_restarts(-1);
  Register(spec);
  Started(1, 1);
  pb::NodeToHead died;
  died.set_event(1);
  died.mutable_actor_process_died()->set_id(ActorNumber(1).Bytes());
  died.mutable_actor_process_died()->set_incarnation(1);
  pb::NodeToHead gone;
  gone.set_event(2);
  gone.mutable_worker_update()->set_gone(true);
  gone.mutable_worker_update()->mutable_worker()->set_id(55);
  Deliver(1, died);
  Deliver(1, gone);
  Lose(one);
  AddNode(1);
  Deliver(1, died);  // its acknowledgement had not arrived
  Deliver(1, gone);
  EXPECT_EQ(Info(1).restarts(), 1u);
  loop_.Advance(1s);
  Report(1, 4);
  const auto acks = Take(1, [](const pb::HeadToNode& m) { return m.has_acknowledged() ? &m.acknowledged() : nullptr; });
  ASSERT_FALSE(acks.empty());
  EXPECT_EQ(acks.back().event(), 2u);
}

TEST_F(NodeTableTest, ManyEventsAreAcknowledgedBeforeTheNextReport) {
  AddNode(1);
  for (std::uint64_t number = 1; number <= 150; ++number) {
    pb::NodeToHead gone;
    gone.set_event(number);
    gone.mutable_worker_update()->set_gone(true);
    gone.mutable_worker_update()->mutable_worker()->set_id(number);
    Deliver(1, gone);
  }
  const auto acks = Take(1, [](const pb::HeadToNode& m) { return m.has_acknowledged() ? &m.acknowledged() : nullptr; });
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].event(), 100u);
}

TEST_F(NodeTableTest, ASecondHelloOnAStreamIsAMistake) {
  AddNode(1);
  pb::NodeToHead message;
  *message.mutable_hello() = Hello(1);
  EXPECT_EQ(cluster_->OnMessage(Node(1), message).code(), StatusCode::kInvalidArgument);
}

// --- ClusterView.

ResourceSet Cpus(double amount) { return ResourceSet::FromAmounts({{"CPU", amount}}).value(); }

class ClusterViewTest : public testing::Test {
 protected:
  ClusterViewTest() { view_.Join(Node(1), Cpus(8), {}); }
  double Free() { return view_.nodes()[0].available.Amount("CPU"); }

  ClusterView view_;
};

TEST_F(ClusterViewTest, DeductsWhatWasPlacedUntilAReportShowsIt) {
  view_.Placed(Node(1), ActorNumber(1), Cpus(2), 0, 0ms);
  EXPECT_EQ(Free(), 6);
  view_.Report(Node(1), Cpus(8), 0, 5ms);
  EXPECT_EQ(Free(), 6) << "this report was on its way already";
  view_.Report(Node(1), Cpus(6), 0, 10ms);
  EXPECT_EQ(Free(), 6) << "now the raylet holds it, and it counts once";
}

TEST_F(ClusterViewTest, EachFallPaysForOneActor) {
  view_.Placed(Node(1), ActorNumber(1), Cpus(2), 0, 0ms);
  view_.Placed(Node(1), ActorNumber(2), Cpus(2), 0, 0ms);
  view_.Report(Node(1), Cpus(6), 0, 5ms);
  EXPECT_EQ(Free(), 4);
  view_.Report(Node(1), Cpus(4), 0, 10ms);
  EXPECT_EQ(Free(), 4);
}

TEST_F(ClusterViewTest, TrustsTheFirstReportAfterTheStart) {
  view_.Placed(Node(1), ActorNumber(1), Cpus(2), 0, 0ms);
  view_.Started(ActorNumber(1));
  view_.Report(Node(1), Cpus(8), 0, 5ms);  // a lease that ended gave as much back
  EXPECT_EQ(Free(), 8);
}

TEST_F(ClusterViewTest, TrustsReportsOnceEnoughTimeHasPassed) {
  view_.Placed(Node(1), ActorNumber(1), Cpus(2), 0, 0ms);
  view_.Report(Node(1), Cpus(8), 0, ClusterView::kSettle);
  EXPECT_EQ(Free(), 8);
}

TEST_F(ClusterViewTest, ForgetsWhatEndedOrWhoseNodeWent) {
  view_.Placed(Node(1), ActorNumber(1), Cpus(2), 0, 0ms);
  view_.Ended(ActorNumber(1));
  EXPECT_EQ(Free(), 8);
  view_.Placed(Node(1), ActorNumber(2), Cpus(2), 0, 0ms);
  view_.Remove(Node(1));
  view_.Ended(ActorNumber(2));
  view_.Started(ActorNumber(2));
  EXPECT_TRUE(view_.nodes().empty());
}

TEST_F(ClusterViewTest, CountsActorsWithoutCpusForPlacementInTheSameWay) {
  view_.Placed(Node(1), ActorNumber(1), {}, ResourceSet::kUnit, 0ms);
  EXPECT_EQ(view_.nodes()[0].placement_cpu_units, ResourceSet::kUnit);
  view_.Report(Node(1), Cpus(8), ResourceSet::kUnit, 5ms);
  EXPECT_EQ(view_.nodes()[0].placement_cpu_units, ResourceSet::kUnit);
}

TEST_F(ClusterViewTest, KeepsNodesInTheOrderOfTheirIds) {
  view_.Join(Node(3), Cpus(1), {});
  view_.Join(Node(2), Cpus(1), {{"zone", "eu"}});
  ASSERT_EQ(view_.nodes().size(), 3u);
  EXPECT_EQ(view_.nodes()[1].id, Node(2));
  EXPECT_EQ(view_.nodes()[1].labels.at("zone"), "eu");
  view_.SetDraining(Node(2), true);
  EXPECT_TRUE(view_.nodes()[1].draining);
  EXPECT_EQ(view_.reports(Node(9)), std::nullopt);
}

}  // namespace
}  // namespace troupe::head
