#include "raylet/objects/object_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/manual_event_loop.h"
#include "fakes.h"
#include "tests/unit/object_store/slow_memory.h"

namespace troupe::raylet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::uint64_t kCapacity = 1 << 20;
constexpr std::uint64_t kHalf = 400 << 10;

class ObjectManagerTest : public ::testing::Test {
 protected:
  ObjectManagerTest() {
    clients_.connected = {a_, b_};
    peers_.alive = {peer_};
  }

  static std::unique_ptr<store::StoreOwner> OpenStore(store::SegmentMemory* memory = nullptr) {
    store::StoreOptions options;
    options.name_prefix = "troupe-test-" + ProcessId::Random().Hex();
    options.capacity = kCapacity;
    options.warm_limit = 0;
    return std::move(store::StoreOwner::Open(options, memory)).value();
  }
  void Create(ProcessId client, ObjectId id, std::uint64_t size) {
    pb::CreateObject create;
    create.set_id(id.Bytes());
    create.set_size(size);
    objects_.Create(client, ++request_, create);
  }
  void Seal(ProcessId client, ObjectId id) {
    pb::SealObject seal;
    seal.set_id(id.Bytes());
    objects_.Seal(client, seal);
  }
  void Get(ProcessId client, ObjectId id, std::vector<NodeId> nodes = {}) {
    pb::GetObject get;
    get.set_id(id.Bytes());
    for (NodeId node : nodes) get.add_nodes(node.Bytes());
    objects_.Get(client, ++request_, get);
  }
  void Delete(ObjectId id, NodeId node = {}) { DeleteAs(ProcessId{id.high}, id, node); }
  void DeleteAs(ProcessId client, ObjectId id, NodeId node = {}) {
    pb::DeleteObjects objects;
    if (node) objects.set_node(node.Bytes());
    objects.add_ids(id.Bytes());
    objects_.Delete(client, objects);
  }
  void Release(ProcessId client, ObjectId id) {
    pb::ReleaseObject release;
    release.set_id(id.Bytes());
    objects_.Release(client, release);
  }
  std::size_t Extents(ProcessId client) { return clients_.Of(client, pb::RayletToClient::kObjectExtent).size(); }
  std::vector<pb::Error> Errors(ProcessId client) {
    std::vector<pb::Error> errors;
    for (const auto& [to, message] : clients_.sent) {
      if (to == client && message.has_error()) errors.push_back(message.error());
    }
    return errors;
  }
  // As a transfer would leave it.
  void Arrive(ObjectId id) {
    ASSERT_TRUE(store_->CreateLocal(id, 100).ok());
    ASSERT_TRUE(store_->SealLocal(id).ok());
    transfers_.Finish(id, OkStatus(), peer_);
  }

  const NodeId self_{0, 1};
  const NodeId peer_{0, 2};
  const ProcessId a_{11};
  const ProcessId b_{12};
  const ObjectId x_{11, 1};
  const ObjectId y_{11, 2};
  const ObjectId z_{12, 1};
  std::uint64_t request_ = 0;
  ManualEventLoop loop_;
  FakeClients clients_;
  FakePeers peers_;
  FakeTransfers transfers_;
  std::unique_ptr<store::StoreOwner> store_ = OpenStore();
  ObjectManager objects_{self_, {loop_, *store_, clients_, peers_, transfers_}, [] {}};
};

TEST_F(ObjectManagerTest, AReaderMayAskBeforeTheSealArrives) {
  Create(a_, x_, 100);
  Get(b_, x_);
  EXPECT_EQ(Extents(b_), 0U);
  Seal(a_, x_);
  EXPECT_EQ(Extents(b_), 1U);
  EXPECT_EQ(objects_.usage().pinned, 1U);
}

TEST_F(ObjectManagerTest, OnlyTheOwnerDeletes) {
  Create(b_, x_, 100);  // of a_: the result of its call
  Seal(b_, x_);
  DeleteAs(b_, x_);
  Get(a_, x_);
  EXPECT_EQ(Extents(a_), 1U);
  DeleteAs(a_, x_);
  Get(b_, x_);
  EXPECT_EQ(Extents(b_), 1U) << "that of the writer";
  EXPECT_EQ(Errors(b_).size(), 1U);
}

TEST_F(ObjectManagerTest, ACallThatIsRunAgainReplacesItsFirstResult) {
  Create(b_, x_, 100);  // of a_: the result of its call
  Seal(b_, x_);
  Create(b_, x_, 200);
  EXPECT_EQ(Extents(b_), 2U);
  Seal(b_, x_);
  EXPECT_TRUE(Errors(b_).empty());
  Create(a_, x_, 300);
  EXPECT_EQ(Errors(a_).size(), 1U) << "an owner makes each of its objects once";
}

TEST_F(ObjectManagerTest, AReaderOfWhatIsGivenUpLearnsIt) {
  Create(a_, x_, 100);
  Get(b_, x_);
  objects_.OnLocalProcessGone(a_);
  ASSERT_EQ(Errors(b_).size(), 1U);
  EXPECT_EQ(Errors(b_)[0].kind(), pb::Error::OBJECT_LOST);
  EXPECT_EQ(objects_.usage().used, 0U);
}

TEST_F(ObjectManagerTest, WhatNobodyHasIsLost) {
  Get(a_, x_, {self_});
  ASSERT_EQ(Errors(a_).size(), 1U);
  EXPECT_EQ(Errors(a_)[0].kind(), pb::Error::OBJECT_LOST);
  EXPECT_THAT(Errors(a_)[0].message(), HasSubstr(x_.Hex()));
}

TEST_F(ObjectManagerTest, ACreateWaitsForRoomInTurn) {
  Create(a_, x_, kHalf);
  Create(a_, y_, kHalf);
  Seal(a_, x_);
  Create(b_, z_, kHalf);
  Create(b_, ObjectId{12, 2}, 64);  // would fit, but is not first
  EXPECT_EQ(Extents(b_), 0U);
  Delete(x_);
  EXPECT_EQ(Extents(b_), 2U);
  EXPECT_TRUE(Errors(b_).empty());
}

TEST_F(ObjectManagerTest, ACreateThatFindsNoRoomInTimeFailsClearly) {
  Create(a_, x_, kHalf);
  Create(a_, y_, kHalf);
  Create(b_, z_, kHalf);
  loop_.Advance(CreateQueue::kMaxWait - 1ms);
  EXPECT_TRUE(Errors(b_).empty());
  loop_.Advance(1ms);
  ASSERT_EQ(Errors(b_).size(), 1U);
  EXPECT_EQ(Errors(b_)[0].outcome(), pb::Error::NOT_EXECUTED);
  EXPECT_THAT(Errors(b_)[0].message(), HasSubstr("is full"));
  objects_.OnOwnerDied(a_);
  objects_.OnLocalProcessGone(a_);
  EXPECT_EQ(Extents(b_), 0U) << "it has been answered already";
}

TEST_F(ObjectManagerTest, WhatCanNeverFitFailsAtOnce) {
  Create(a_, x_, kCapacity + 1);
  ASSERT_EQ(Errors(a_).size(), 1U);
  EXPECT_THAT(Errors(a_)[0].message(), HasSubstr("does not fit"));
}

TEST_F(ObjectManagerTest, AWaitingClientThatDiesMakesWayForTheNext) {
  Create(a_, x_, kHalf);
  Create(a_, y_, kHalf);
  Create(b_, z_, kHalf);
  Create(a_, ObjectId{11, 3}, 64);
  objects_.OnLocalProcessGone(b_);
  EXPECT_EQ(Extents(a_), 3U);
}

TEST_F(ObjectManagerTest, SeveralReadersShareOneFetch) {
  Get(a_, x_, {peer_, self_});
  Get(b_, x_, {peer_});
  ASSERT_EQ(transfers_.fetches.size(), 1U);
  EXPECT_THAT(transfers_.fetches.at(x_).first, ElementsAre(peer_));
  Arrive(x_);
  EXPECT_EQ(Extents(a_), 1U);
  EXPECT_EQ(Extents(b_), 1U);
}

TEST_F(ObjectManagerTest, AFailedFetchIsALostObjectForEveryReader) {
  Get(a_, x_, {peer_});
  Get(b_, x_, {peer_});
  transfers_.Finish(x_, NotFound("node has no copy"));
  EXPECT_EQ(Errors(a_).at(0).kind(), pb::Error::OBJECT_LOST);
  EXPECT_EQ(Errors(b_).at(0).kind(), pb::Error::OBJECT_LOST);
  Get(a_, x_, {peer_});
  EXPECT_EQ(transfers_.fetches.size(), 1U) << "a later reader tries again";
}

TEST_F(ObjectManagerTest, AFetchThatDoesNotFitIsNotALostObject) {
  Get(a_, x_, {peer_});
  transfers_.Finish(x_, ResourceExhausted("full"));
  EXPECT_EQ(Errors(a_).at(0).kind(), pb::Error::SYSTEM);
}

TEST_F(ObjectManagerTest, ADeletionReachesTheCopiesThatWereFetchedFromHere) {
  Create(a_, x_, 100);
  Create(a_, y_, 100);
  Seal(a_, x_);
  Seal(a_, y_);
  Status ready = Internal("not called");
  objects_.WhenSealed(x_, [&](const Status& status) { ready = status; });
  EXPECT_TRUE(ready.ok());
  Delete(x_);
  Delete(y_);
  ASSERT_EQ(peers_.sent.size(), 1U);
  EXPECT_THAT(peers_.sent[0].second.deleted(), ElementsAre(x_.Bytes()));
  EXPECT_EQ(objects_.usage().used, 0U);
}

TEST_F(ObjectManagerTest, ADeletionOfAPrimaryElsewhereIsPassedOn) {
  Delete(x_, peer_);
  ASSERT_EQ(peers_.sent.size(), 1U);
  EXPECT_EQ(peers_.sent[0].first, peer_);
  EXPECT_THAT(peers_.sent[0].second.deleted(), ElementsAre(x_.Bytes()));
}

TEST_F(ObjectManagerTest, ADeletionEndsTheFetchThatIsUnderWay) {
  Get(a_, x_, {peer_});
  objects_.OnDeleted({x_});
  EXPECT_TRUE(transfers_.fetches.empty());
  EXPECT_EQ(Errors(a_).at(0).kind(), pb::Error::OBJECT_LOST);
}

TEST_F(ObjectManagerTest, AnotherNodeMayAskBeforeTheSeal) {
  Create(a_, x_, 100);
  Status ready = Internal("not called");
  objects_.WhenSealed(x_, [&](const Status& status) { ready = status; });
  EXPECT_EQ(ready.code(), StatusCode::kInternal);
  Seal(a_, x_);
  EXPECT_TRUE(ready.ok());
  objects_.WhenSealed(y_, [&](const Status& status) { ready = status; });
  EXPECT_EQ(ready.code(), StatusCode::kNotFound);
}

TEST_F(ObjectManagerTest, WithItsOwnerAnObjectGoesWhoeverMadeIt) {
  Create(b_, x_, 100);  // a result for a_, made by b_
  Create(b_, z_, 100);
  Seal(b_, x_);
  Seal(b_, z_);
  Get(b_, x_);
  objects_.OnOwnerDied(a_);
  EXPECT_EQ(objects_.usage().objects, 2U) << "b_ still reads x_";
  Release(b_, x_);
  EXPECT_EQ(objects_.usage().objects, 1U);
}

TEST_F(ObjectManagerTest, AResultForAnOwnerThatDiedMeanwhileIsNotKept) {
  Create(b_, x_, 100);
  objects_.OnOwnerDied(a_);
  Seal(b_, x_);
  EXPECT_EQ(objects_.usage().objects, 0U);
  Create(b_, y_, 100);
  Seal(b_, y_);
  EXPECT_EQ(objects_.usage().objects, 0U);
}

TEST_F(ObjectManagerTest, CopiesFromADeadNodeGoUnlessTheirOwnerLivesHere) {
  const ObjectId foreign{99, 1};
  Get(a_, x_, {peer_});
  Arrive(x_);
  Get(a_, foreign, {peer_});
  Arrive(foreign);
  Release(a_, x_);
  Release(a_, foreign);
  objects_.OnNodeDied(peer_, [&](ProcessId owner) { return clients_.Connected(owner); });
  EXPECT_TRUE(store_->Contains(x_));
  EXPECT_FALSE(store_->Contains(foreign));
}

TEST_F(ObjectManagerTest, AClientThatLeftIsNotGivenAPin) {
  Get(a_, x_, {peer_});
  clients_.connected.erase(a_);
  objects_.OnLocalProcessGone(a_);
  Arrive(x_);
  EXPECT_EQ(objects_.usage().pinned, 0U);
}

TEST_F(ObjectManagerTest, MessagesThatMakeNoSenseChangeNothing) {
  Create(a_, x_, 100);
  Seal(b_, x_);
  Seal(b_, y_);
  Release(b_, x_);
  pb::AbortObject abort;
  abort.set_id(x_.Bytes());
  objects_.Abort(b_, abort);
  pb::CreateObject create;
  create.set_id("short");
  objects_.Create(a_, 1, create);
  EXPECT_EQ(Errors(a_).size(), 1U);
  Seal(a_, x_);
  EXPECT_TRUE(store_->Contains(x_));
}

TEST_F(ObjectManagerTest, TellsOfARetiredSegmentThoseWhoMayMapIt) {
  Create(a_, x_, kHalf);
  Seal(a_, x_);
  const auto retired = [&](ProcessId client) { return clients_.Of(client, pb::RayletToClient::kSegmentsRetired); };
  Delete(x_);
  ASSERT_EQ(retired(a_).size(), 1U);
  EXPECT_EQ(retired(a_)[0].segments_retired().segments(0),
            clients_.Of(a_, pb::RayletToClient::kObjectExtent)[0].object_extent().segment());
  EXPECT_TRUE(retired(b_).empty()) << "never heard of it";
  Create(a_, y_, kHalf);
  Seal(a_, y_);
  Get(b_, y_);
  Release(b_, y_);
  Delete(y_);
  EXPECT_EQ(retired(a_).size(), 2U);
  EXPECT_EQ(retired(b_).size(), 1U);
}

// With memory that comes later.
class SlowObjectManagerTest : public ObjectManagerTest {
 protected:
  store::SlowMemory memory_;
  std::unique_ptr<store::StoreOwner> slow_store_ = OpenStore(&memory_);
  ObjectManager slow_{self_, {loop_, *slow_store_, clients_, peers_, transfers_}, [] {}};

  void Create(ProcessId client, ObjectId id, std::uint64_t size) {
    pb::CreateObject create;
    create.set_id(id.Bytes());
    create.set_size(size);
    slow_.Create(client, ++request_, create);
  }
};

TEST_F(SlowObjectManagerTest, AnswersAWriterWhenItsMemoryHasCome) {
  Create(a_, x_, kHalf);
  Create(b_, z_, 100);  // waits for no memory of others
  EXPECT_EQ(Extents(a_), 0U);
  memory_.DoOne();
  EXPECT_EQ(Extents(a_), 1U);
  EXPECT_EQ(Extents(b_), 0U);
  memory_.DoOne();
  EXPECT_EQ(Extents(b_), 1U);
}

TEST_F(SlowObjectManagerTest, AWriterThatDiedMeanwhileIsNotAnswered) {
  Create(a_, x_, kHalf);
  slow_.OnLocalProcessGone(a_);
  memory_.DoOne();
  EXPECT_EQ(Extents(a_), 0U);
  EXPECT_TRUE(Errors(a_).empty());
  EXPECT_EQ(slow_.usage().objects, 0U);
  memory_.DoOne();
  EXPECT_EQ(memory_.log.back(), "release");
}

TEST_F(SlowObjectManagerTest, AFullMachineIsAskedAgainUntilTheTimeIsOver) {
  memory_.failure = ResourceExhausted("the machine is full");
  Create(a_, x_, kHalf);
  memory_.DoOne();
  EXPECT_TRUE(Errors(a_).empty());
  EXPECT_TRUE(memory_.idle()) << "not at once";
  Create(b_, z_, 100);  // after it
  slow_.OnLocalProcessGone(ProcessId{77});
  EXPECT_FALSE(memory_.idle());
  memory_.DoOne();
  loop_.Advance(CreateQueue::kMaxWait);
  ASSERT_EQ(Errors(a_).size(), 1U);
  EXPECT_EQ(Errors(a_)[0].outcome(), pb::Error::NOT_EXECUTED);
  EXPECT_THAT(Errors(a_)[0].message(), HasSubstr("the machine is full"));
}

TEST_F(SlowObjectManagerTest, AFullMachineThatHasRoomAgainServes) {
  memory_.failure = ResourceExhausted("the machine is full");
  Create(a_, x_, kHalf);
  memory_.DoOne();
  memory_.failure = OkStatus();
  slow_.OnLocalProcessGone(ProcessId{77});
  memory_.DoOne();
  EXPECT_EQ(Extents(a_), 1U);
  EXPECT_TRUE(Errors(a_).empty());
}

}  // namespace
}  // namespace troupe::raylet
