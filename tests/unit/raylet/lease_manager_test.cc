#include "raylet/leases/lease_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/manual_event_loop.h"
#include "fakes.h"
#include "raylet/convert.h"
#include "raylet/leases/remote_leases.h"

namespace troupe::raylet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::uint64_t kKey = 7;

class LeaseManagerTest : public ::testing::Test {
 protected:
  LeaseManagerTest() {
    clients_.connected = {a_, b_};
    for (std::uint64_t id = 1001; id < 1020; ++id) clients_.connected.insert(ProcessId{id});
    pb::JobInfo job;
    job.set_id(1);
    job.set_state(pb::JobInfo::RUNNING);
    jobs_.Learn(job);
    cluster_.Apply(Nodes({Node(self_, {{"CPU", 2}})}));
  }

  void AddPeer(std::map<std::string, double> resources) {
    cluster_.Apply(Nodes({Node(peer_, std::move(resources))}));
    peers_.alive.insert(peer_);
  }

  void Ask(ProcessId client, std::uint32_t count, std::map<std::string, double> resources, std::uint64_t key = kKey) {
    pb::LeaseRequest request;
    request.set_key(key);
    request.set_count(count);
    *request.mutable_resources() = ToPb(Amounts(resources));
    request.set_what("task Sample");
    ClientInfo info;
    info.process = client;
    info.job = JobId{1};
    manager_.OnRequest(info, request);
    loop_.RunPosted();
  }
  void Return(ProcessId client, const pb::LeaseGranted& lease) {
    pb::ReturnLease message;
    message.set_lease(lease.lease());
    message.set_node(lease.worker().node());
    message.set_worker(lease.worker().process());
    manager_.OnReturn(client, message);
    loop_.RunPosted();
  }
  void StartAll() {
    while (!workers_.waiting.empty()) {
      workers_.StartAll();
      loop_.RunPosted();
    }
  }
  std::vector<pb::LeaseUpdate> Updates(ProcessId client) {
    std::vector<pb::LeaseUpdate> updates;
    for (const auto& message : clients_.Of(client, pb::RayletToClient::kLeaseUpdate)) {
      updates.push_back(message.lease_update());
    }
    return updates;
  }
  pb::RemoteLease LastAsked() { return peers_.sent.back().second.leases(0); }
  void AnswerNoRoom() {
    pb::RemoteLeaseAnswer answer;
    answer.set_id(LastAsked().id());
    answer.set_no_room(true);
    manager_.OnRemoteAnswer(peer_, answer);
    loop_.RunPosted();
  }

  void AnswerNotNow() {
    pb::RemoteLeaseAnswer answer;
    answer.set_id(LastAsked().id());
    answer.set_not_now(true);
    answer.mutable_error()->set_message("its program has not come yet");
    manager_.OnRemoteAnswer(peer_, answer);
    loop_.RunPosted();
  }

  const NodeId self_{0, 1};
  const NodeId peer_{0, 2};
  const ProcessId a_{1};
  const ProcessId b_{2};
  ManualEventLoop loop_;
  FakeClients clients_;
  FakePeers peers_;
  FakeWorkers workers_;
  ClusterView cluster_{self_};
  JobTable jobs_{{}};
  LocalResources resources_{Amounts({{"CPU", 2}}), [this] { manager_.Kick(); }};
  std::vector<std::pair<ProcessId, bool>> changes_;  // of who is leased
  LocalLeases leases_{self_, resources_, workers_, clients_,
                      [this](ProcessId worker) { changes_.emplace_back(worker, leases_.Leased(worker)); }};
  LeaseManager manager_{
      {loop_, cluster_, resources_, leases_, jobs_, clients_, peers_}, {}, [] { return std::int64_t{0}; }};
};

TEST_F(LeaseManagerTest, TellsTheWorkerItsLesseeBeforeTheLessee) {
  Ask(a_, 1, {{"CPU", 1}});
  const ProcessId worker = workers_.Start();
  ASSERT_EQ(clients_.sent.size(), 2U);
  EXPECT_EQ(clients_.sent[0].first, worker);
  EXPECT_EQ(clients_.sent[0].second.assign_lease().lessee().process(), a_.value);
  EXPECT_EQ(clients_.sent[0].second.assign_lease().cpu_units(), ResourceSet::kUnit);
  EXPECT_EQ(clients_.sent[1].first, a_);
  EXPECT_EQ(clients_.sent[1].second.lease_granted().key(), kKey);
  EXPECT_EQ(clients_.sent[1].second.lease_granted().worker().process(), worker.value);
}

TEST_F(LeaseManagerTest, TellsWhichWorkersAreLeased) {
  Ask(a_, 1, {{"CPU", 1}});
  const ProcessId worker = workers_.Start();
  Return(a_, clients_.Grants(a_).at(0));
  EXPECT_EQ(changes_, (std::vector<std::pair<ProcessId, bool>>{{worker, true}, {worker, false}}));
}

TEST_F(LeaseManagerTest, GrantsAtMostWhatFitsAndTheRestAsItComesBack) {
  Ask(a_, 5, {{"CPU", 1}});
  StartAll();
  ASSERT_EQ(clients_.Grants(a_).size(), 2U);
  ASSERT_EQ(manager_.Pending().size(), 1U);
  EXPECT_EQ(manager_.Pending()[0].count(), 3U);
  EXPECT_THAT(manager_.Pending()[0].reason(), HasSubstr("CPU"));
  Return(a_, clients_.Grants(a_)[0]);
  StartAll();
  EXPECT_EQ(clients_.Grants(a_).size(), 3U);
  EXPECT_EQ(workers_.released.size(), 1U);
}

TEST_F(LeaseManagerTest, ServesClientsInTurnHoweverManyOneOfThemWants) {
  Ask(a_, 100, {{"CPU", 1}});
  StartAll();
  Ask(b_, 100, {{"CPU", 1}});
  for (int i = 0; i < 20; ++i) {
    auto grants = clients_.Grants(i % 2 == 0 ? a_ : b_);
    const ProcessId holder = i % 2 == 0 ? a_ : b_;
    if (grants.empty()) continue;
    for (const auto& grant : grants) Return(holder, grant);
    StartAll();
  }
  const auto a = static_cast<int>(clients_.Grants(a_).size());
  const auto b = static_cast<int>(clients_.Grants(b_).size());
  EXPECT_GT(b, 5);
  EXPECT_LE(std::abs(a - b), 3) << "a " << a << ", b " << b;
}

TEST_F(LeaseManagerTest, ARequestWithoutRoomDoesNotHoldUpTheNext) {
  Ask(a_, 1, {{"CPU", 1}});
  Ask(a_, 1, {{"CPU", 2}}, kKey + 1);
  Ask(b_, 1, {{"CPU", 1}});
  StartAll();
  EXPECT_EQ(clients_.Grants(b_).size(), 1U);
}

TEST_F(LeaseManagerTest, SaysOnceThatARequestCanNeverBeMetAndAgainWhenItCan) {
  Ask(a_, 1, {{"GPU", 4}});
  manager_.Kick();
  loop_.RunPosted();
  ASSERT_EQ(Updates(a_).size(), 1U);
  EXPECT_TRUE(Updates(a_)[0].infeasible());
  EXPECT_THAT(Updates(a_)[0].reason(), HasSubstr("GPU"));
  EXPECT_TRUE(manager_.Pending()[0].infeasible());
  EXPECT_EQ(manager_.Pending()[0].what(), "task Sample");

  AddPeer({{"CPU", 1}, {"GPU", 2}});
  manager_.Kick();
  loop_.RunPosted();
  ASSERT_EQ(Updates(a_).size(), 2U);
  EXPECT_NE(Updates(a_)[0].reason(), Updates(a_)[1].reason());

  AddPeer({{"CPU", 1}, {"GPU", 4}});
  manager_.Kick();
  loop_.RunPosted();
  ASSERT_EQ(Updates(a_).size(), 3U);
  EXPECT_FALSE(Updates(a_)[2].infeasible());
  EXPECT_EQ(peers_.sent.size(), 1U);
}

TEST_F(LeaseManagerTest, WithdrawingEndsWhatIsUnderWay) {
  Ask(a_, 2, {{"CPU", 1}});
  EXPECT_EQ(workers_.waiting.size(), 2U);
  Ask(a_, 1, {{"CPU", 1}});
  EXPECT_EQ(workers_.waiting.size(), 1U);
  Ask(a_, 0, {{"CPU", 1}});
  EXPECT_TRUE(workers_.waiting.empty());
  EXPECT_EQ(resources_.available(), resources_.total());
  EXPECT_TRUE(manager_.Pending().empty());
}

TEST_F(LeaseManagerTest, LendsTheCpuOfATaskThatWaits) {
  Ask(a_, 3, {{"CPU", 1}});
  StartAll();
  const ProcessId worker{clients_.Grants(a_)[0].worker().process()};
  leases_.SetBlocked(worker, true);
  loop_.RunPosted();
  StartAll();
  EXPECT_EQ(clients_.Grants(a_).size(), 3U);
  leases_.SetBlocked(worker, false);
  EXPECT_EQ(resources_.available().Amount("CPU"), -1);
  leases_.OnWorkerExit(worker);
  EXPECT_EQ(resources_.available().Amount("CPU"), 0);
}

TEST_F(LeaseManagerTest, ReturnsTheResourcesWhenTheWorkerDies) {
  Ask(a_, 1, {{"CPU", 2}});
  const ProcessId worker = workers_.Start();
  leases_.OnWorkerExit(worker);
  EXPECT_EQ(resources_.available(), resources_.total());
  Return(a_, clients_.Grants(a_)[0]);  // crossed with the news
  EXPECT_TRUE(workers_.released.empty());
}

TEST_F(LeaseManagerTest, KillsTheWorkerOfALesseeThatDied) {
  Ask(a_, 2, {{"CPU", 1}});
  const ProcessId worker = workers_.Start();
  manager_.OnClientGone(a_);
  leases_.OnLesseeDied([&](const Address& lessee) { return lessee.process == a_; }, "it died");
  EXPECT_TRUE(workers_.Killed(worker));
  EXPECT_TRUE(workers_.waiting.empty()) << "the second was still starting";
  EXPECT_EQ(resources_.available().Amount("CPU"), 1) << "held until the process is gone";
  leases_.OnWorkerExit(worker);
  EXPECT_EQ(resources_.available(), resources_.total());
}

TEST_F(LeaseManagerTest, AnotherClientCannotReturnALease) {
  Ask(a_, 1, {{"CPU", 1}});
  StartAll();
  Return(b_, clients_.Grants(a_)[0]);
  EXPECT_TRUE(workers_.released.empty());
  EXPECT_EQ(leases_.size(), 1U);
}

TEST_F(LeaseManagerTest, AProgramThatCannotStartFailsTheRequestForGood) {
  Ask(a_, 3, {{"CPU", 1}});
  workers_.Fail(FailedPrecondition("it never called troupe::Init"));
  loop_.RunPosted();
  ASSERT_EQ(Updates(a_).size(), 1U);
  EXPECT_EQ(Updates(a_)[0].error().kind(), pb::Error::PROGRAM);
  EXPECT_EQ(Updates(a_)[0].error().outcome(), pb::Error::NOT_EXECUTED);
  EXPECT_TRUE(workers_.waiting.empty());
  EXPECT_EQ(resources_.available(), resources_.total());
}

TEST_F(LeaseManagerTest, RefusesAmountsThatNoNodeCanGiveOut) {
  Ask(a_, 1, {{"GPU", 1.5}});
  ASSERT_EQ(Updates(a_).size(), 1U);
  EXPECT_EQ(Updates(a_)[0].error().kind(), pb::Error::UNSCHEDULABLE);
  EXPECT_THAT(Updates(a_)[0].error().message(), HasSubstr("whole number"));
}

TEST_F(LeaseManagerTest, AsksAnotherNodeAndPassesItsGrantOn) {
  AddPeer({{"CPU", 4}});
  Ask(a_, 1, {{"CPU", 3}});
  ASSERT_EQ(peers_.sent.size(), 1U);
  EXPECT_EQ(LastAsked().client(), a_.value);
  EXPECT_EQ(LastAsked().request().count(), 1U);
  pb::RemoteLeaseAnswer answer;
  answer.set_id(LastAsked().id());
  answer.mutable_granted()->set_lease(99);
  answer.mutable_granted()->mutable_worker()->set_node(peer_.Bytes());
  answer.mutable_granted()->mutable_worker()->set_process(55);
  manager_.OnRemoteAnswer(peer_, answer);
  ASSERT_EQ(clients_.Grants(a_).size(), 1U);
  EXPECT_EQ(clients_.Grants(a_)[0].key(), kKey);
  Return(a_, clients_.Grants(a_)[0]);
  EXPECT_EQ(peers_.sent.back().second.returned(0).lease(), 99U);
}

TEST_F(LeaseManagerTest, GivesBackARemoteLeaseThatNobodyWantsAnyMore) {
  AddPeer({{"CPU", 4}});
  Ask(a_, 1, {{"CPU", 3}});
  const pb::RemoteLease asked = LastAsked();
  Ask(a_, 0, {{"CPU", 3}});
  pb::RemoteLeaseAnswer answer;
  answer.set_id(asked.id());
  answer.mutable_granted()->set_lease(99);
  answer.mutable_granted()->mutable_worker()->set_node(peer_.Bytes());
  manager_.OnRemoteAnswer(peer_, answer);
  EXPECT_EQ(peers_.sent.back().second.returned(0).lease(), 99U);
  EXPECT_TRUE(clients_.Grants(a_).empty());
}

TEST_F(LeaseManagerTest, LeavesANodeAloneThatHadNoRoomUntilItReportsOrAWhilePasses) {
  AddPeer({{"CPU", 4}});
  Ask(a_, 1, {{"CPU", 3}});
  AnswerNoRoom();
  EXPECT_EQ(peers_.sent.size(), 1U);
  ASSERT_EQ(manager_.Pending().size(), 1U);
  EXPECT_FALSE(manager_.Pending()[0].infeasible());

  loop_.Advance(LeaseManager::kFullFor / 2);
  AddPeer({{"CPU", 4}});
  manager_.Kick();
  loop_.RunPosted();
  EXPECT_EQ(peers_.sent.size(), 2U) << "it has reported";
  AnswerNoRoom();
  loop_.Advance(LeaseManager::kFullFor - 1ms);
  EXPECT_EQ(peers_.sent.size(), 2U) << "the while counts from its last answer";
  loop_.Advance(1ms);
  EXPECT_EQ(peers_.sent.size(), 3U);
}

TEST_F(LeaseManagerTest, CountsWhatANodeWasAskedForOnlyUntilItAnswersOrReports) {
  AddPeer({{"CPU", 6}});
  Ask(a_, 1, {{"CPU", 3}});
  Ask(b_, 1, {{"CPU", 4}});
  ASSERT_EQ(peers_.sent.size(), 1U) << "the first takes its room";
  Ask(a_, 0, {{"CPU", 3}});
  EXPECT_EQ(peers_.sent.size(), 2U) << "it was withdrawn";

  AddPeer({{"CPU", 6}});  // the report counts the lease that it granted to the second, or not yet
  Ask(b_, 0, {{"CPU", 4}});
  Ask(a_, 1, {{"CPU", 6}});
  EXPECT_EQ(peers_.sent.size(), 3U);
  Ask(b_, 1, {{"CPU", 3}});
  EXPECT_EQ(peers_.sent.size(), 3U) << "a withdrawal from before the report adds nothing to it";
}

TEST_F(LeaseManagerTest, ChoosesAgainWhenTheAskedNodeDies) {
  AddPeer({{"CPU", 4}});
  Ask(a_, 1, {{"CPU", 3}});
  cluster_.Apply(Nodes({Node(peer_, {}, false)}));
  manager_.OnNodeDied(peer_);
  loop_.RunPosted();
  ASSERT_EQ(Updates(a_).size(), 1U);
  EXPECT_TRUE(Updates(a_)[0].infeasible());
}

class RemoteLeasesTest : public LeaseManagerTest {
 protected:
  RemoteLeasesTest() { peers_.alive.insert(peer_); }

  void AskFromPeer(std::uint64_t id, double cpus) {
    pb::RemoteLease lease;
    lease.set_id(id);
    lease.set_client(a_.value);
    lease.set_job(9);
    lease.mutable_job_info()->set_id(9);
    *lease.mutable_request()->mutable_resources() = ToPb(Amounts({{"CPU", cpus}}));
    remote_.OnRequest(peer_, lease);
  }
  const pb::RemoteLeaseAnswer& LastAnswer() { return peers_.sent.back().second.lease_answers(0); }

  RemoteLeases remote_{jobs_, leases_, peers_};
};

TEST_F(RemoteLeasesTest, AnswersNoRoomAtOnce) {
  AskFromPeer(1, 2);
  AskFromPeer(2, 1);
  ASSERT_EQ(peers_.sent.size(), 1U);
  EXPECT_EQ(LastAnswer().id(), 2U);
  EXPECT_TRUE(LastAnswer().no_room());
}

TEST_F(RemoteLeasesTest, ARequestThatComesAfterItsJobStartsNoWorker) {
  pb::JobInfo ended;
  ended.set_id(9);
  ended.set_state(pb::JobInfo::FAILED);
  jobs_.Update(ended);
  AskFromPeer(1, 1);
  EXPECT_TRUE(LastAnswer().has_error());
  EXPECT_TRUE(workers_.waiting.empty());
}

TEST_F(RemoteLeasesTest, GrantsToTheOtherNodesClientAndTakesTheLeaseBack) {
  AskFromPeer(1, 2);
  const ProcessId worker = workers_.Start();
  EXPECT_EQ(clients_.Of(worker, pb::RayletToClient::kAssignLease).at(0).assign_lease().lessee().node(), peer_.Bytes());
  ASSERT_TRUE(LastAnswer().has_granted());
  pb::ReturnLease back;
  back.set_lease(LastAnswer().granted().lease());
  remote_.OnReturn(NodeId{0, 3}, back);
  EXPECT_TRUE(workers_.released.empty()) << "another node's lease";
  remote_.OnReturn(peer_, back);
  EXPECT_EQ(workers_.released.size(), 1U);
  EXPECT_EQ(resources_.available(), resources_.total());
}

TEST_F(RemoteLeasesTest, SaysWhyTheProgramCannotStart) {
  AskFromPeer(1, 1);
  workers_.Fail(NotFound("no such program"));
  EXPECT_EQ(LastAnswer().error().kind(), pb::Error::PROGRAM);
  EXPECT_THAT(LastAnswer().error().message(), HasSubstr("no such program"));
}

TEST_F(LeaseManagerTest, SeeksABoundedNumberOfWorkersForTasksThatNeedNothing) {
  Ask(a_, 4'000'000'000, {});
  EXPECT_EQ(workers_.waiting.size(), LeaseManager::kMaxWanted);
  for (std::uint64_t key = 0; key < 20; ++key) Ask(b_, 4'000'000'000, {}, 100 + key);
  EXPECT_EQ(workers_.waiting.size(), LeaseManager::kMaxAttempts);
  manager_.OnClientGone(a_);
  loop_.RunPosted();
  EXPECT_EQ(workers_.waiting.size(), LeaseManager::kMaxAttempts);
}

TEST_F(LeaseManagerTest, DoesNotUseAWorkerAgainThatHadGpus) {
  LocalResources gpus{Amounts({{"CPU", 1}, {"GPU", 1}})};
  LocalLeases leases{self_, gpus, workers_, clients_, [](ProcessId) {}};
  for (const double gpu : {1.0, 0.5, 0.0}) {
    pb::LeaseGranted granted;
    leases.Grant({self_, a_}, *jobs_.Find(JobId{1}), Amounts({{"CPU", 1}, {"GPU", gpu}}),
                 [&](Result<pb::LeaseGranted> grant) { granted = std::move(grant).value(); });
    workers_.Start();
    ASSERT_TRUE(leases.Return(granted.lease(), {self_, a_}).ok());
  }
  EXPECT_THAT(workers_.retired, ElementsAre(ProcessId{1001}, ProcessId{1002}));
  EXPECT_THAT(workers_.released, ElementsAre(ProcessId{1003}));
  EXPECT_EQ(gpus.available(), gpus.total());
}

TEST_F(LeaseManagerTest, RefusesAnotherNodePartsOfSeveralGpus) {
  LocalResources gpus{Amounts({{"GPU", 4}})};
  LocalLeases leases{self_, gpus, workers_, clients_, [](ProcessId) {}};
  RemoteLeases remote{jobs_, leases, peers_};
  peers_.alive.insert(peer_);
  pb::RemoteLease lease;
  lease.set_job(1);
  *lease.mutable_request()->mutable_resources() = ToPb(Amounts({{"GPU", 1.5}}));
  remote.OnRequest(peer_, lease);
  EXPECT_THAT(peers_.sent.back().second.lease_answers(0).error().message(), HasSubstr("whole number"));
  EXPECT_EQ(gpus.available(), gpus.total());
}

TEST_F(LeaseManagerTest, ANodeThatCannotGetTheProgramNowIsLeftAloneAndAskedAgainWhenNoOtherHasRoom) {
  AddPeer({{"CPU", 8}});
  Ask(a_, 1, {{"CPU", 4}});
  ASSERT_EQ(peers_.sent.size(), 1U);
  AnswerNotNow();
  EXPECT_TRUE(Updates(a_).empty()) << "a lack of the moment is no error";
  EXPECT_EQ(peers_.sent.size(), 1U);
  ASSERT_EQ(manager_.Pending().size(), 1U);
  EXPECT_THAT(manager_.Pending()[0].reason(), HasSubstr("its program has not come yet"));
  Ask(b_, 1, {{"CPU", 4}});
  EXPECT_EQ(peers_.sent.size(), 1U);
  EXPECT_TRUE(Updates(b_).empty()) << "only that node could hold it, and will do so later";
  loop_.Advance(LeaseManager::kAvoidFor);
  EXPECT_EQ(peers_.sent.size(), 3U);
}

TEST_F(LeaseManagerTest, ALocalLackOfTheProgramIsNoErrorEither) {
  Ask(a_, 1, {{"CPU", 1}});
  workers_.Fail(Unavailable("its program has not come yet"));
  loop_.RunPosted();
  EXPECT_TRUE(workers_.waiting.empty());
  EXPECT_TRUE(Updates(a_).empty());
  EXPECT_EQ(resources_.available().Amount("CPU"), 2);
  loop_.Advance(LeaseManager::kAvoidFor);
  StartAll();
  EXPECT_EQ(clients_.Grants(a_).size(), 1U);
}

TEST_F(LeaseManagerTest, AProgramThatCannotBeSentRunsWhereItIsOnly) {
  AddPeer({{"CPU", 8}});
  pb::JobInfo job = *jobs_.Find(JobId{1});
  job.mutable_program()->set_origin(self_.Bytes());
  job.mutable_program()->set_unpackable("it is too large");
  jobs_.Update(job);
  Ask(a_, 3, {{"CPU", 1}});
  StartAll();
  EXPECT_EQ(clients_.Grants(a_).size(), 2U);
  EXPECT_TRUE(peers_.sent.empty());
}

}  // namespace
}  // namespace troupe::raylet
