#include "raylet/links/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes.h"
#include "ipc/channel.h"
#include "ipc/client_wire.h"
#include "raylet/links/channel_broker.h"

namespace troupe::raylet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    clients_.connected = {a_, b_};
    peers_.alive = {peer_};
    cluster_.Apply(Nodes({Node(self_, {}), Node(peer_, {})}));
  }
  std::vector<pb::RayletToClient> Undelivered(ProcessId client) {
    return clients_.Of(client, pb::RayletToClient::kUndeliverable);
  }

  const NodeId self_{1, 1};
  const NodeId peer_{2, 2};
  const ProcessId a_{0x0102030405060708};
  const ProcessId b_{2};
  FakeClients clients_;
  FakePeers peers_;
  ClusterView cluster_{self_};
  static EndedProcess Over(ProcessId process) { return {.address = {{2, 2}, process}, .job = {}, .reason = "killed"}; }

  DeathWatches watches_{cluster_, clients_, peers_, [this](ProcessId process) { return clients_.Connected(process); }};
  Router router_{cluster_, clients_, peers_, watches_};
};

TEST_F(RouterTest, HeadersAreNodeThenLittleEndianProcess) {
  const std::string header = ipc::EncodeRoutedHeader({peer_, a_});
  ASSERT_EQ(header.size(), ipc::kRoutedHeaderBytes);
  EXPECT_EQ(header[7], 2);
  EXPECT_EQ(header[16], 8);
  EXPECT_EQ(header[23], 1);
  EXPECT_EQ(ipc::DecodeRoutedHeader(header).value(), (Address{peer_, a_}));
  EXPECT_FALSE(ipc::DecodeRoutedHeader(header.substr(1)).ok());
}

TEST_F(RouterTest, DeliversWithinTheNodeAndToOthers) {
  ASSERT_TRUE(router_.OnFromClient(a_, ipc::EncodeRoutedHeader({self_, b_}) + "here").ok());
  ASSERT_EQ(clients_.frames.size(), 1U);
  EXPECT_EQ(clients_.frames[0].frame, "here");
  EXPECT_EQ(clients_.frames[0].from, (Address{self_, a_}));
  ASSERT_TRUE(router_.OnFromClient(a_, ipc::EncodeRoutedHeader({peer_, ProcessId{9}}) + "there").ok());
  ASSERT_EQ(peers_.sent.size(), 1U);
  const pb::RoutedFrame& frame = peers_.sent[0].second.frames(0);
  EXPECT_EQ(frame.frame(), "there");
  EXPECT_EQ(frame.from(), a_.value);
  EXPECT_EQ(frame.to(), 9U);
}

TEST_F(RouterTest, RefusesAFrameWithoutADestination) { EXPECT_FALSE(router_.OnFromClient(a_, "short").ok()); }

TEST_F(RouterTest, TellsTheSenderWhatFindsNobody) {
  ASSERT_TRUE(router_.OnFromClient(a_, ipc::EncodeRoutedHeader({self_, ProcessId{9}})).ok());
  ASSERT_TRUE(router_.OnFromClient(a_, ipc::EncodeRoutedHeader({NodeId{7, 7}, b_})).ok());
  ASSERT_EQ(Undelivered(a_).size(), 2U);
  EXPECT_EQ(Undelivered(a_)[0].undeliverable().destination().process(), 9U);
  EXPECT_THAT(Undelivered(a_)[1].undeliverable().reason(), HasSubstr("not part of this cluster"));
  EXPECT_TRUE(Undelivered(a_)[0].undeliverable().gone());
}

TEST_F(RouterTest, TellsASenderOnAnotherNodeToo) {
  pb::RoutedFrame frame;
  frame.set_from(77);
  frame.set_to(9);
  router_.OnFromPeer(peer_, frame);
  ASSERT_EQ(peers_.sent.size(), 1U);
  const pb::DirectMessage& direct = peers_.sent[0].second.messages(0);
  EXPECT_EQ(direct.to(), 77U);
  pb::RayletToClient message;
  ASSERT_TRUE(message.ParseFromString(direct.message()));
  EXPECT_EQ(message.undeliverable().destination().node(), self_.Bytes());
}

TEST_F(RouterTest, ABrokenLinkIsToldToThoseWhoMayWaitForAnAnswer) {
  ASSERT_TRUE(router_.OnFromClient(a_, ipc::EncodeRoutedHeader({peer_, ProcessId{9}})).ok());
  ASSERT_TRUE(router_.OnFromClient(a_, ipc::EncodeRoutedHeader({peer_, ProcessId{10}})).ok());
  router_.OnProcessOver(Over(ProcessId{10}));
  router_.OnLinkBroken(peer_);
  ASSERT_EQ(Undelivered(a_).size(), 1U);
  EXPECT_EQ(Undelivered(a_)[0].undeliverable().destination().process(), 9U);
  EXPECT_FALSE(Undelivered(a_)[0].undeliverable().gone()) << "only the way there is";
  EXPECT_THAT(Undelivered(b_), IsEmpty());
  router_.OnLinkBroken(peer_);
  EXPECT_EQ(Undelivered(a_).size(), 1U) << "nothing was sent since";
}

TEST_F(RouterTest, WhoExchangesFramesWatchesTheOther) {
  pb::RoutedFrame frame;
  frame.set_to(b_.value);
  for (std::uint64_t from : {7, 8, 7}) {
    frame.set_from(from);
    router_.OnFromPeer(peer_, frame);
  }
  ASSERT_TRUE(router_.OnFromClient(a_, ipc::EncodeRoutedHeader({peer_, ProcessId{9}})).ok());
  EXPECT_THAT(watches_.Of(peer_), ::testing::UnorderedElementsAre(ProcessId{7}, ProcessId{8}, ProcessId{9}));
  ASSERT_TRUE(router_.OnFromClient(a_, ipc::EncodeRoutedHeader({self_, b_})).ok());
  watches_.OnProcessOver({.address = {self_, a_}, .is_local = true, .job = {}, .reason = "killed"});
  EXPECT_EQ(clients_.Of(b_, pb::RayletToClient::kProcessDied).size(), 1U);
  ASSERT_EQ(peers_.sent.back().second.died_size(), 1) << "the node of 9 heard from it";
  EXPECT_EQ(peers_.sent.back().second.died(0).process(), a_.value);
}

TEST_F(RouterTest, IgnoresADirectMessageThatDoesNotDecode) {
  pb::DirectMessage direct;
  direct.set_to(a_.value);
  direct.set_message("\xff\xff\xff");
  router_.OnDirect(peer_, direct);
  EXPECT_TRUE(clients_.sent.empty());
}

TEST_F(RouterTest, PassesOnFromOtherNodesOnlyWhatTheyMaySay) {
  const auto pass = [&](const pb::RayletToClient& message) {
    pb::DirectMessage direct;
    direct.set_to(a_.value);
    direct.set_message(message.SerializeAsString());
    router_.OnDirect(peer_, direct);
  };
  pb::RayletToClient exit;
  exit.mutable_exit()->set_reason("because");
  pass(exit);
  pb::RayletToClient reply;
  reply.set_request_id(1);
  reply.mutable_log_lines();
  pass(reply);
  EXPECT_TRUE(clients_.sent.empty());
  pb::RayletToClient lines;
  lines.mutable_log_lines()->add_lines("hello");
  pass(lines);
  EXPECT_EQ(clients_.sent.size(), 1U);
}

TEST_F(RouterTest, ForgetsAProcessThatAnotherNodeDoesNotKnow) {
  ASSERT_TRUE(router_.OnFromClient(a_, ipc::EncodeRoutedHeader({peer_, ProcessId{9}}) + "there").ok());
  pb::RayletToClient undeliverable;
  undeliverable.mutable_undeliverable()->mutable_destination()->set_node(peer_.Bytes());
  undeliverable.mutable_undeliverable()->mutable_destination()->set_process(9);
  pb::DirectMessage direct;
  direct.set_to(a_.value);
  direct.set_message(undeliverable.SerializeAsString());
  router_.OnDirect(peer_, direct);
  EXPECT_EQ(Undelivered(a_).size(), 1U);
  router_.OnLinkBroken(peer_);
  EXPECT_EQ(Undelivered(a_).size(), 1U);  // it has been told
}

class ChannelBrokerTest : public ::testing::Test {
 protected:
  ChannelBrokerTest() {
    for (std::uint64_t id : {1, 2, 3}) {
      clients_.connected.insert(ProcessId{id});
      ClientInfo& info = infos_[ProcessId{id}];
      info.process = ProcessId{id};
      info.kind = pb::WorkerInfo::WORKER;
      info.pid = static_cast<pid_t>(40 + id);
      info.program = "/bin/hello";
      info.doorbell = "bell" + std::to_string(id);
    }
  }
  void Open(std::uint64_t from, std::uint64_t peer, const std::string& larger_than = "") {
    pb::OpenChannel open;
    open.set_peer(peer);
    open.set_larger_than(larger_than);
    broker_->Open(infos_.at(ProcessId{from}), 5, open);
  }
  void Close(std::uint64_t from, std::uint64_t peer, const std::string& region) {
    pb::CloseChannel close;
    close.set_peer(peer);
    close.set_region(region);
    close.set_reason("it holds nonsense");
    broker_->Close(infos_.at(ProcessId{from}), close);
  }
  std::vector<pb::RayletToClient> Opened(std::uint64_t client) {
    return clients_.Of(ProcessId{client}, pb::RayletToClient::kChannelOpened);
  }

  FakeClients clients_;
  FakeRegions regions_;
  std::map<ProcessId, ClientInfo> infos_;
  std::unique_ptr<ChannelBroker> broker_ =
      std::make_unique<ChannelBroker>("t-ch-", regions_, clients_, [this](ProcessId id) -> const ClientInfo* {
        auto it = infos_.find(id);
        return it == infos_.end() ? nullptr : &it->second;
      });
};

TEST_F(ChannelBrokerTest, GivesBothSidesTheSameRegionAndEachOthersDoorbell) {
  Open(2, 1);
  ASSERT_EQ(Opened(1).size(), 1U);
  ASSERT_EQ(Opened(2).size(), 1U);
  const auto to_peer = Opened(1)[0];
  const auto reply = Opened(2)[0];
  EXPECT_EQ(reply.request_id(), 5U);
  EXPECT_EQ(to_peer.request_id(), 0U);
  EXPECT_EQ(reply.channel_opened().region(), to_peer.channel_opened().region());
  EXPECT_EQ(reply.channel_opened().side(), 0U);
  EXPECT_EQ(to_peer.channel_opened().side(), 1U);
  EXPECT_EQ(reply.channel_opened().peer_doorbell(), "bell1");
  EXPECT_EQ(to_peer.channel_opened().peer_doorbell(), "bell2");
}

TEST_F(ChannelBrokerTest, APairThatOpensFromBothEndsSharesOneChannel) {
  Open(1, 2);
  Open(2, 1);
  EXPECT_EQ(regions_.names.size(), 1U);
  EXPECT_EQ(Opened(1).size(), 1U);
  ASSERT_EQ(Opened(2).size(), 2U);
  EXPECT_EQ(Opened(2)[1].channel_opened().side(), 1U);
}

TEST_F(ChannelBrokerTest, RefusesAPeerThatIsNotHereAndItself) {
  Open(1, 9);
  Open(1, 1);
  ASSERT_EQ(clients_.sent.size(), 2U);
  for (const auto& [to, message] : clients_.sent) {
    EXPECT_EQ(message.error().outcome(), pb::Error::NOT_EXECUTED);
    EXPECT_EQ(message.request_id(), 5U);
  }
  EXPECT_TRUE(regions_.names.empty());
}

TEST_F(ChannelBrokerTest, AFullMachineIsAnErrorForTheRequester) {
  regions_.full = true;
  Open(1, 2);
  ASSERT_EQ(clients_.sent.size(), 1U);
  EXPECT_THAT(clients_.sent[0].second.error().message(), HasSubstr("full"));
}

TEST_F(ChannelBrokerTest, BeginsSmallAndGrowsOnce) {
  Open(1, 2);
  const std::string small = Opened(1)[0].channel_opened().region();
  EXPECT_EQ(regions_.capacities[small], ipc::kFirstRingCapacity);
  Open(2, 1, small);
  Open(1, 2, small);  // both at once
  ASSERT_EQ(Opened(1).size(), 3U);
  ASSERT_EQ(Opened(2).size(), 2U);
  const std::string large = Opened(2)[1].channel_opened().region();
  for (const auto& message : {Opened(1)[1], Opened(1)[2], Opened(2)[1]}) {
    EXPECT_EQ(message.channel_opened().region(), large);
    EXPECT_EQ(message.channel_opened().follows(), small);
    EXPECT_EQ(message.channel_opened().peer_name().substr(0, 6), "WORKER");
  }
  EXPECT_EQ(Opened(1)[2].channel_opened().side(), 0U);
  EXPECT_EQ(Opened(2)[1].channel_opened().side(), 1U);
  EXPECT_EQ(regions_.capacities[large], ipc::kGrownRingCapacity);
  EXPECT_THAT(regions_.names, ElementsAre(large));
  Open(1, 2, large);
  EXPECT_TRUE(clients_.sent.back().second.has_error());
  Open(1, 3, "");
  Open(1, 3, "another pair's");
  EXPECT_TRUE(clients_.sent.back().second.has_error());
}

TEST_F(ChannelBrokerTest, WithoutMemoryForALargerOneTheSmallOneStays) {
  Open(1, 2);
  regions_.full = true;
  Open(1, 2, Opened(1)[0].channel_opened().region());
  EXPECT_TRUE(clients_.sent.back().second.has_error());
  EXPECT_EQ(Opened(2).size(), 1U);
  EXPECT_EQ(regions_.names.size(), 1U);
}

TEST_F(ChannelBrokerTest, WhatOneSideClosesBothOpenAnew) {
  Open(1, 2);
  const std::string first = Opened(1)[0].channel_opened().region();
  Close(2, 1, first);
  EXPECT_TRUE(regions_.names.empty());
  const auto closed = clients_.Of(ProcessId{1}, pb::RayletToClient::kChannelClosed);
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].channel_closed().peer(), 2U);
  EXPECT_EQ(closed[0].channel_closed().region(), first);
  EXPECT_THAT(closed[0].channel_closed().reason(), HasSubstr("(pid 42, program /bin/hello)"));
  EXPECT_THAT(closed[0].channel_closed().reason(), HasSubstr("nonsense"));
  Open(2, 1);
  Close(1, 2, first);  // found broken by both
  EXPECT_EQ(regions_.names.size(), 1U);
  EXPECT_TRUE(clients_.Of(ProcessId{2}, pb::RayletToClient::kChannelClosed).empty());
}

TEST_F(ChannelBrokerTest, WhoClosesTheSmallOneClosesTheLargerOneThatFollows) {
  Open(1, 2);
  const std::string small = Opened(1)[0].channel_opened().region();
  Open(2, 1, small);
  Close(1, 2, small);
  EXPECT_TRUE(regions_.names.empty());
  ASSERT_EQ(clients_.Of(ProcessId{2}, pb::RayletToClient::kChannelClosed).size(), 1U);
}

TEST_F(ChannelBrokerTest, NamesGoWithEitherEnd) {
  Open(1, 2);
  Open(2, 3);
  Open(1, 3);
  broker_->OnClientGone(ProcessId{2});
  EXPECT_EQ(regions_.names.size(), 1U);
  broker_.reset();
  EXPECT_TRUE(regions_.names.empty());
}

}  // namespace
}  // namespace troupe::raylet
