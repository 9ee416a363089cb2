#include "tests/unit/head/cluster_fixture.h"

namespace troupe::head {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ActorLifeTest : public ClusterTest {
 protected:
  ActorLifeTest() {
    one_ = AddNode(1);
    job_ = StartJob();
  }
  // Registers actor `number` and brings it to ALIVE on node 1.
  void Run(pb::ActorSpec spec, std::uint64_t number) {
    Register(spec);
    EXPECT_EQ(TakeStarts(1).size(), 1u);
    Started(1, number);
    ASSERT_EQ(State(number), pb::ALIVE);
  }
  pb::ActorSpec Restartable(std::uint64_t number, int restarts) {
    pb::ActorSpec spec = Spec(number, job_);
    spec.set_max_restarts(restarts);
    return spec;
  }

  NodeTable::Joined one_;
  pb::JobInfo job_;
};

TEST_F(ActorLifeTest, DiesWithItsProcessWhenItMayNotRestart) {
  Run(Spec(1, job_), 1);
  ProcessDied(1, 1, 1);
  EXPECT_EQ(State(1), pb::DEAD);
  EXPECT_EQ(Info(1).death().message(), "killed by signal 9 (SIGKILL)");
  EXPECT_EQ(Info(1).death().kind(), pb::Error::ACTOR_DIED);
  EXPECT_EQ(Info(1).death().outcome(), pb::Error::UNKNOWN);
  EXPECT_FALSE(Info(1).has_address());
}

TEST_F(ActorLifeTest, RestartsAfterABackOffWithTheNextIncarnation) {
  Run(Restartable(1, 1), 1);
  ProcessDied(1, 1, 1);
  EXPECT_EQ(State(1), pb::RESTARTING);
  EXPECT_EQ(Info(1).restarts(), 1u);
  EXPECT_THAT(Info(1).death().message(), HasSubstr("SIGKILL"));
  loop_.Advance(99ms);
  EXPECT_TRUE(TakeStarts(1).empty());
  loop_.Advance(1ms);
  const auto starts = TakeStarts(1);
  ASSERT_EQ(starts.size(), 1u);
  EXPECT_EQ(starts[0].incarnation(), 2u);
  EXPECT_EQ(starts[0].spec().arguments(), "arguments");
  Started(1, 1, 2);
  EXPECT_EQ(State(1), pb::ALIVE);
  EXPECT_FALSE(Info(1).has_death());
  ProcessDied(1, 1, 2);
  EXPECT_EQ(State(1), pb::DEAD);
  EXPECT_THAT(Info(1).death().message(), HasSubstr("all 1 restarts are used"));
}

TEST_F(ActorLifeTest, BackOffDoublesToItsLimitAndBeginsAnewAfterARecovery) {
  Run(Restartable(1, -1), 1);
  std::uint64_t incarnation = 1;
  for (const auto expected : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 10'000ms, 10'000ms}) {
    ProcessDied(1, 1, incarnation++);
    Pass(expected - 1ms, {1}, 0);
    EXPECT_TRUE(TakeStarts(1).empty()) << expected.count();
    Report(1, 4);  // renews the lease, and takes 25 ms
    ASSERT_EQ(TakeStarts(1).size(), 1u) << expected.count();
    Started(1, 1, incarnation);
  }
  for (int i = 0; i < 12; ++i) {
    loop_.Advance(1s);
    Report(1, 3);
  }
  ProcessDied(1, 1, incarnation++);
  loop_.Advance(100ms);
  EXPECT_EQ(TakeStarts(1).size(), 1u);
}

TEST_F(ActorLifeTest, JitterTakesUpToHalfOfTheBackOff) {
  random_ = 0.999999;
  Run(Restartable(1, -1), 1);
  ProcessDied(1, 1, 1);
  loop_.Advance(49ms);
  EXPECT_TRUE(TakeStarts(1).empty());
  loop_.Advance(2ms);
  EXPECT_EQ(TakeStarts(1).size(), 1u);
}

TEST_F(ActorLifeTest, IntendedExitIsFinal) {
  Run(Restartable(1, -1), 1);
  ProcessDied(1, 1, 1, true);
  EXPECT_EQ(State(1), pb::DEAD);
}

TEST_F(ActorLifeTest, IgnoresStaleIncarnationsAndStopsTheirProcesses) {
  Run(Restartable(1, -1), 1);
  ProcessDied(1, 1, 1);
  loop_.Advance(100ms);
  ASSERT_EQ(TakeStarts(1).size(), 1u);
  ProcessDied(1, 1, 1);
  StartFailed(1, 1, pb::ActorStartFailed::CONSTRUCTOR, 1);
  EXPECT_EQ(State(1), pb::STARTING);
  EXPECT_EQ(Info(1).restarts(), 1u);
  Started(1, 1, 1);
  EXPECT_EQ(State(1), pb::STARTING);
  const auto stops = TakeStops(1);
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_EQ(stops[0].incarnation(), 1u);
  AddNode(2);
  Started(2, 1, 2);
  EXPECT_EQ(State(1), pb::STARTING) << "another node has no say";
  EXPECT_EQ(TakeStops(2).size(), 1u);
}

TEST_F(ActorLifeTest, StopsProcessesOfActorsItNeverHeardOf) {
  Started(1, 99);
  EXPECT_EQ(TakeStops(1).size(), 1u);
}

TEST_F(ActorLifeTest, ConstructorAndProgramFailuresAreFinal) {
  Register(Restartable(1, -1));
  StartFailed(1, 1, pb::ActorStartFailed::CONSTRUCTOR);
  EXPECT_EQ(State(1), pb::DEAD);
  EXPECT_EQ(Info(1).death().message(), "said the raylet");
  Register(Restartable(2, -1));
  StartFailed(1, 2, pb::ActorStartFailed::PROGRAM);
  EXPECT_EQ(State(2), pb::DEAD);
  EXPECT_EQ(Info(2).death().kind(), pb::Error::PROGRAM);
}

TEST_F(ActorLifeTest, ACrashLoopInTheConstructorEndsWithTheBudget) {
  Register(Restartable(1, 3));
  for (std::uint64_t incarnation = 1; incarnation <= 4; ++incarnation) {
    ASSERT_EQ(State(1), pb::STARTING);
    StartFailed(1, 1, pb::ActorStartFailed::WORKER_DIED, incarnation);
    loop_.Advance(1s);
    Report(1, 4);
  }
  EXPECT_EQ(State(1), pb::DEAD);
  EXPECT_EQ(Info(1).restarts(), 3u);
}

TEST_F(ActorLifeTest, NoRoomWaitsForTheNodesNextReport) {
  Register(Spec(1, job_));
  ASSERT_EQ(TakeStarts(1).size(), 1u);
  StartFailed(1, 1, pb::ActorStartFailed::NO_ROOM);
  EXPECT_EQ(State(1), pb::PENDING);
  EXPECT_THAT(Info(1).pending_reason(), HasSubstr("had no room"));
  Settle();
  EXPECT_TRUE(TakeStarts(1).empty());
  Report(1, 0);
  EXPECT_TRUE(TakeStarts(1).empty());
  EXPECT_THAT(Info(1).pending_reason(), HasSubstr("waits for CPU: 1"));
  Report(1, 1);
  const auto starts = TakeStarts(1);
  ASSERT_EQ(starts.size(), 1u);
  EXPECT_EQ(starts[0].incarnation(), 2u);
}

TEST_F(ActorLifeTest, ANodeThatCannotGetTheProgramNowIsPassedOverAndAskedAgainWhenNoOtherHasRoom) {
  AddNode(2);
  Register(Spec(1, job_, 3));
  ASSERT_EQ(TakeStarts(1).size(), 1u);
  StartFailed(1, 1, pb::ActorStartFailed::NOT_NOW);
  ASSERT_EQ(TakeStarts(2).size(), 1u) << "another node has room";
  StartFailed(2, 1, pb::ActorStartFailed::NOT_NOW, 2);
  EXPECT_EQ(State(1), pb::PENDING);
  EXPECT_THAT(Info(1).pending_reason(), AllOf(HasSubstr("cannot run it now"), HasSubstr("said the raylet")));
  EXPECT_FALSE(Info(1).infeasible());
  Report(1, 4);
  EXPECT_TRUE(TakeStarts(1).empty());
  loop_.Advance(2s);
  Report(1, 4);
  EXPECT_EQ(TakeStarts(1).size() + TakeStarts(2).size(), 1u);
  EXPECT_EQ(Info(1).incarnation(), 3u);
}

TEST_F(ActorLifeTest, AnActorWhoseProgramCannotBeSentRunsWhereTheProgramIs) {
  AddNode(2, 16);
  pb::RegisterJobRequest request;
  *request.mutable_driver() = ToProto({Node(1), ProcessId{77}});
  request.mutable_program()->set_path("/bin/large");
  request.mutable_program()->set_origin(Node(1).Bytes());
  const pb::JobInfo job = StartJob(request);
  pb::NodeToHead packaged;
  packaged.mutable_job_program_packaged()->set_job(job.id());
  packaged.mutable_job_program_packaged()->set_error("it is too large");
  Deliver(1, packaged);
  Register(Spec(1, job, 3));
  EXPECT_EQ(TakeStarts(1).size(), 1u);
  Register(Spec(2, job, 3));
  EXPECT_TRUE(TakeStarts(2).empty());
  EXPECT_THAT(Info(2).pending_reason(), AllOf(HasSubstr("waits for CPU"), HasSubstr("it is too large")));
  Register(Spec(3, job, 8));
  EXPECT_TRUE(Info(3).infeasible()) << "node 2 could hold it, but not run it";
}

TEST_F(ActorLifeTest, AnActorWhoseProgramDiedWithItsNodeBeforeItWasSentHasNoHope) {
  const NodeTable::Joined two = AddNode(2);
  pb::RegisterJobRequest request;
  *request.mutable_driver() = ToProto({Node(2), ProcessId{77}});
  request.mutable_program()->set_path("/bin/prog");
  request.mutable_program()->set_origin(Node(2).Bytes());
  const pb::JobInfo job = StartJob(request);
  pb::ActorSpec spec = Spec(1, job);
  spec.set_detached(true);
  spec.set_max_restarts(-1);
  Register(spec);
  ASSERT_EQ(TakeStarts(2).size(), 1u);
  Started(2, 1);
  Leave(two);
  loop_.Advance(200ms);
  EXPECT_EQ(State(1), pb::DEAD);
  EXPECT_EQ(Info(1).death().kind(), pb::Error::UNSCHEDULABLE);
  EXPECT_THAT(Info(1).death().message(), HasSubstr("its program was only on node"));
}

TEST_F(ActorLifeTest, KillWithoutRestartIsFinalInEveryState) {
  Register(Spec(1, job_, 100));  // stays PENDING
  Register(Spec(2, job_));       // STARTING
  Register(Restartable(3, -1));
  Started(1, 3);  // ALIVE
  Register(Restartable(4, -1));
  Started(1, 4);
  ProcessDied(1, 4, 1);  // RESTARTING
  ASSERT_EQ(State(1), pb::PENDING);
  ASSERT_EQ(State(2), pb::STARTING);
  ASSERT_EQ(State(3), pb::ALIVE);
  ASSERT_EQ(State(4), pb::RESTARTING);
  TakeStarts(1);
  for (std::uint64_t i = 1; i <= 4; ++i) {
    auto info = Kill(i);
    ASSERT_TRUE(info.ok());
    EXPECT_EQ(info->state(), pb::DEAD) << i;
  }
  EXPECT_EQ(Info(1).death().outcome(), pb::Error::NOT_EXECUTED) << "it never ran";
  const auto stops = TakeStops(1);
  ASSERT_EQ(stops.size(), 2u) << "only the two with a process";
  EXPECT_FALSE(stops[0].graceful());
  loop_.Advance(1s);
  EXPECT_TRUE(TakeStarts(1).empty());
}

TEST_F(ActorLifeTest, KillRacingItsStartStopsTheProcessThatComesUp) {
  Register(Spec(1, job_));
  const KillAnswer answer = BeginKill(1);
  Started(1, 1);
  EXPECT_EQ(State(1), pb::STARTING) << "nobody is told to call it";
  EXPECT_EQ(TakeStops(1).size(), 2u);
  EXPECT_FALSE(*answer);
  ProcessDied(1, 1, 1);
  ASSERT_TRUE(*answer);
  EXPECT_EQ((**answer)->info().state(), pb::DEAD);
}

TEST_F(ActorLifeTest, AnActorThatIsKilledIsDeadWhenItsProcessHasEndedWhateverTheRayletSaysOfIt) {
  for (std::uint64_t number : {1, 2, 3, 4}) {
    Register(Restartable(number, -1));
    if (number <= 2) Started(1, number);
    BeginKill(number);
    EXPECT_NE(State(number), pb::DEAD) << number;
    EXPECT_EQ(Info(number).ending(), "it was killed");
  }
  ProcessDied(1, 1, 1, true);
  ProcessDied(1, 2, 1, false);
  StartFailed(1, 3, pb::ActorStartFailed::NO_ROOM);
  StartFailed(1, 4, pb::ActorStartFailed::WORKER_DIED);
  for (std::uint64_t number : {1, 2, 3, 4}) {
    EXPECT_EQ(State(number), pb::DEAD) << number;
    EXPECT_EQ(Info(number).death().message(), "it was killed") << number;
    EXPECT_EQ(Info(number).ending(), "");
  }
}

TEST_F(ActorLifeTest, ANameIsFreeWhenTheProcessOfItsHolderHasEndedAndNotBefore) {
  pb::ActorSpec holder = Spec(1, job_), next = Spec(2, job_);
  for (pb::ActorSpec* spec : {&holder, &next}) spec->set_name("one");
  Run(holder, 1);
  BeginKill(1);
  pb::RegisterActorRequest request;
  *request.mutable_spec() = next;
  std::optional<Result<pb::ActorReply>> answer;
  cluster_->actors().Register(request, [&answer](Result<pb::ActorReply> reply) { answer = std::move(reply); });
  loop_.Advance(500ms);
  EXPECT_FALSE(answer);
  EXPECT_TRUE(TakeStarts(1).empty()) << "the one before may still answer";
  ProcessDied(1, 1, 1);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->ok()) << answer->status().ToString();
  EXPECT_EQ(TakeStarts(1).size(), 1u);
}

TEST_F(ActorLifeTest, AKilledActorOnANodeThatIsSilentIsDeadWhenTheNodeIs) {
  AddNode(2);
  pb::ActorSpec spec = Spec(1, job_);
  spec.set_detached(true);
  Run(spec, 1);
  const KillAnswer answer = BeginKill(1);
  Lose(one_);
  Pass(5'500ms, {2});
  EXPECT_FALSE(*answer) << "it may still answer calls";
  EXPECT_EQ(State(1), pb::ALIVE);
  Pass(500ms, {2});
  EXPECT_TRUE(*answer);
  EXPECT_EQ(State(1), pb::DEAD);
}

TEST_F(ActorLifeTest, ANodeThatComesBackIsToldAgainWhichOfItsActorsMustEnd) {
  Run(Spec(1, job_), 1);
  Register(Spec(2, job_));
  BeginKill(1);
  BeginKill(2);
  TakeStops(1);
  TakeStarts(1);
  Lose(one_);
  pb::NodeHello hello = Hello(1);
  pb::ActorStarted& listed = *hello.add_actors();
  listed.set_id(ActorNumber(1).Bytes());
  listed.set_incarnation(1);
  *listed.mutable_address() = Info(1).address();
  Join(hello);
  Report(1, 4);
  std::set<std::string> stopped;
  for (const auto& stop : TakeStops(1)) stopped.insert(stop.id());
  EXPECT_EQ(stopped, (std::set<std::string>{ActorNumber(1).Bytes(), ActorNumber(2).Bytes()}));
  EXPECT_TRUE(TakeStarts(1).empty());
}

TEST_F(ActorLifeTest, KillWithRestartUsesUpTheBudget) {
  Run(Restartable(1, 1), 1);
  ASSERT_TRUE(Kill(1, false).ok());
  ASSERT_TRUE(Kill(1, false).ok()) << "once more while it dies";
  EXPECT_EQ(TakeStops(1).size(), 1u);
  EXPECT_EQ(State(1), pb::ALIVE);
  ProcessDied(1, 1, 1, true);
  EXPECT_EQ(State(1), pb::RESTARTING) << "also when the raylet calls the death intended";
  loop_.Advance(100ms);
  Started(1, 1, 2);
  ASSERT_TRUE(Kill(1, false).ok());
  ProcessDied(1, 1, 2);
  EXPECT_EQ(State(1), pb::DEAD);
}

TEST_F(ActorLifeTest, KillWithoutRestartWinsOverAKillWithRestart) {
  Run(Restartable(1, -1), 1);
  ASSERT_TRUE(Kill(1, false).ok());
  ASSERT_TRUE(Kill(1, true).ok());
  EXPECT_EQ(State(1), pb::DEAD);
  ProcessDied(1, 1, 1);
  EXPECT_EQ(State(1), pb::DEAD);
  EXPECT_EQ(Kill(50).status().code(), StatusCode::kNotFound);
}

TEST_F(ActorLifeTest, ReleaseEndsAnActorGracefullyAndForGood) {
  Run(Restartable(1, -1), 1);
  cluster_->actors().Release(ActorNumber(1));
  cluster_->actors().Release(ActorNumber(1));
  const auto stops = TakeStops(1);
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_TRUE(stops[0].graceful());
  EXPECT_EQ(State(1), pb::ALIVE);
  ProcessDied(1, 1, 1);
  EXPECT_EQ(State(1), pb::DEAD) << "nobody is left to call it, so it does not restart";
}

TEST_F(ActorLifeTest, ReleaseWaitsForTheConstructor) {
  Register(Spec(1, job_));
  cluster_->actors().Release(ActorNumber(1));
  EXPECT_TRUE(TakeStops(1).empty());
  Started(1, 1);
  const auto stops = TakeStops(1);
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_TRUE(stops[0].graceful());
}

TEST_F(ActorLifeTest, ReleaseEndsAPendingActorAtOnceAndNeverADetachedOne) {
  Register(Spec(1, job_, 100));
  cluster_->actors().Release(ActorNumber(1));
  EXPECT_EQ(State(1), pb::DEAD);
  pb::ActorSpec detached = Spec(2, job_);
  detached.set_detached(true);
  Run(detached, 2);
  cluster_->actors().Release(ActorNumber(2));
  cluster_->actors().Release(ActorNumber(77));
  EXPECT_TRUE(TakeStops(1).empty());
}

TEST_F(ActorLifeTest, DeathOfTheCreatorsProcessEndsAllButDetachedActors) {
  pb::ActorSpec detached = Spec(1, job_), child = Restartable(2, -1), creating = Restartable(3, -1);
  detached.set_detached(true);
  for (pb::ActorSpec* spec : {&detached, &child, &creating}) spec->mutable_creator()->set_process(55);
  Run(detached, 1);
  Run(child, 2);
  Register(creating);
  ProcessGone(1, 55);
  EndProcess(2);
  EndProcess(3);
  EXPECT_EQ(State(1), pb::ALIVE);
  EXPECT_EQ(State(2), pb::DEAD);
  EXPECT_EQ(State(3), pb::DEAD);
  EXPECT_THAT(Info(2).death().message(), HasSubstr("its creator"));
  EXPECT_EQ(TakeStops(1).size(), 2u);
}

TEST_F(ActorLifeTest, EndOfTheJobEndsAllButDetachedActorsAndWhatTheseMade) {
  pb::ActorSpec detached = Spec(1, job_);
  detached.set_detached(true);
  Run(detached, 1);
  Run(Spec(2, job_), 2);
  pb::ActorSpec of_detached = Spec(3, job_), of_other = Spec(4, job_);
  *of_detached.mutable_creator() = Info(1).address();
  *of_other.mutable_creator() = Info(2).address();
  Run(of_detached, 3);
  Run(of_other, 4);
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job_.id()}, "").ok());
  EndProcess(2);
  EndProcess(4);
  EXPECT_EQ(State(1), pb::ALIVE);
  EXPECT_EQ(State(2), pb::DEAD);
  EXPECT_EQ(State(3), pb::ALIVE);
  EXPECT_TRUE(Info(3).ending().empty());
  EXPECT_EQ(State(4), pb::DEAD);
  pb::ActorSpec later = Spec(5, job_);
  *later.mutable_creator() = Info(1).address();
  Register(later);
}

TEST_F(ActorLifeTest, ADetachedActorsConstructorAndTasksMakeActorsAfterItsJob) {
  pb::ActorSpec detached = Restartable(1, -1);
  detached.set_detached(true);
  Run(detached, 1);
  pb::ActorSpec of_task = Spec(2, job_);
  of_task.mutable_creator()->set_process(77);
  Run(of_task, 2);
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job_.id()}, "").ok());
  EXPECT_EQ(State(2), pb::ALIVE) << "the task may be the detached actor's";
  ProcessDied(1, 1, 1);
  loop_.Advance(100ms);
  ASSERT_EQ(State(1), pb::STARTING);
  pb::ActorSpec of_constructor = Spec(3, job_);
  of_constructor.mutable_creator()->set_process(78);
  Register(of_constructor);
  EXPECT_EQ(TryRegister(Spec(4, job_)).status().code(), StatusCode::kFailedPrecondition) << "the driver is over";
  ProcessGone(1, 77);
  EndProcess(2);
  EXPECT_EQ(State(2), pb::DEAD);
}

TEST_F(ActorLifeTest, RayletsHearWhetherDetachedActorsGoOnWithAnEndedJob) {
  pb::ActorSpec spec = Spec(1, job_);
  spec.set_name("service");
  spec.set_detached(true);
  Register(spec);
  Started(1, 1, 1, 500);
  pb::ActorSpec child = Spec(2, job_);
  *child.mutable_creator() = ToProto({Node(1), ProcessId{500}});
  Register(child);
  Started(1, 2);
  Register(Spec(3, job_));
  Started(1, 3);
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job_.id()}, "").ok());
  auto told = TakeJobs(1);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].state(), pb::JobInfo::SUCCEEDED);
  EXPECT_TRUE(told[0].in_use());
  const auto stops = TakeStops(1);
  ASSERT_EQ(stops.size(), 1u) << "only what the driver made";
  EXPECT_EQ(stops[0].id(), ActorNumber(3).Bytes());
  ASSERT_TRUE(Kill(2).ok());
  EXPECT_TRUE(TakeJobs(1).empty());
  ASSERT_TRUE(Kill(1).ok());
  told = TakeJobs(1);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_FALSE(told[0].in_use());
}

TEST_F(ActorLifeTest, ACreatorThatClaimsToBeItselfDoesNotConfuseTheEndOfTheJob) {
  pb::ActorSpec spec = Spec(1, job_);
  spec.mutable_creator()->set_process(1001);
  Run(spec, 1);
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job_.id()}, "").ok());
  EndProcess(1);
  EXPECT_EQ(State(1), pb::DEAD);
}

TEST_F(ActorLifeTest, ADetachedActorRestartsAfterItsJobWithTheJobsProgram) {
  pb::ActorSpec spec = Restartable(1, -1);
  spec.set_detached(true);
  Run(spec, 1);
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job_.id()}, "").ok());
  ProcessDied(1, 1, 1);
  loop_.Advance(100ms);
  const auto starts = TakeStarts(1);
  ASSERT_EQ(starts.size(), 1u);
  EXPECT_EQ(starts[0].job().program().path(), "/bin/prog");
}

TEST_F(ActorLifeTest, DeathOfANodeRestartsItsActorsElsewhere) {
  pb::ActorSpec mobile = Restartable(1, -1), fixed = Spec(2, job_);
  mobile.set_detached(true);
  fixed.set_detached(true);
  Run(mobile, 1);
  Run(fixed, 2);
  AddNode(2);
  Lose(one_);
  Pass(5'500ms, {2});
  EXPECT_EQ(State(1), pb::ALIVE) << "it may come back, and the process may still run";
  Pass(500ms, {2});
  EXPECT_EQ(State(1), pb::RESTARTING);
  EXPECT_THAT(Info(1).death().message(), HasSubstr("node 00000000 died"));
  EXPECT_EQ(Info(1).death().outcome(), pb::Error::UNKNOWN);
  EXPECT_EQ(State(2), pb::DEAD);
  loop_.Advance(100ms);
  ASSERT_EQ(TakeStarts(2).size(), 1u);
}

TEST_F(ActorLifeTest, DeathOfTheCreatorsNodeEndsItsActorsOnOtherNodes) {
  AddNode(2);
  pb::ActorSpec spec = Spec(1, job_);
  spec.mutable_placement()->set_strategy(pb::Placement::NODE_AFFINITY);
  spec.mutable_placement()->set_node(Node(2).Bytes());
  Register(spec);
  Started(2, 1);
  Leave(one_);
  EXPECT_EQ(TakeStops(2).size(), 1u);
  EXPECT_EQ(State(1), pb::ALIVE) << "its process has not ended yet";
  ProcessDied(2, 1, 1);
  EXPECT_EQ(State(1), pb::DEAD);
  EXPECT_THAT(Info(1).death().message(), HasSubstr("its creator ended"));
}

TEST_F(ActorLifeTest, ANodeThatComesBackInTimeKeepsItsActors) {
  Run(Restartable(1, -1), 1);
  Run(Restartable(2, -1), 2);
  Run(Restartable(4, -1), 4);
  Register(Restartable(3, -1));
  TakeStarts(1);
  Watch(1, 1);
  TakeUpdates(1);
  Lose(one_);
  loop_.Advance(500ms);
  pb::NodeHello hello = Hello(1);
  hello.set_raylet_pid(999);  // it was restarted, and adopted its workers
  pb::ActorStarted& listed = *hello.add_actors();
  listed.set_id(ActorNumber(1).Bytes());
  listed.set_incarnation(1);
  *listed.mutable_address() = Info(1).address();
  pb::ActorStarted& stray = *hello.add_actors();
  stray.set_id(ActorNumber(40).Bytes());
  stray.set_incarnation(1);
  Join(hello);
  EXPECT_EQ(State(1), pb::ALIVE);
  EXPECT_EQ(State(2), pb::ALIVE) << "why it was not listed may be on its way";
  ProcessDied(1, 4, 1, true);
  Report(1, 2);
  EXPECT_EQ(State(2), pb::RESTARTING) << "its process was not there any more";
  EXPECT_EQ(State(3), pb::STARTING);
  EXPECT_EQ(State(4), pb::DEAD) << "it had ended on purpose meanwhile";
  const auto starts = TakeStarts(1);
  ASSERT_EQ(starts.size(), 1u) << "the order to start may have been lost";
  EXPECT_EQ(starts[0].incarnation(), 1u);
  const auto stops = TakeStops(1);
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_EQ(stops[0].id(), ActorNumber(40).Bytes());
  EXPECT_EQ(TakeUpdates(1).size(), 1u) << "news may have been lost too";
  loop_.Advance(2s);
  EXPECT_EQ(State(1), pb::ALIVE);
}

TEST_F(ActorLifeTest, ANodeThatComesBackIsNotToldAgainToStartWhatItStarts) {
  Register(Restartable(1, -1));
  Register(Restartable(2, -1));
  TakeStarts(1);
  Lose(one_);
  pb::NodeHello hello = Hello(1);
  for (const std::uint64_t number : {1, 40}) {
    pb::ActorStarting& starting = *hello.add_starting();
    starting.set_id(ActorNumber(number).Bytes());
    starting.set_incarnation(1);
  }
  Join(hello);
  Report(1, 2);
  const auto starts = TakeStarts(1);
  ASSERT_EQ(starts.size(), 1u) << "of the one that it does not start";
  EXPECT_EQ(starts[0].spec().id(), ActorNumber(2).Bytes());
  const auto stops = TakeStops(1);
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_EQ(stops[0].id(), ActorNumber(40).Bytes()) << "nobody ordered that";
  Started(1, 1);
  EXPECT_EQ(State(1), pb::ALIVE);
}

TEST_F(ActorLifeTest, ANodeThatComesBackWithAnEarlierIncarnationIsToldToStartTheNext) {
  Run(Restartable(1, -1), 1);
  ProcessDied(1, 1, 1);
  loop_.Advance(100ms);
  ASSERT_EQ(TakeStarts(1).size(), 1u);
  Lose(one_);
  pb::NodeHello hello = Hello(1);
  pb::ActorStarted& ending = *hello.add_actors();
  ending.set_id(ActorNumber(1).Bytes());
  ending.set_incarnation(1);
  *ending.mutable_address() = ToProto({Node(1), ProcessId{1001}});
  Join(hello);
  Report(1, 4);
  const auto starts = TakeStarts(1);
  ASSERT_EQ(starts.size(), 1u) << "the order may have been lost";
  EXPECT_EQ(starts[0].incarnation(), 2u);
}

TEST_F(ActorLifeTest, WatchersHearOfEveryChangeUntilDeath) {
  Register(Restartable(1, 1));
  Watch(1, 1);
  ASSERT_EQ(TakeUpdates(1).size(), 1u) << "the current state, at once";
  Started(1, 1);
  ProcessDied(1, 1, 1);
  loop_.Advance(100ms);
  Started(1, 1, 2);
  ProcessDied(1, 1, 2);
  std::vector<pb::ActorState> states;
  for (const pb::ActorInfo& info : TakeUpdates(1)) states.push_back(info.state());
  EXPECT_THAT(states, testing::ElementsAre(pb::ALIVE, pb::RESTARTING, pb::STARTING, pb::ALIVE, pb::DEAD));
  Watch(1, 1);
  EXPECT_EQ(TakeUpdates(1).size(), 1u) << "also of a dead one";
}

TEST_F(ActorLifeTest, WatchingStopsOnRequest) {
  Register(Spec(1, job_));
  Watch(1, 1);
  Watch(1, 1, true);
  TakeUpdates(1);
  Started(1, 1);
  EXPECT_TRUE(TakeUpdates(1).empty());
}

TEST_F(ActorLifeTest, WatchingAnUnknownActorSaysThatThereIsNone) {
  Watch(1, 66);
  const auto updates = TakeUpdates(1);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].state(), pb::DEAD);
  EXPECT_EQ(updates[0].death().message(), "no such actor");
  EXPECT_EQ(updates[0].death().outcome(), pb::Error::NOT_EXECUTED);
}

TEST_F(ActorLifeTest, WatchersHearThatNoNodeCouldHoldAnActorAndWhatIsMissing) {
  Register(Spec(1, job_, 16));
  Watch(1, 1);
  auto updates = TakeUpdates(1);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_TRUE(updates[0].infeasible());
  EXPECT_EQ(updates[0].pending_reason(), "needs CPU: 16, the largest node has 4");
  AddNode(2, 8);
  updates = TakeUpdates(1);
  ASSERT_EQ(updates.size(), 1u) << "something else is missing now";
  EXPECT_EQ(updates[0].pending_reason(), "needs CPU: 16, the largest node has 8");
  AddNode(3, 16);
  updates = TakeUpdates(1);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].state(), pb::STARTING);
  EXPECT_FALSE(updates[0].infeasible());
  EXPECT_EQ(updates[0].pending_reason(), "");
}

TEST_F(ActorLifeTest, OfTwoWordsAboutAnActorTheNewerIsKnownByItsVersion) {
  Register(Spec(1, job_));
  const std::uint64_t registered = Info(1).version();
  Watch(1, 1);
  Started(1, 1);
  ProcessDied(1, 1, 1);
  std::uint64_t last = registered;
  for (const pb::ActorInfo& info : TakeUpdates(1)) {
    EXPECT_GE(info.version(), last) << pb::ActorState_Name(info.state());
    last = info.version();
  }
  EXPECT_GE(last, registered + 2);
}

TEST_F(ActorLifeTest, PendingActorsShowInTheStatusAndStartWhenANodeJoins) {
  Register(Spec(1, job_, 16));
  Register(Spec(2, job_, 16));
  pb::Status status = cluster_->Overview();
  ASSERT_EQ(status.pending_size(), 1);
  EXPECT_EQ(status.pending(0).count(), 2u);
  EXPECT_TRUE(status.pending(0).infeasible());
  EXPECT_EQ(status.pending(0).what(), "actor Counter");
  EXPECT_EQ(status.pending(0).reason(), "needs CPU: 16, the largest node has 4");
  EXPECT_EQ(status.actors_pending(), 2u);
  AddNode(2, 16);
  EXPECT_EQ(TakeStarts(2).size(), 1u);
  status = cluster_->Overview();
  ASSERT_EQ(status.pending_size(), 1);
  EXPECT_FALSE(status.pending(0).infeasible());
}

TEST_F(ActorLifeTest, DoesNotOvercommitBeforeTheFirstReport) {
  for (std::uint64_t i = 1; i <= 6; ++i) Register(Spec(i, job_));
  EXPECT_EQ(TakeStarts(1).size(), 4u);
  ASSERT_TRUE(Kill(2).ok());
  cluster_->actors().CapacityChanged();
  Settle();
  EXPECT_EQ(TakeStarts(1).size(), 1u) << "what was deducted for the dead one is free again";
}

TEST_F(ActorLifeTest, AnActorTiedToADeadNodeIsUnschedulable) {
  AddNode(2);
  Leave(one_);
  job_ = StartJob(10, 2);
  pb::ActorSpec spec = Spec(1, job_);
  spec.mutable_placement()->set_strategy(pb::Placement::NODE_AFFINITY);
  spec.mutable_placement()->set_node(Node(1).Bytes());
  Register(spec);
  EXPECT_EQ(State(1), pb::DEAD);
  EXPECT_EQ(Info(1).death().kind(), pb::Error::UNSCHEDULABLE);
  spec.set_id(ActorNumber(2).Bytes());
  spec.mutable_placement()->set_node(Node(5).Bytes());
  Register(spec);
  EXPECT_EQ(State(2), pb::PENDING) << "a node that was never seen may still come";
}

}  // namespace
}  // namespace troupe::head
