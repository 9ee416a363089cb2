// A head that starts with the rows of an earlier one goes on where that one was.
#include <optional>
#include <utility>

#include "tests/unit/head/cluster_fixture.h"

namespace troupe::head {
namespace {

using testing::HasSubstr;

class RestartTest : public ClusterTest {
 protected:
  RestartTest() {
    AddNode(1);
    job_ = StartJob();
  }
  pb::ActorSpec Restartable(std::uint64_t number, std::int64_t restarts = -1) {
    pb::ActorSpec spec = Spec(number, job_);
    spec.set_max_restarts(restarts);
    return spec;
  }
  static void List(pb::NodeHello* hello, std::uint64_t number, std::uint64_t incarnation = 1) {
    pb::ActorStarted& running = *hello->add_actors();
    running.set_id(ActorNumber(number).Bytes());
    running.set_incarnation(incarnation);
    *running.mutable_address() = ToProto({*NodeId::FromBytes(hello->node()), ProcessId{1000 + number}});
  }

  pb::JobInfo job_;
};

TEST_F(RestartTest, ARunningActorKeepsItsNameItsProcessAndItsBudget) {
  pb::ActorSpec spec = Restartable(1, 3);
  spec.set_name("n");
  Register(spec);
  Started(1, 1);
  ProcessDied(1, 1, 1);
  loop_.Advance(100ms);
  Started(1, 1, 2);
  const pb::ActorInfo before = Info(1);
  RestartHead();
  pb::FindActor find;
  find.set_name("n");
  find.set_name_space("ns");
  const auto found = cluster_->actors().Find(find);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->state(), pb::ALIVE);
  EXPECT_EQ(found->incarnation(), 2u);
  EXPECT_EQ(found->restarts(), 1u);
  EXPECT_EQ(TryRegister(spec)->info().id(), spec.id()) << "the same request";
  pb::ActorSpec other = Spec(2, job_);
  other.set_name("n");
  EXPECT_EQ(TryRegister(other).status().code(), StatusCode::kAlreadyExists);
  pb::NodeHello hello = Hello(1);
  List(&hello, 1, 2);
  Join(hello);
  Watch(1, 1);
  Report(1, 3);
  EXPECT_TRUE(TakeStarts(1).empty());
  const auto updates = TakeUpdates(1);
  ASSERT_FALSE(updates.empty());
  EXPECT_EQ(updates.back().address().process(), before.address().process());
  EXPECT_EQ(updates.back().epoch(), before.epoch() + 1);
  EXPECT_GE(updates.back().version(), before.version());
  ProcessDied(1, 1, 2);
  EXPECT_EQ(Info(1).restarts(), 2u);
  loop_.Advance(150ms);
  EXPECT_TRUE(TakeStarts(1).empty()) << "it failed for the second time in a row";
  loop_.Advance(50ms);
  EXPECT_EQ(TakeStarts(1).size(), 1u);
}

TEST_F(RestartTest, WhatWasBeingStartedIsStartedOnce) {
  Register(Restartable(1));
  Register(Restartable(2));
  RestartHead();
  pb::NodeHello hello = Hello(1);
  pb::ActorStarting& starting = *hello.add_starting();
  starting.set_id(ActorNumber(1).Bytes());
  starting.set_incarnation(1);
  Join(hello);
  Report(1, 2);
  const auto starts = TakeStarts(1);
  ASSERT_EQ(starts.size(), 1u) << "the order for the other was lost";
  EXPECT_EQ(starts[0].spec().id(), ActorNumber(2).Bytes());
  EXPECT_EQ(starts[0].incarnation(), 1u);
  EXPECT_EQ(starts[0].spec().arguments(), "arguments");
}

TEST_F(RestartTest, ANodeThatDoesNotComeBackIsDeadAfterItsLease) {
  pb::ActorSpec spec = Restartable(1, 1);
  spec.set_detached(true);
  Register(spec);
  Started(1, 1);
  RestartHead();
  AddNode(2);
  Pass(5'500ms, {2});
  EXPECT_EQ(State(1), pb::ALIVE);
  EXPECT_TRUE(TakeStarts(2).empty());
  Pass(500ms, {2});
  loop_.Advance(100ms);
  const auto starts = TakeStarts(2);
  ASSERT_EQ(starts.size(), 1u);
  EXPECT_EQ(starts[0].incarnation(), 2u);
  RestartHead();
  EXPECT_EQ(cluster_->Join(Hello(1)).status().code(), StatusCode::kFailedPrecondition) << "the dead stay dead";
  AddNode(2);
  Report(2, 4);
  EXPECT_EQ(TakeStarts(2)[0].incarnation(), 2u);
  StartFailed(2, 1, pb::ActorStartFailed::WORKER_DIED, 2);
  EXPECT_EQ(State(1), pb::DEAD) << "its budget is used";
}

TEST_F(RestartTest, NothingIsPlacedOnANodeBeforeItSaysWhatIsFree) {
  RestartHead();
  AddNode(1);
  Register(Restartable(1));
  EXPECT_EQ(State(1), pb::PENDING);
  Report(1, 4);
  EXPECT_EQ(State(1), pb::STARTING);
}

TEST_F(RestartTest, WhatWaitedForANodeIsPlacedAndWhatRestedRestsAgain) {
  Register(Spec(1, job_, 64));
  Register(Restartable(2));
  Started(1, 2);
  ProcessDied(1, 2, 1);
  RestartHead();
  AddNode(1);
  Report(1, 4);
  AddNode(2, 64);
  EXPECT_EQ(TakeStarts(2).size(), 1u);
  loop_.Advance(100ms);
  const auto starts = TakeStarts(1);
  ASSERT_EQ(starts.size(), 1u);
  EXPECT_EQ(starts[0].incarnation(), 2u);
}

TEST_F(RestartTest, WhatWasToEndIsToldSoAgain) {
  for (const std::uint64_t number : {1, 2, 3}) {
    Register(Restartable(number));
    Started(1, number);
  }
  BeginKill(1);
  BeginKill(2, false);
  cluster_->actors().Release(ActorNumber(3));
  loop_.RunPosted();
  RestartHead();
  pb::NodeHello hello = Hello(1);
  for (const std::uint64_t number : {1, 2, 3}) List(&hello, number);
  Join(hello);
  EXPECT_FALSE(TakeStops(1).empty());
  ProcessDied(1, 1, 1);
  ProcessDied(1, 2, 1, true);
  ProcessDied(1, 3, 1, true);
  EXPECT_EQ(State(1), pb::DEAD);
  EXPECT_EQ(State(2), pb::RESTARTING) << "it was killed to start again";
  EXPECT_EQ(State(3), pb::DEAD);
  RestartHead();
  EXPECT_EQ(State(1), pb::DEAD);
  EXPECT_THAT(Info(1).death().message(), HasSubstr("killed"));
}

TEST_F(RestartTest, ADetachedActorGoesOnWithAJobThatHasEnded) {
  pb::ActorSpec spec = Restartable(1);
  spec.set_detached(true);
  Register(spec);
  Started(1, 1);
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job_.id()}, "").ok());
  loop_.RunPosted();
  RestartHead();
  pb::NodeHello hello = Hello(1);
  List(&hello, 1);
  Join(hello);
  const auto told = TakeJobs(1);
  ASSERT_EQ(told.size(), 1u) << "the raylet may have missed it";
  EXPECT_EQ(told[0].state(), pb::JobInfo::SUCCEEDED);
  EXPECT_TRUE(told[0].in_use());
  ProcessDied(1, 1, 1, true);
  const auto over = TakeJobs(1);
  ASSERT_EQ(over.size(), 1u);
  EXPECT_FALSE(over[0].in_use());
}

TEST_F(RestartTest, SubmissionsAreKnownAndRunOnce) {
  RestartHead();
  pb::SubmitJobRequest submit;
  submit.set_submission("job-1");
  submit.add_argv("prog");
  (*submit.mutable_environment())["A"] = "1";
  const auto submitted = [&] {
    std::optional<Result<pb::JobInfo>> job;
    cluster_->jobs().Submit(submit, [&job](Result<pb::JobInfo> info) { job = std::move(info); });
    loop_.RunPosted();
    return job->value();
  };
  const auto runs = [this](std::uint64_t node) {
    return Take(node, [](const pb::HeadToNode& m) { return m.has_run_driver() ? &m.run_driver() : nullptr; });
  };
  const std::uint64_t id = submitted().id();
  RestartHead();
  EXPECT_EQ(submitted().id(), id);
  AddNode(2);
  auto run = runs(2);
  ASSERT_EQ(run.size(), 1u);
  EXPECT_EQ(run[0].environment().at("A"), "1");
  pb::NodeToHead update;
  update.mutable_driver_update()->set_submission("job-1");
  Deliver(2, update);
  RestartHead();
  AddNode(2);
  EXPECT_TRUE(runs(2).empty()) << "it runs there";
  update.mutable_driver_update()->set_ended(true);
  Deliver(2, update);
  RestartHead();
  EXPECT_EQ(submitted().state(), pb::JobInfo::SUCCEEDED);
}

TEST_F(RestartTest, ADriverThatEndedWithoutAWordHasFailed) {
  ProcessGone(1, 9);
  RestartHead();
  EXPECT_EQ(cluster_->jobs().Find(JobId{job_.id()})->state(), pb::JobInfo::RUNNING) << "its word may be on its way";
  loop_.Advance(1s);
  EXPECT_EQ(cluster_->jobs().Find(JobId{job_.id()})->state(), pb::JobInfo::FAILED);
}

TEST_F(RestartTest, RowsThatMakeNoSenseAreNamed) {
  Register(Restartable(1));
  loop_.RunPosted();
  const Rows good = registry_.rows();
  const auto restore = [this](const Rows& rows) {
    MakeCluster();
    return cluster_->Restore(rows);
  };
  EXPECT_TRUE(restore(good).ok());
  Rows rows = good;
  rows.erase({Table::kActorSpecs, ActorNumber(1).Bytes()});
  Status status = restore(rows);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr(ActorNumber(1).Hex()));
  for (const Table table : {Table::kNodes, Table::kJobs, Table::kActors}) {
    rows = good;
    rows.lower_bound({table, ""})->second = "\xff";
    EXPECT_EQ(restore(rows).code(), StatusCode::kDataLoss);
  }
  cluster_.reset();
}

}  // namespace
}  // namespace troupe::head
