// Raylets and clients that say what no honest one would.
#include <limits>

#include "tests/unit/head/cluster_fixture.h"

namespace troupe::head {
namespace {

using testing::HasSubstr;

class HostileMessagesTest : public ClusterTest {
 protected:
  pb::NodeInfo OnlyNode() { return cluster_->Overview().nodes(0); }
  void ReportPlacement(std::int64_t units) {
    pb::NodeToHead message;
    *message.mutable_report()->mutable_available() = Units(4);
    message.mutable_report()->set_version(++version_);
    message.mutable_report()->set_placement_cpu_units(units);
    Deliver(1, message);
    Settle();
  }
};

TEST_F(HostileMessagesTest, IgnoresAReportThatWouldOverflowWhatNodesAreComparedBy) {
  AddNode(1);
  ReportPlacement(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(OnlyNode().placement_cpu_units(), 0);
  ReportPlacement(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(OnlyNode().placement_cpu_units(), 0);
  ReportPlacement(20'000);
  EXPECT_EQ(OnlyNode().placement_cpu_units(), 20'000);
}

TEST_F(HostileMessagesTest, RefusesAnActorThatCountsForMoreThanAnyMachine) {
  AddNode(1);
  const pb::JobInfo job = StartJob();
  pb::ActorSpec spec = Spec(1, job, 0);
  (*spec.mutable_placement_resources()->mutable_units())[kCpu] = 1'000'000'000'000'000'000;
  const auto reply = TryRegister(spec);
  ASSERT_FALSE(reply.ok());
  EXPECT_THAT(reply.status().message(), HasSubstr("'CPU'"));
  (*spec.mutable_placement_resources()->mutable_units())[kCpu] = ResourceSet::kUnit;
  EXPECT_TRUE(TryRegister(spec).ok());
}

TEST_F(HostileMessagesTest, ARunningActorThatIsSaidNotToHaveStartedIsLost) {
  AddNode(1);
  pb::ActorSpec spec = Spec(1, StartJob());
  spec.set_max_restarts(1);
  Register(spec);
  Started(1, 1);
  ASSERT_EQ(State(1), pb::ALIVE);
  StartFailed(1, 1, pb::ActorStartFailed::NO_ROOM);
  EXPECT_EQ(State(1), pb::RESTARTING);
  EXPECT_FALSE(Info(1).has_address());
  EXPECT_EQ(Info(1).restarts(), 1U);
}

TEST_F(HostileMessagesTest, AnActorRunsInNoProcessThatBearsNoId) {
  AddNode(1);
  Register(Spec(1, StartJob()));
  pb::NodeToHead message;
  message.mutable_actor_started()->set_id(Info(1).id());
  message.mutable_actor_started()->set_incarnation(1);
  Deliver(1, message);
  Settle();
  EXPECT_EQ(State(1), pb::STARTING);
  Started(1, 1);
  EXPECT_EQ(State(1), pb::ALIVE);
}

TEST_F(HostileMessagesTest, ACommandLineCutInsideACharacterCanStillBeRead) {
  AddNode(1);
  pb::SubmitJobRequest request;
  request.set_submission("job-1");
  std::string accents = "x";
  for (int i = 0; i < 400; ++i) accents += "\xc3\xa9";
  request.add_argv(accents);
  cluster_->jobs().Submit(request, [](Result<pb::JobInfo> job) { EXPECT_TRUE(job.ok()); });
  for (const pb::HeadToNode& message : sender_.sent[Node(1)]) {
    EXPECT_TRUE(pb::HeadToNode().ParseFromString(message.SerializeAsString())) << message.body_case();
  }
}

TEST_F(HostileMessagesTest, IdsOfAWrongLengthNameNothing) {
  AddNode(1);
  const pb::JobInfo job = StartJob();
  Register(Spec(1, job));
  for (const std::string& id : {std::string("x"), std::string(15, 'x'), std::string(17, 'x'), std::string(16, '\0')}) {
    pb::ActorSpec spec = Spec(2, job);
    spec.set_id(id);
    EXPECT_EQ(TryRegister(spec).status().code(), StatusCode::kInvalidArgument);
    pb::FindActor find;
    find.set_id(id);
    EXPECT_EQ(cluster_->actors().Find(find).status().code(), StatusCode::kInvalidArgument);
    pb::NodeHello hello = Hello(2);
    hello.set_node(id);
    EXPECT_EQ(cluster_->Join(hello).status().code(), StatusCode::kInvalidArgument);
    pb::NodeToHead message;
    message.mutable_actor_started()->set_id(id);
    message.mutable_actor_started()->set_incarnation(1);
    Deliver(1, message);
    message.mutable_watch_actor()->set_id(id);
    Deliver(1, message);
    message.mutable_actor_process_died()->set_id(id);
    Deliver(1, message);
  }
  EXPECT_EQ(State(1), pb::STARTING);
  EXPECT_EQ(cluster_->Overview().nodes_size(), 1);
}

TEST_F(HostileMessagesTest, AnotherNodesWordAboutAnActorChangesNothing) {
  AddNode(1);
  AddNode(2, 0);
  Register(Spec(1, StartJob()));
  Started(2, 1);
  EXPECT_EQ(State(1), pb::STARTING);
  EXPECT_EQ(TakeStops(2).size(), 1U);  // what it has is nobody's
  Started(1, 1);
  ProcessDied(2, 1, 1);
  StartFailed(2, 1, pb::ActorStartFailed::WORKER_DIED);
  EXPECT_EQ(State(1), pb::ALIVE);
  ProcessDied(1, 1, 7);
  EXPECT_EQ(State(1), pb::ALIVE);
}

}  // namespace
}  // namespace troupe::head
