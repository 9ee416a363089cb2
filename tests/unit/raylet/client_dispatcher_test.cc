#include "raylet/links/client_dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core_fixture.h"
#include "ipc/client_wire.h"

namespace troupe::raylet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ClientDispatcherTest : public CoreTest {
 protected:
  // What the client is admitted as, or why not.
  Result<ClientInfo> Admit(const pb::RegisterClient& request) {
    std::optional<Result<ClientInfo>> admitted;
    core_.client_handler().Admit(request, 77, [&](Result<ClientInfo> info) { admitted = std::move(info); });
    if (!admitted && !head_.jobs.empty()) {
      pb::RegisterJobReply reply;
      reply.mutable_job()->set_id(kJob);
      reply.mutable_job()->set_name_space("given");
      head_.jobs.back().second(reply);
    }
    return admitted.value_or(Status(Internal("not answered")));
  }
  pb::ClientToRaylet Request(std::uint64_t id = 5) {
    pb::ClientToRaylet message;
    message.set_request_id(id);
    return message;
  }
};

// --- Coming and going ------------------------------------------------------------------------------------------------

TEST_F(ClientDispatcherTest, ADriverIsAdmittedWithTheJobThatTheHeadGivesIt) {
  pb::RegisterClient request;
  request.set_kind(pb::WorkerInfo::DRIVER);
  request.set_process(50);
  request.mutable_program()->set_path("/bin/prog");
  const auto info = Admit(request);
  ASSERT_TRUE(info.ok()) << info.status().ToString();
  EXPECT_EQ(info->job, JobId{kJob});
  EXPECT_EQ(info->name_space, "given");
  EXPECT_EQ(info->pid, 77);
  EXPECT_EQ(head_.jobs[0].first.driver().process(), 50U);
  EXPECT_EQ(head_.jobs[0].first.program().origin(), self_.Bytes());
  core_.client_handler().OnRegistered(*info);
  EXPECT_TRUE(processes_.on_exits.contains(77)) << "it is watched";
  EXPECT_EQ(packer_.packed.size(), 1U) << "the other node may need its program";
}

TEST_F(ClientDispatcherTest, AWorkerMustShowThatItWasStartedHere) {
  pb::RegisterClient request;
  request.set_kind(pb::WorkerInfo::WORKER);
  request.set_process(51);
  request.set_cookie("guessed");
  EXPECT_EQ(Admit(request).status().code(), StatusCode::kPermissionDenied);
  request.set_cookie("cookie");
  ASSERT_TRUE(Admit(request).ok());
  EXPECT_EQ(Admit(request)->job, JobId{kJob});
}

TEST_F(ClientDispatcherTest, ATemplateIsThePoolsFromThenOn) {
  pb::RegisterClient request;
  request.set_kind(pb::WorkerInfo::TEMPLATE);
  request.set_cookie("guessed");
  EXPECT_EQ(Admit(request).status().code(), StatusCode::kPermissionDenied);
  request.set_cookie("cookie");
  const auto info = Admit(request);
  ASSERT_TRUE(info.ok());
  workers_.templates.at(77)(pb::RayletToClient());
  EXPECT_EQ(clients_.to_templates.size(), 1U);
  pb::ClientToRaylet ready;
  ready.mutable_template_ready();
  EXPECT_TRUE(core_.client_handler().OnMessage(*info, ready).ok());
  EXPECT_EQ(workers_.template_messages, 1);
  pb::ClientToRaylet lease = Request(0);
  lease.mutable_lease_request()->set_count(1);
  EXPECT_FALSE(core_.client_handler().OnMessage(*info, lease).ok()) << "templates lease nothing";
  core_.client_handler().OnClosed(*info, OkStatus());
  EXPECT_TRUE(workers_.templates.empty());
}

TEST_F(ClientDispatcherTest, WhoIsNeitherIsRefused) {
  EXPECT_EQ(Admit(pb::RegisterClient()).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(ClientDispatcherTest, AClientIsToldOfItsNode) {
  pb::Registered registered;
  core_.client_handler().FillRegistered(clients_.infos.at(worker_), &registered);
  EXPECT_EQ(registered.node(), self_.Bytes());
  EXPECT_EQ(registered.cluster(), (ClusterId{5, 5}).Bytes());
}

TEST_F(ClientDispatcherTest, AConnectionThatEndsIsTheProcesssEnd) {
  const auto close = [this](ProcessId client) {
    clients_.connected.erase(client);
    core_.client_handler().OnClosed(clients_.infos.at(client), OkStatus());
  };
  const ProcessId other{23};
  AddClient(other, pb::WorkerInfo::WORKER);
  pb::ClientToRaylet open = Request();
  open.mutable_open_channel()->set_peer(worker_.value);
  EXPECT_TRUE(FromClient(driver_, open).ok());
  close(driver_);
  EXPECT_EQ(head_.finished.size(), 1U);
  EXPECT_EQ(clients_.Of(worker_, pb::RayletToClient::kProcessDied).size(), 1U) << "they share a channel";
  EXPECT_TRUE(clients_.Of(other, pb::RayletToClient::kProcessDied).empty()) << "it has nothing to do with it";
  EXPECT_EQ(peers_.Sent(peer_).died_size(), 0);
}

TEST_F(ClientDispatcherTest, WhoWatchesAProcessIsToldOfItsEnd) {
  pb::ClientToRaylet watch = Request(0);
  *watch.mutable_watch_process()->mutable_process() = ToPb(Address{self_, driver_});
  EXPECT_TRUE(FromClient(worker_, watch).ok());
  *watch.mutable_watch_process()->mutable_process() = ToPb(Address{peer_, ProcessId{31}});
  EXPECT_TRUE(FromClient(worker_, watch).ok());
  EXPECT_EQ(peers_.Sent(peer_).watch(0), 31U);
  EXPECT_TRUE(clients_.Of(worker_, pb::RayletToClient::kProcessDied).empty());
  clients_.connected.erase(driver_);
  core_.client_handler().OnClosed(clients_.infos.at(driver_), OkStatus());
  EXPECT_EQ(clients_.Of(worker_, pb::RayletToClient::kProcessDied).size(), 1U);
}

// --- Messages --------------------------------------------------------------------------------------------------------

TEST_F(ClientDispatcherTest, RequestsAboutActorsGoToTheHead) {
  pb::ClientToRaylet create = Request();
  create.mutable_create_actor()->mutable_spec()->set_id(ActorId{driver_.value, 1}.Bytes());
  EXPECT_TRUE(FromClient(driver_, create).ok());
  const auto told = head_.Told(pb::NodeToHead::kRegisterActor);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].register_actor().actor().spec().creator().process(), driver_.value);
  pb::ClientToRaylet find = Request(6);
  find.mutable_find_actor()->set_name("n");
  EXPECT_TRUE(FromClient(driver_, find).ok());
  EXPECT_EQ(head_.asked.at(0).name_space(), "ns");
  pb::ClientToRaylet kill = Request(7);
  kill.mutable_kill_actor()->set_id("x");
  EXPECT_TRUE(FromClient(driver_, kill).ok());
  EXPECT_EQ(head_.killed.size(), 1U);
  pb::ClientToRaylet list = Request(8);
  list.mutable_list_named();
  EXPECT_TRUE(FromClient(driver_, list).ok());
  EXPECT_EQ(head_.listed.size(), 1U);
  pb::ClientToRaylet release = Request(0);
  release.mutable_release_actor()->set_id(ActorId{driver_.value, 1}.Bytes());
  EXPECT_TRUE(FromClient(driver_, release).ok());
  EXPECT_EQ(head_.Told(pb::NodeToHead::kReleaseActor).size(), 1U);
}

TEST_F(ClientDispatcherTest, LeasesGoToTheLeaseManager) {
  pb::ClientToRaylet lease = Request(0);
  lease.mutable_lease_request()->set_key(3);
  lease.mutable_lease_request()->set_count(1);
  EXPECT_TRUE(FromClient(driver_, lease).ok());
  ASSERT_EQ(workers_.waiting.size(), 1U);
  const ProcessId leased = workers_.Start();
  const auto grants = clients_.Grants(driver_);
  ASSERT_EQ(grants.size(), 1U);
  EXPECT_EQ(grants[0].worker().process(), leased.value);
  pb::ClientToRaylet back = Request(0);
  back.mutable_return_lease()->set_lease(grants[0].lease());
  EXPECT_TRUE(FromClient(driver_, back).ok());
  EXPECT_THAT(workers_.released, ElementsAre(leased));
}

TEST_F(ClientDispatcherTest, ObjectsGoToTheStore) {
  const std::string id = ObjectId{driver_.value, 9}.Bytes();
  pb::ClientToRaylet create = Request(11);
  create.mutable_create_object()->set_id(id);
  create.mutable_create_object()->set_size(100);
  EXPECT_TRUE(FromClient(driver_, create).ok());
  ASSERT_EQ(Replies(driver_, 11).size(), 1U);
  EXPECT_TRUE(Replies(driver_, 11)[0].has_object_extent());
  pb::ClientToRaylet seal = Request(0);
  seal.mutable_seal_object()->set_id(id);
  EXPECT_TRUE(FromClient(driver_, seal).ok());
  pb::ClientToRaylet get = Request(12);
  get.mutable_get_object()->set_id(id);
  EXPECT_TRUE(FromClient(worker_, get).ok());
  EXPECT_TRUE(Replies(worker_, 12).at(0).has_object_extent());
  EXPECT_EQ(store_->GetUsage().pinned, 1U);
  pb::ClientToRaylet release = Request(0);
  release.mutable_release_object()->set_id(id);
  EXPECT_TRUE(FromClient(worker_, release).ok());
  EXPECT_EQ(store_->GetUsage().pinned, 0U);
  pb::ClientToRaylet remove = Request(0);
  remove.mutable_delete_objects()->add_ids(id);
  EXPECT_TRUE(FromClient(driver_, remove).ok());
  EXPECT_EQ(store_->GetUsage().objects, 0U);
  create.mutable_create_object()->set_size(50);
  EXPECT_TRUE(FromClient(driver_, create).ok());
  pb::ClientToRaylet abort = Request(0);
  abort.mutable_abort_object()->set_id(id);
  EXPECT_TRUE(FromClient(driver_, abort).ok());
  EXPECT_EQ(store_->GetUsage().objects, 0U);
}

TEST_F(ClientDispatcherTest, ChannelsGoToTheBroker) {
  pb::ClientToRaylet open = Request(13);
  open.mutable_open_channel()->set_peer(worker_.value);
  EXPECT_TRUE(FromClient(driver_, open).ok());
  ASSERT_EQ(regions_.names.size(), 1U);
  pb::ClientToRaylet close = Request(0);
  close.mutable_close_channel()->set_peer(worker_.value);
  close.mutable_close_channel()->set_region(*regions_.names.begin());
  EXPECT_TRUE(FromClient(driver_, close).ok());
  EXPECT_TRUE(regions_.names.empty());
}

TEST_F(ClientDispatcherTest, APingAndTheStateOfTheClusterAreAnsweredHere) {
  pb::ClientToRaylet ping = Request(14);
  ping.mutable_ping();
  EXPECT_TRUE(FromClient(driver_, ping).ok());
  EXPECT_TRUE(Replies(driver_, 14).at(0).has_done());
  pb::ClientToRaylet state = Request(15);
  state.mutable_cluster_state();
  EXPECT_TRUE(FromClient(driver_, state).ok());
  EXPECT_EQ(Replies(driver_, 15).at(0).cluster_state().nodes_size(), 2);
}

TEST_F(ClientDispatcherTest, ADriverMayLeaveWhenItHasWhatItsWorkersPrinted) {
  pb::ClientToRaylet leave = Request(16);
  leave.mutable_exit_intent();
  EXPECT_TRUE(FromClient(driver_, leave).ok());
  EXPECT_THAT(Replies(driver_, 16), IsEmpty()) << "the other node has not flushed";
  pb::PeerMessage flushed;
  flushed.add_flushed_logs(peers_.Sent(peer_).flush_logs(0).id());
  FromPeer(flushed);
  EXPECT_EQ(Replies(driver_, 16).size(), 1U);
  leave.set_request_id(17);
  EXPECT_FALSE(FromClient(worker_, leave).ok()) << "workers do not ask for leave";
}

TEST_F(ClientDispatcherTest, WhatWorkersSayOfTheirActorsGoesToTheHostAndTheDirectory) {
  pb::HeadToNode start;
  start.mutable_start_actor()->mutable_spec()->set_id(ActorId{driver_.value, 1}.Bytes());
  start.mutable_start_actor()->set_incarnation(1);
  start.mutable_start_actor()->mutable_job()->set_id(kJob);
  FromHead(start);
  const ProcessId host = workers_.Start();
  AddClient(host, pb::WorkerInfo::WORKER);
  pb::ClientToRaylet constructed = Request(0);
  constructed.mutable_actor_constructed()->set_id(ActorId{driver_.value, 1}.Bytes());
  constructed.mutable_actor_constructed()->set_incarnation(1);
  EXPECT_TRUE(FromClient(host, constructed).ok());
  EXPECT_EQ(head_.Told(pb::NodeToHead::kActorStarted).size(), 1U);
  EXPECT_FALSE(FromClient(host, constructed).ok()) << "it was not told to construct it again";
  EXPECT_FALSE(FromClient(worker_, constructed).ok()) << "nor was this one";
  pb::ClientToRaylet intent = Request(0);
  intent.mutable_exit_intent()->set_no_restart(true);
  EXPECT_TRUE(FromClient(host, intent).ok());
  core_.OnWorkerExit({host, JobId{kJob}, 1}, "exited with status 0");
  clients_.connected.erase(host);
  core_.client_handler().OnClosed(clients_.infos.at(host), OkStatus());
  loop_.RunPosted();
  const auto died = head_.Told(pb::NodeToHead::kActorProcessDied);
  ASSERT_EQ(died.size(), 1U);
  EXPECT_TRUE(died[0].actor_process_died().intended());
}

TEST_F(ClientDispatcherTest, AWorkerThatWaitsLendsItsCpus) {
  pb::ClientToRaylet lease = Request(0);
  lease.mutable_lease_request()->set_count(1);
  *lease.mutable_lease_request()->mutable_resources() = ToPb(Amounts({{"CPU", 4}}));
  EXPECT_TRUE(FromClient(driver_, lease).ok());
  const ProcessId leased = workers_.Start();
  AddClient(leased, pb::WorkerInfo::WORKER);
  EXPECT_TRUE(core_.resources().available().empty());
  pb::ClientToRaylet blocked = Request(0);
  blocked.mutable_blocked()->set_blocked(true);
  EXPECT_TRUE(FromClient(leased, blocked).ok());
  EXPECT_EQ(core_.resources().available(), core_.resources().total());
}

TEST_F(ClientDispatcherTest, AWorkerThatStaysIsTheSourcesToAskAgain) {
  pb::ClientToRaylet declined = Request(0);
  declined.mutable_exit_declined();
  EXPECT_TRUE(FromClient(worker_, declined).ok());
  EXPECT_THAT(workers_.declined, ElementsAre(worker_));
}

TEST_F(ClientDispatcherTest, RoutedFramesGoWhereTheirHeaderSays) {
  const std::string payload = ipc::EncodeRoutedHeader({peer_, ProcessId{31}}) + "frame";
  EXPECT_TRUE(core_.client_handler().OnRouted(clients_.infos.at(driver_), payload).ok());
  EXPECT_EQ(peers_.Sent(peer_).frames(0).frame(), "frame");
  EXPECT_FALSE(core_.client_handler().OnRouted(clients_.infos.at(driver_), "x").ok()) << "no header";
  EXPECT_TRUE(clients_.paused.empty());
}

TEST_F(ClientDispatcherTest, WhatGoesToACongestedNodeIsGivenBackWhenTheWayIsFree) {
  const auto send = [this](int times) {
    const std::string payload = ipc::EncodeRoutedHeader({peer_, ProcessId{31}}) + std::string(1 << 20, 'x');
    for (int i = 0; i < times; ++i) {
      EXPECT_TRUE(core_.client_handler().OnRouted(clients_.infos.at(driver_), payload).ok());
    }
  };
  const auto given = [this](ProcessId client) {
    std::uint64_t bytes = 0;
    for (const auto& message : clients_.Of(client, pb::RayletToClient::kNodeCredit)) {
      EXPECT_EQ(message.node_credit().node(), peer_.Bytes());
      bytes += message.node_credit().bytes();
    }
    return bytes >> 20;
  };
  send(5);
  EXPECT_EQ(given(driver_), 4U) << "in halves of the window";
  peers_.stalled = true;
  send(20);
  EXPECT_EQ(given(driver_), 12U) << "more than 8 MiB wait";
  EXPECT_TRUE(clients_.paused.empty());
  send(60);
  EXPECT_EQ(given(driver_), 12U);
  EXPECT_FALSE(clients_.paused.empty()) << "it has no credit for that";
  peers_.stalled = false;
  peers_.streams.at(peer_)->handlers.on_drained();
  EXPECT_EQ(given(driver_), 85U) << "all of it";
  EXPECT_EQ(given(worker_), 0U);
  EXPECT_EQ(clients_.resumed, std::vector<NodeId>{peer_});
}

TEST_F(ClientDispatcherTest, WhatItDoesNotKnowEndsTheConnection) {
  EXPECT_EQ(FromClient(driver_, Request()).code(), StatusCode::kInvalidArgument) << "an empty request";
  EXPECT_EQ(FromClient(driver_, Request(0)).code(), StatusCode::kInvalidArgument) << "an empty notice";
  pb::ClientToRaylet notice = Request();
  notice.mutable_seal_object();
  EXPECT_EQ(FromClient(driver_, notice).code(), StatusCode::kInvalidArgument) << "a notice is no request";
  pb::ClientToRaylet request = Request(0);
  request.mutable_ping();
  EXPECT_EQ(FromClient(driver_, request).code(), StatusCode::kInvalidArgument) << "a request needs a number";
  pb::ClientToRaylet forked = Request(0);
  forked.mutable_template_forked();
  EXPECT_EQ(FromClient(driver_, forked).code(), StatusCode::kInvalidArgument) << "templates say that";
}

}  // namespace
}  // namespace troupe::raylet
