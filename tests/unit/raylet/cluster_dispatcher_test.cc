#include "raylet/links/cluster_dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core_fixture.h"

namespace troupe::raylet {
namespace {

using ::testing::IsEmpty;
using namespace std::chrono_literals;

class ClusterDispatcherTest : public CoreTest {
 protected:
  pb::StartActor& Start(pb::HeadToNode* message) {
    pb::StartActor& start = *message->mutable_start_actor();
    start.mutable_spec()->set_id(ActorId{driver_.value, 1}.Bytes());
    start.mutable_spec()->set_job(kJob);
    start.set_incarnation(1);
    start.mutable_job()->set_id(kJob);
    return start;
  }
  // Another node asks for a worker of this one.
  ProcessId LeaseToPeer(std::uint64_t id) {
    pb::PeerMessage message;
    pb::RemoteLease& lease = *message.add_leases();
    lease.set_client(31);
    lease.set_id(id);
    lease.set_job(kJob);
    lease.mutable_job_info()->set_id(kJob);
    *lease.mutable_request()->mutable_resources() = ToPb(Amounts({{"CPU", 1}}));
    FromPeer(message);
    const ProcessId worker = workers_.Start();
    loop_.RunPosted();
    return worker;
  }
};

// --- From the head ---------------------------------------------------------------------------------------------------

TEST_F(ClusterDispatcherTest, ActorsAreStartedAndStoppedByTheHost) {
  pb::HeadToNode message;
  Start(&message);
  FromHead(message);
  EXPECT_EQ(core_.held().actors, 1U);
  EXPECT_EQ(workers_.waiting.size(), 1U);
  EXPECT_TRUE(workers_.jobs.contains(JobId{kJob})) << "the job is learned first";
  pb::HeadToNode stop;
  stop.mutable_stop_actor()->set_id(ActorId{driver_.value, 1}.Bytes());
  stop.mutable_stop_actor()->set_incarnation(1);
  FromHead(stop);
  EXPECT_EQ(core_.held().actors, 0U);
  EXPECT_EQ(head_.Told(pb::NodeToHead::kActorProcessDied).size(), 1U);
}

TEST_F(ClusterDispatcherTest, UpdatesOfActorsGoToTheClientsThatAsked) {
  pb::ClientToRaylet create;
  create.set_request_id(1);
  create.mutable_create_actor()->mutable_spec()->set_id(ActorId{driver_.value, 1}.Bytes());
  ASSERT_TRUE(FromClient(driver_, create).ok());
  pb::HeadToNode update;
  update.mutable_actor_update()->mutable_info()->set_id(ActorId{driver_.value, 1}.Bytes());
  update.mutable_actor_update()->mutable_info()->set_state(pb::PENDING);
  FromHead(update);
  EXPECT_EQ(clients_.Of(driver_, pb::RayletToClient::kActorUpdate).size(), 1U);
  EXPECT_THAT(clients_.Of(worker_, pb::RayletToClient::kActorUpdate), IsEmpty());
}

TEST_F(ClusterDispatcherTest, AJobThatHasEndedTakesItsWorkersAndLeasesAlong) {
  const ProcessId worker = LeaseToPeer(1);
  pb::HeadToNode update;
  update.mutable_job_update()->mutable_job()->set_id(kJob);
  update.mutable_job_update()->mutable_job()->set_state(pb::JobInfo::SUCCEEDED);
  FromHead(update);
  EXPECT_TRUE(workers_.jobs.empty());
  EXPECT_TRUE(workers_.Killed(worker));
}

TEST_F(ClusterDispatcherTest, ADriverByHandIsSignalledAndASubmissionStopped) {
  core_.client_handler().OnRegistered(clients_.infos.at(driver_));
  pb::HeadToNode stop;
  stop.mutable_stop_driver()->set_process(driver_.value);
  FromHead(stop);
  EXPECT_EQ(processes_.signals.size(), 1U);
  EXPECT_TRUE(drivers_.stopped.empty());
  stop.mutable_stop_driver()->set_process(0);
  stop.mutable_stop_driver()->set_submission("s");
  FromHead(stop);
  EXPECT_EQ(drivers_.stopped.size(), 1U);
  EXPECT_EQ(processes_.signals.size(), 1U);
  pb::HeadToNode run;
  run.mutable_run_driver();
  FromHead(run);
  EXPECT_EQ(drivers_.run.size(), 1U);
}

TEST_F(ClusterDispatcherTest, LogsAreReadForTheRequestThatAsked) {
  pb::HeadToNode read;
  read.mutable_read_log()->set_request(44);
  FromHead(read);
  ASSERT_EQ(logs_.read.size(), 1U);
  const auto chunks = head_.Told(pb::NodeToHead::kLogChunk);
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(chunks[0].log_chunk().request(), 44U);
}

TEST_F(ClusterDispatcherTest, ShutdownIsTheShellsToDo) {
  pb::HeadToNode message;
  message.mutable_shutdown()->set_reason("somebody wants it");
  FromHead(message);
  EXPECT_EQ(shut_down_, std::vector<std::string>{"somebody wants it"});
}

TEST_F(ClusterDispatcherTest, WhatTheHeadSaysThatIsNotKnownChangesNothing) {
  const std::size_t sent = clients_.sent.size();
  FromHead(pb::HeadToNode());
  EXPECT_EQ(clients_.sent.size(), sent);
  EXPECT_TRUE(refused_.empty());
}

TEST_F(ClusterDispatcherTest, NodesAreConnectedToAndMournedAsTheHeadSays) {
  const NodeId third{0, 3};
  pb::HeadToNode joined;
  *joined.mutable_nodes_changed()->add_nodes() = Node(third, {{"CPU", 1}});
  FromHead(joined);
  EXPECT_TRUE(peers_.streams.contains(third));
  const ProcessId worker = LeaseToPeer(1);
  pb::HeadToNode died;
  *died.mutable_nodes_changed()->add_nodes() = Node(peer_, {}, false);
  FromHead(died);
  EXPECT_TRUE(peers_.forgotten.contains(peer_));
  EXPECT_TRUE(workers_.Killed(worker)) << "its lessee was there";
  EXPECT_EQ(clients_.Of(driver_, pb::RayletToClient::kNodeDied).size(), 1U);
  EXPECT_TRUE(transfers_.dead.contains(peer_));
}

// --- From other nodes ------------------------------------------------------------------------------------------------

TEST_F(ClusterDispatcherTest, FramesAndMessagesGoToTheirClients) {
  pb::PeerMessage message;
  pb::RoutedFrame& frame = *message.add_frames();
  frame.set_from(31);
  frame.set_to(driver_.value);
  frame.set_frame("call");
  pb::RayletToClient lines;
  lines.mutable_log_lines()->add_lines("printed");
  pb::DirectMessage& direct = *message.add_messages();
  direct.set_to(driver_.value);
  direct.set_message(lines.SerializeAsString());
  FromPeer(message);
  ASSERT_EQ(clients_.frames.size(), 1U);
  EXPECT_EQ(clients_.frames[0].from, (Address{peer_, ProcessId{31}}));
  EXPECT_EQ(clients_.Of(driver_, pb::RayletToClient::kLogLines).size(), 1U);
}

TEST_F(ClusterDispatcherTest, MessagesThatDoNotDecodeOrMayNotBeSentGoToNobody) {
  pb::PeerMessage message;
  message.add_messages()->set_message("\xff\xff");
  pb::RayletToClient grant;
  grant.mutable_lease_granted();
  pb::DirectMessage& direct = *message.add_messages();
  direct.set_to(driver_.value);
  direct.set_message(grant.SerializeAsString());
  const std::size_t sent = clients_.sent.size();
  FromPeer(message);
  EXPECT_EQ(clients_.sent.size(), sent);
}

TEST_F(ClusterDispatcherTest, LeasesForOtherNodesAreAnsweredAndTakenBack) {
  const ProcessId worker = LeaseToPeer(6);
  const auto answers = peers_.Sent(peer_).lease_answers();
  ASSERT_EQ(answers.size(), 1);
  EXPECT_EQ(answers[0].id(), 6U);
  EXPECT_EQ(answers[0].granted().worker().process(), worker.value);
  pb::PeerMessage back;
  back.add_returned()->set_lease(answers[0].granted().lease());
  FromPeer(back);
  EXPECT_EQ(workers_.released, std::vector<ProcessId>{worker});
}

TEST_F(ClusterDispatcherTest, AnswersToLeasesGoToWhoAsked) {
  pb::ClientToRaylet request;
  request.mutable_lease_request()->set_count(1);
  request.mutable_lease_request()->mutable_placement()->set_strategy(pb::Placement::NODE_AFFINITY);
  request.mutable_lease_request()->mutable_placement()->set_node(peer_.Bytes());
  ASSERT_TRUE(FromClient(driver_, request).ok());
  const auto asked = peers_.Sent(peer_).leases();
  ASSERT_EQ(asked.size(), 1);
  pb::PeerMessage message;
  pb::RemoteLeaseAnswer& answer = *message.add_lease_answers();
  answer.set_id(asked[0].id());
  *answer.mutable_granted()->mutable_worker() = ToPb(Address{peer_, ProcessId{40}});
  FromPeer(message);
  EXPECT_EQ(clients_.Grants(driver_).size(), 1U);
}

TEST_F(ClusterDispatcherTest, DeletedObjectsGo) {
  const ObjectId id{31, 1};
  ASSERT_TRUE(store_->CreateLocal(id, 10).ok());
  ASSERT_TRUE(store_->SealLocal(id).ok());
  pb::PeerMessage message;
  message.add_deleted(id.Bytes());
  FromPeer(message);
  EXPECT_FALSE(store_->Contains(id));
}

TEST_F(ClusterDispatcherTest, TheEndOfAProcessElsewhereEndsItsLeasesHere) {
  const ProcessId worker = LeaseToPeer(1);
  pb::PeerMessage message;
  message.add_died()->set_process(31);
  FromPeer(message);
  EXPECT_TRUE(workers_.Killed(worker));
  EXPECT_EQ(peers_.Sent(peer_).watch(0), 31U) << "it had asked for that";
  EXPECT_TRUE(clients_.Of(driver_, pb::RayletToClient::kProcessDied).empty());
}

TEST_F(ClusterDispatcherTest, AnotherNodeIsToldOfTheEndsThatItAsksFor) {
  pb::PeerMessage message;
  message.add_watch(worker_.value);
  message.add_watch(99);
  FromPeer(message);
  ASSERT_EQ(peers_.Sent(peer_).died_size(), 1) << "there is no such process";
  EXPECT_EQ(peers_.Sent(peer_).died(0).process(), 99U);
  clients_.connected.erase(worker_);
  core_.OnWorkerExit({worker_, JobId{kJob}, 1}, "was killed");
  ASSERT_EQ(peers_.Sent(peer_).died_size(), 2);
  EXPECT_EQ(peers_.Sent(peer_).died(1).reason(), "was killed");
}

TEST_F(ClusterDispatcherTest, LogsAreFlushedForOtherNodes) {
  core_.OnWorkerStarted({worker_, JobId{kJob}, 1});
  EXPECT_TRUE(logs_.watched.contains(worker_));
  pb::PeerMessage message;
  pb::FlushLogs& flush = *message.add_flush_logs();
  flush.set_id(8);
  flush.set_job(kJob);
  FromPeer(message);
  EXPECT_EQ(logs_.flushed, std::vector<ProcessId>{worker_});
  EXPECT_EQ(peers_.Sent(peer_).flushed_logs(0), 8U);
}

TEST_F(ClusterDispatcherTest, ABrokenConnectionEndsTheLeasesBetweenTheNodes) {
  const ProcessId worker = LeaseToPeer(1);
  const auto stream = peers_.streams.at(peer_);
  stream->handlers.on_closed(Unavailable("the network is down"));
  EXPECT_TRUE(workers_.Killed(worker));
  loop_.Advance(1s);
  EXPECT_NE(peers_.streams.at(peer_), stream) << "it is opened again";
}

TEST_F(ClusterDispatcherTest, ANewConnectionAsksAgainForTheEndsThatMayHaveBeenLost) {
  LeaseToPeer(1);  // whose lessee, 31, is watched
  EXPECT_EQ(peers_.Sent(peer_).watch_size(), 1);
  peers_.streams.at(peer_)->handlers.on_closed(Unavailable("the network is down"));
  loop_.Advance(3s);
  ASSERT_EQ(peers_.Sent(peer_).watch_size(), 1) << "over another stream";
  EXPECT_EQ(peers_.Sent(peer_).watch(0), 31U);
}

TEST_F(ClusterDispatcherTest, WhoLeavesTakesNothingUp) {
  core_.Leave("done", [] {});
  pb::HeadToNode message;
  Start(&message);
  head_.stream->handlers.on_message(message);
  pb::PeerMessage frame;
  frame.add_frames()->set_to(driver_.value);
  FromPeer(frame);
  core_.OnWorkerExit({worker_, JobId{kJob}, 1}, "killed");
  EXPECT_EQ(core_.held().actors, 0U);
  EXPECT_TRUE(clients_.frames.empty());
  EXPECT_EQ(core_.held().processes, 0U);
}

}  // namespace
}  // namespace troupe::raylet
