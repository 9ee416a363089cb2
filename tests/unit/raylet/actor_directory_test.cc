#include "raylet/actor_directory.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace troupe::raylet {
namespace {

class ActorDirectoryTest : public ::testing::Test {
 protected:
  ActorDirectoryTest() { clients_.connected = {a_.process, b_.process}; }

  static ClientInfo Client(std::uint64_t process) {
    ClientInfo info;
    info.process = ProcessId{process};
    info.job = JobId{3};
    info.name_space = "home";
    return info;
  }
  // Versions as the head would give them to a life without setbacks.
  pb::ActorInfo Info(pb::ActorState state, std::uint64_t incarnation = 1) {
    pb::ActorInfo info;
    info.set_id(id_.Bytes());
    info.set_state(state);
    info.set_incarnation(incarnation);
    info.set_version(incarnation * 10 + static_cast<std::uint64_t>(state));
    return info;
  }
  void Find(const ClientInfo& client) {
    pb::FindActor find;
    find.set_id(id_.Bytes());
    directory_.Find(client, 9, find);
  }
  void Answer(const pb::ActorInfo& info) {
    pb::ActorReply reply;
    *reply.mutable_info() = info;
    auto asked = std::move(head_.asked.back());
    head_.asked.pop_back();
    asked.second(reply);
  }
  std::size_t Updates(const ClientInfo& client) {
    return clients_.Of(client.process, pb::RayletToClient::kActorUpdate).size();
  }
  std::vector<pb::RayletToClient> Replies(const ClientInfo& client) {
    return clients_.Of(client.process, pb::RayletToClient::kActorReply);
  }

  const ActorId id_{1, 2};
  const ClientInfo a_ = Client(1);
  const ClientInfo b_ = Client(2);
  FakeHead head_;
  FakeClients clients_;
  ActorDirectory directory_{NodeId{0, 1}, head_, clients_};
};

TEST_F(ActorDirectoryTest, AClientSpeaksForItselfAndItsJobOnly) {
  pb::CreateActor create;
  create.mutable_spec()->set_id(id_.Bytes());
  create.mutable_spec()->set_job(99);
  create.mutable_spec()->mutable_creator()->set_process(77);
  directory_.Create(a_, 1, create);
  const pb::ActorSpec& spec = head_.registered.at(0).first.spec();
  EXPECT_EQ(spec.job(), 3U);
  EXPECT_EQ(spec.creator().process(), 1U);
  EXPECT_EQ(spec.name_space(), "home");
}

TEST_F(ActorDirectoryTest, WatchesOnceAndTellsEveryClientThatAsked) {
  Find(a_);
  Answer(Info(pb::STARTING));
  Find(b_);
  EXPECT_TRUE(head_.asked.empty()) << "known by now";
  EXPECT_EQ(head_.messages.size(), 1U);
  directory_.OnUpdate(Info(pb::ALIVE));
  EXPECT_EQ(Updates(a_), 1U);
  EXPECT_EQ(Updates(b_), 1U);
}

TEST_F(ActorDirectoryTest, AnAnswerThatAnUpdateHasOvertakenGivesTheNewerState) {
  Find(a_);
  Answer(Info(pb::STARTING));
  pb::FindActor by_name;
  by_name.set_name("x");
  directory_.Find(b_, 9, by_name);
  EXPECT_EQ(head_.asked.back().first.name_space(), "home");
  directory_.OnUpdate(Info(pb::ALIVE, 2));
  Answer(Info(pb::ALIVE, 1));
  EXPECT_EQ(Replies(b_).at(0).actor_reply().info().incarnation(), 2U);
}

TEST_F(ActorDirectoryTest, AnOlderUpdateChangesNothing) {
  Find(a_);
  Answer(Info(pb::ALIVE, 2));
  directory_.OnUpdate(Info(pb::RESTARTING, 1));
  EXPECT_EQ(Updates(a_), 0U);
  directory_.OnUpdate(Info(pb::DEAD, 1));
  EXPECT_EQ(Updates(a_), 1U) << "the end is the end";
}

TEST_F(ActorDirectoryTest, OnlyTheCreatorReleases) {
  pb::ReleaseActor release;
  release.set_id(id_.Bytes());
  directory_.Release(b_, release);
  EXPECT_TRUE(head_.released.empty());
  directory_.Release(a_, release);
  EXPECT_EQ(head_.released, std::vector{id_.Bytes()});
}

TEST_F(ActorDirectoryTest, StopsWatchingWhenTheActorIsDeadOrNobodyAsks) {
  Find(a_);
  Answer(Info(pb::ALIVE));
  directory_.OnClientGone(a_.process);
  EXPECT_TRUE(head_.messages.back().watch_actor().stop());
  EXPECT_EQ(directory_.size(), 0U);
  Find(b_);
  Answer(Info(pb::ALIVE));
  directory_.OnUpdate(Info(pb::DEAD));
  EXPECT_EQ(directory_.size(), 0U);
}

TEST_F(ActorDirectoryTest, SubscribesAnewWhenTheHeadIsBack) {
  Find(a_);
  Answer(Info(pb::ALIVE));
  head_.messages.clear();
  directory_.OnHeadConnected();
  ASSERT_EQ(head_.messages.size(), 1U);
  EXPECT_FALSE(head_.messages[0].watch_actor().stop());
}

TEST_F(ActorDirectoryTest, ARefusalReachesTheClientAsAnError) {
  Find(a_);
  auto asked = std::move(head_.asked.back());
  asked.second(NotFound("no actor is named x"));
  ASSERT_EQ(clients_.sent.size(), 1U);
  EXPECT_EQ(clients_.sent[0].second.error().kind(), pb::Error::ACTOR_DIED);
  EXPECT_EQ(clients_.sent[0].second.request_id(), 9U);
}

TEST_F(ActorDirectoryTest, AnAnswerForAClientThatLeftLeavesNothingBehind) {
  Find(a_);
  clients_.connected.erase(a_.process);
  Answer(Info(pb::ALIVE));
  EXPECT_EQ(directory_.size(), 0U);
}

}  // namespace
}  // namespace troupe::raylet
