#include "raylet/workers/actor_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes.h"
#include "raylet/convert.h"

namespace troupe::raylet {
namespace {

using ::testing::HasSubstr;

class ActorHostTest : public ::testing::Test {
 protected:
  ActorHostTest() {
    for (std::uint64_t id = 1001; id < 1010; ++id) clients_.connected.insert(ProcessId{id});
  }

  void Start(std::uint64_t incarnation = 1, double gpus = 1) {
    pb::StartActor start;
    start.mutable_spec()->set_id(id_.Bytes());
    start.mutable_spec()->set_job(1);
    start.mutable_spec()->set_class_name("Counter");
    *start.mutable_spec()->mutable_resources() = ToPb(Amounts({{"GPU", gpus}}));
    *start.mutable_spec()->mutable_placement_resources() = ToPb(Amounts({{"CPU", 1}}));
    start.set_incarnation(incarnation);
    start.mutable_job()->set_id(1);
    host_.Start(start);
  }
  Status Construct(ProcessId worker, std::uint64_t incarnation = 1, const char* error = nullptr) {
    pb::ActorConstructed constructed;
    constructed.set_id(id_.Bytes());
    constructed.set_incarnation(incarnation);
    if (error != nullptr) constructed.mutable_error()->set_message(error);
    return host_.OnConstructed(worker, constructed);
  }
  ProcessId Run() {
    Start();
    const ProcessId worker = workers_.Start();
    EXPECT_TRUE(Construct(worker).ok());
    return worker;
  }
  void Stop(bool graceful, std::uint64_t incarnation = 1) {
    pb::StopActor stop;
    stop.set_id(id_.Bytes());
    stop.set_incarnation(incarnation);
    stop.set_graceful(graceful);
    stop.set_reason("killed by somebody");
    host_.Stop(stop);
  }
  const pb::NodeToHead& Last() { return head_.events.back(); }

  const NodeId self_{0, 1};
  const ActorId id_{5, 6};
  FakeClients clients_;
  FakeWorkers workers_;
  FakeHead head_;
  LocalResources resources_{Amounts({{"CPU", 2}, {"GPU", 2}})};
  ActorHost host_{self_, resources_, workers_, clients_, head_, [] {}};
};

TEST_F(ActorHostTest, StartsAnActorAndSaysWhereItRuns) {
  Start(2);
  const ProcessId worker = workers_.Start();
  const auto assigned = clients_.Of(worker, pb::RayletToClient::kAssignActor);
  ASSERT_EQ(assigned.size(), 1U);
  EXPECT_TRUE(assigned[0].assign_actor().was_restarted());
  EXPECT_EQ(assigned[0].assign_actor().gpus_size(), 1);
  EXPECT_TRUE(head_.events.empty()) << "its constructor has not returned";
  ASSERT_EQ(host_.Starting().size(), 1U);
  EXPECT_EQ(host_.Starting()[0].id(), id_.Bytes());
  EXPECT_EQ(host_.Starting()[0].incarnation(), 2U);
  EXPECT_FALSE(host_.StartedIn(worker));
  ASSERT_TRUE(Construct(worker, 2).ok());
  ASSERT_TRUE(host_.StartedIn(worker));
  EXPECT_EQ(host_.StartedIn(worker)->address().process(), worker.value);
  EXPECT_FALSE(host_.StartedIn(ProcessId{77}));
  EXPECT_EQ(Last().actor_started().address().process(), worker.value);
  EXPECT_EQ(Last().actor_started().incarnation(), 2U);
  EXPECT_EQ(host_.Running().size(), 1U);
  EXPECT_TRUE(host_.Starting().empty());
  EXPECT_EQ(host_.PlacementCpuUnits(), ResourceSet::kUnit);
}

TEST_F(ActorHostTest, RefusesResourcesForThePlacementThatAreLessThanNone) {
  pb::StartActor start;
  start.mutable_spec()->set_id(ActorId{1, 2}.Bytes());
  (*start.mutable_spec()->mutable_placement_resources()->mutable_units())[kCpu] = -ResourceSet::kUnit;
  host_.Start(start);
  EXPECT_EQ(Last().actor_start_failed().error().kind(), pb::Error::UNSCHEDULABLE);
  EXPECT_EQ(host_.PlacementCpuUnits(), 0);
}

TEST_F(ActorHostTest, AnswersNoRoomWhenTheResourcesWereTakenMeanwhile) {
  Start(1, 2);
  pb::StartActor other;
  other.mutable_spec()->set_id(ActorId{5, 7}.Bytes());
  *other.mutable_spec()->mutable_resources() = ToPb(Amounts({{"GPU", 1}}));
  host_.Start(other);
  EXPECT_EQ(Last().actor_start_failed().reason(), pb::ActorStartFailed::NO_ROOM);
  EXPECT_THAT(Last().actor_start_failed().error().message(), HasSubstr("GPU: 1"));
}

TEST_F(ActorHostTest, AnActorThatWaitsLendsItsCpus) {
  pb::StartActor start;
  start.mutable_spec()->set_id(id_.Bytes());
  *start.mutable_spec()->mutable_resources() = ToPb(Amounts({{"CPU", 2}, {"GPU", 1}}));
  start.set_incarnation(1);
  host_.Start(start);
  const ProcessId worker = workers_.Start();
  host_.SetBlocked(worker, true);
  EXPECT_EQ(resources_.available(), Amounts({{"CPU", 2}, {"GPU", 1}}));
  host_.SetBlocked(worker, false);
  EXPECT_EQ(resources_.available(), Amounts({{"GPU", 1}}));
  host_.SetBlocked(worker, true);
  host_.OnWorkerExit(worker, "killed by signal 9 (SIGKILL)");
  EXPECT_EQ(resources_.available(), resources_.total());
  host_.SetBlocked(worker, false);  // a word of the dead
  EXPECT_EQ(resources_.available(), resources_.total());
}

TEST_F(ActorHostTest, AConstructorThatThrowsIsFinalAndItsWorkerIsKilled) {
  Start();
  const ProcessId worker = workers_.Start();
  ASSERT_TRUE(Construct(worker, 1, "no such file").ok());
  EXPECT_EQ(Last().actor_start_failed().reason(), pb::ActorStartFailed::CONSTRUCTOR);
  EXPECT_EQ(Last().actor_start_failed().error().message(), "no such file");
  EXPECT_TRUE(workers_.Killed(worker));
  host_.OnWorkerExit(worker, "killed by signal 9 (SIGKILL)");
  EXPECT_EQ(head_.events.size(), 1U) << "one report per incarnation";
  EXPECT_EQ(resources_.available(), resources_.total());
}

TEST_F(ActorHostTest, AWorkerThatDiesInTheConstructorCountsAsAFailedStart) {
  Start();
  const ProcessId worker = workers_.Start();
  host_.OnWorkerExit(worker, "killed by signal 11 (SIGSEGV)");
  EXPECT_EQ(Last().actor_start_failed().reason(), pb::ActorStartFailed::WORKER_DIED);
  EXPECT_THAT(Last().actor_start_failed().error().message(), HasSubstr("SIGSEGV"));
}

TEST_F(ActorHostTest, AProgramThatCannotStartIsFinal) {
  Start();
  workers_.Fail(NotFound("no such program"));
  EXPECT_EQ(Last().actor_start_failed().reason(), pb::ActorStartFailed::PROGRAM);
  EXPECT_EQ(resources_.available(), resources_.total());
}

TEST_F(ActorHostTest, ADeathKeepsItsCauseAndIsNotIntended) {
  const ProcessId worker = Run();
  host_.OnWorkerExit(worker, "exited with status 1");
  EXPECT_EQ(Last().actor_process_died().error().message(), "exited with status 1");
  EXPECT_FALSE(Last().actor_process_died().intended());
  EXPECT_EQ(resources_.available(), resources_.total());
  EXPECT_EQ(host_.size(), 0U);
}

TEST_F(ActorHostTest, AnExitThatWasAnnouncedIsIntended) {
  const ProcessId worker = Run();
  pb::ExitIntent intent;
  intent.set_no_restart(true);
  intent.set_reason("ExitActor was called");
  host_.OnExitIntent(worker, intent);
  host_.OnWorkerExit(worker, "exited with status 0");
  EXPECT_TRUE(Last().actor_process_died().intended());
  EXPECT_THAT(Last().actor_process_died().error().message(), HasSubstr("ExitActor"));
}

TEST_F(ActorHostTest, AGracefulStopAsksAndAnotherKills) {
  const ProcessId worker = Run();
  Stop(true);
  EXPECT_EQ(clients_.Of(worker, pb::RayletToClient::kTerminateActor).size(), 1U);
  EXPECT_TRUE(workers_.killed.empty());
  Stop(false);
  EXPECT_TRUE(workers_.Killed(worker));
}

TEST_F(ActorHostTest, AKilledActorMayRestart) {
  const ProcessId worker = Run();
  Stop(false);
  host_.OnWorkerExit(worker, "killed by signal 9 (SIGKILL)");
  EXPECT_FALSE(Last().actor_process_died().intended());
  EXPECT_THAT(Last().actor_process_died().error().message(), HasSubstr("killed by somebody"));
}

TEST_F(ActorHostTest, AGracefulStopDuringTheConstructorWaitsForIt) {
  Start();
  const ProcessId worker = workers_.Start();
  Stop(true);
  EXPECT_TRUE(clients_.Of(worker, pb::RayletToClient::kTerminateActor).empty());
  ASSERT_TRUE(Construct(worker).ok());
  EXPECT_EQ(clients_.Of(worker, pb::RayletToClient::kTerminateActor).size(), 1U);
}

TEST_F(ActorHostTest, StoppingBeforeThereIsAWorkerEndsItAtOnce) {
  Start();
  Stop(false);
  EXPECT_TRUE(workers_.waiting.empty());
  EXPECT_TRUE(Last().actor_process_died().intended());
  EXPECT_EQ(resources_.available(), resources_.total());
}

TEST_F(ActorHostTest, StoppingWhatDoesNotRunHereSaysSo) {
  Stop(false, 4);
  EXPECT_EQ(Last().actor_process_died().incarnation(), 4U);
  EXPECT_TRUE(Last().actor_process_died().intended());
}

TEST_F(ActorHostTest, AnotherIncarnationIsLeftAlone) {
  const ProcessId worker = Run();
  Stop(false, 7);
  EXPECT_FALSE(workers_.Killed(worker));
  EXPECT_FALSE(Construct(worker, 7).ok());
  EXPECT_FALSE(Construct(ProcessId{3}).ok());
}

TEST_F(ActorHostTest, RepeatsItsAnswerWhenAskedToStartWhatRuns) {
  Run();
  Start();
  EXPECT_EQ(head_.events.size(), 2U);
  EXPECT_TRUE(Last().has_actor_started());
  EXPECT_TRUE(workers_.waiting.empty());
}

TEST_F(ActorHostTest, AnActorWhoseConstructorFailedCannotRunAfterAll) {
  Start();
  const ProcessId worker = workers_.Start();
  ASSERT_TRUE(Construct(worker, 1, "it threw").ok());
  EXPECT_FALSE(Construct(worker).ok());
  EXPECT_TRUE(Last().has_actor_start_failed());
  EXPECT_TRUE(host_.Running().empty());
  EXPECT_TRUE(host_.Starting().empty()) << "it was said to have failed";
}

}  // namespace
}  // namespace troupe::raylet
