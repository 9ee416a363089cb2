#include "raylet/links/death_watches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes.h"

namespace troupe::raylet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DeathWatchesTest : public ::testing::Test {
 protected:
  DeathWatchesTest() {
    clients_.connected = {a_, b_};
    peers_.alive = {peer_};
    cluster_.Apply(Nodes({Node(self_, {}), Node(peer_, {}), Node(gone_, {}, false)}));
  }
  void End(NodeId node, ProcessId process) {
    watches_.OnProcessOver({.address = {node, process}, .is_local = node == self_, .job = {}, .reason = "killed"});
    clients_.connected.erase(process);
  }
  std::vector<ProcessId> Told(ProcessId client) const {
    std::vector<ProcessId> told;
    for (const auto& message : clients_.Of(client, pb::RayletToClient::kProcessDied)) {
      told.emplace_back(message.process_died().process());
    }
    return told;
  }
  std::vector<ProcessId> PeerTold() const {
    std::vector<ProcessId> told;
    for (const auto& [to, message] : peers_.sent) {
      for (const pb::ProcessDied& died : message.died()) told.emplace_back(died.process());
    }
    return told;
  }
  std::vector<ProcessId> Asked() const {
    std::vector<ProcessId> asked;
    for (const auto& [to, message] : peers_.sent) {
      for (const std::uint64_t process : message.watch()) asked.emplace_back(process);
    }
    return asked;
  }

  const NodeId self_{0, 1};
  const NodeId peer_{0, 2};
  const NodeId gone_{0, 7};
  const ProcessId a_{1};
  const ProcessId b_{2};
  const ProcessId far_{31};  // on the peer
  FakeClients clients_;
  FakePeers peers_;
  ClusterView cluster_{self_};
  DeathWatches watches_{cluster_, clients_, peers_, [this](ProcessId process) { return clients_.Connected(process); }};
};

TEST_F(DeathWatchesTest, WhoWatchesIsToldOnceAndNobodyElse) {
  watches_.Watch(a_, {self_, b_});
  watches_.Watch(a_, {self_, b_});
  End(self_, b_);
  EXPECT_THAT(Told(a_), ElementsAre(b_));
  EXPECT_TRUE(peers_.sent.empty());
  EXPECT_EQ(watches_.size(), 0U);
}

TEST_F(DeathWatchesTest, AProcessThatHadEndedIsToldAtOnce) {
  watches_.Watch(a_, {self_, ProcessId{9}});
  watches_.Watch(a_, {gone_, ProcessId{10}});
  EXPECT_THAT(Told(a_), ElementsAre(ProcessId{9}, ProcessId{10}));
  EXPECT_EQ(watches_.size(), 0U) << "nothing is kept of them";
}

TEST_F(DeathWatchesTest, ANodeThatIsNotKnownYetIsAskedWhenItIs) {
  const NodeId late{0, 4};
  watches_.Watch(a_, {late, ProcessId{41}});
  EXPECT_THAT(Told(a_), IsEmpty()) << "it may live";
  EXPECT_THAT(Asked(), IsEmpty());
  cluster_.Apply(Nodes({Node(late, {})}));
  peers_.alive.insert(late);
  watches_.AskAgain(late);
  EXPECT_THAT(Asked(), ElementsAre(ProcessId{41}));
}

TEST_F(DeathWatchesTest, ANodeThatIsFirstHeardOfDeadIsToldOf) {
  const NodeId late{0, 4};
  watches_.Watch(a_, {late, ProcessId{41}});
  cluster_.Apply(Nodes({Node(late, {}, false)}));
  watches_.AskAgain(late);
  EXPECT_THAT(Told(a_), ElementsAre(ProcessId{41}));
  EXPECT_EQ(watches_.size(), 0U);
}

TEST_F(DeathWatchesTest, AnotherNodeIsAskedOnceForAProcessOfIts) {
  watches_.Watch(a_, {peer_, far_});
  watches_.Watch(b_, {peer_, far_});
  watches_.Watch({peer_, far_});
  EXPECT_THAT(Asked(), ElementsAre(far_));
  End(peer_, far_);
  EXPECT_THAT(Told(a_), ElementsAre(far_));
  EXPECT_THAT(Told(b_), ElementsAre(far_));
  EXPECT_EQ(watches_.size(), 0U);
}

TEST_F(DeathWatchesTest, AnotherNodeIsToldOfWhatItAsksFor) {
  watches_.OnAsked(peer_, a_);
  watches_.OnAsked(peer_, ProcessId{9});
  EXPECT_THAT(PeerTold(), ElementsAre(ProcessId{9})) << "it had ended";
  End(self_, b_);
  End(self_, a_);
  EXPECT_THAT(PeerTold(), ElementsAre(ProcessId{9}, a_));
  EXPECT_EQ(watches_.size(), 0U);
}

TEST_F(DeathWatchesTest, WhoHasMetWatchEachOtherWithoutAMessage) {
  watches_.OnMet(a_, {peer_, far_});
  EXPECT_TRUE(peers_.sent.empty());
  End(self_, a_);
  EXPECT_THAT(PeerTold(), ElementsAre(a_));
  watches_.OnMet(b_, {peer_, far_});
  End(peer_, far_);
  EXPECT_THAT(Told(b_), ElementsAre(far_));
}

TEST_F(DeathWatchesTest, WhatMayHaveBeenLostWithAConnectionIsAskedAgain) {
  watches_.OnMet(a_, {peer_, far_});
  watches_.OnMet(a_, {NodeId{0, 3}, ProcessId{41}});
  watches_.Watch(a_, {self_, b_});
  watches_.AskAgain(self_);
  watches_.AskAgain(peer_);
  EXPECT_THAT(Told(a_), IsEmpty());
  EXPECT_THAT(Asked(), ElementsAre(far_));
}

TEST_F(DeathWatchesTest, ANodesEndTakesItsProcessesAndItsInterestWithIt) {
  watches_.OnMet(a_, {peer_, far_});
  watches_.OnAsked(peer_, b_);
  EXPECT_THAT(watches_.Of(peer_), ElementsAre(far_));
  watches_.OnNodeOver(peer_, "it left");
  EXPECT_THAT(Told(a_), IsEmpty()) << "the clients are told of the node";
  EXPECT_EQ(watches_.size(), 0U);
}

TEST_F(DeathWatchesTest, WhatAClientWatchedIsNotToldToItAfterItsEnd) {
  watches_.Watch(a_, {self_, b_});
  watches_.Watch(a_, {peer_, far_});
  End(self_, a_);
  End(self_, b_);
  End(peer_, far_);
  EXPECT_THAT(Told(a_), IsEmpty());
  EXPECT_EQ(watches_.size(), 0U);
}

}  // namespace
}  // namespace troupe::raylet
