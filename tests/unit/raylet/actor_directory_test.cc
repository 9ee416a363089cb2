#include "raylet/links/actor_directory.h"

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
  void Create(const ClientInfo& client) {
    pb::CreateActor create;
    create.mutable_spec()->set_id(id_.Bytes());
    directory_.Create(client, 8, create);
  }
  static pb::ActorReply ReplyWith(const pb::ActorInfo& info) {
    pb::ActorReply reply;
    *reply.mutable_info() = info;
    return reply;
  }
  pb::ActorStarted Started(std::uint64_t incarnation = 1) {
    pb::ActorStarted started;
    started.set_id(id_.Bytes());
    started.set_incarnation(incarnation);
    started.mutable_address()->set_node(NodeId{0, 1}.Bytes());
    started.mutable_address()->set_process(54 + incarnation);
    started.set_pid(4242);
    return started;
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

TEST_F(ActorDirectoryTest, WatchesWhatItsClientsMakeWithoutAskingForThat) {
  Create(a_);
  directory_.OnUpdate(Info(pb::STARTING));
  head_.registered.at(0).second(ReplyWith(Info(pb::PENDING, 0)));
  ASSERT_EQ(Replies(a_).size(), 1U);
  EXPECT_EQ(Replies(a_).at(0).actor_reply().info().state(), pb::STARTING) << "the update came first";
  directory_.OnUpdate(Info(pb::ALIVE));
  EXPECT_EQ(Updates(a_), 2U);
  EXPECT_TRUE(head_.messages.empty()) << "the head knows who watches what it makes";
}

TEST_F(ActorDirectoryTest, OfTwoWordsTheOneOfTheLaterHeadIsTheNewer) {
  Find(a_);
  pb::ActorInfo info = Info(pb::ALIVE);
  info.set_epoch(2);
  info.set_version(1);
  Answer(info);
  pb::ActorInfo late = Info(pb::RESTARTING);
  late.set_epoch(1);
  late.set_version(100);
  directory_.OnUpdate(late);
  EXPECT_EQ(Updates(a_), 0U) << "of a head that is gone";
  late.set_epoch(3);
  late.set_version(0);
  directory_.OnUpdate(late);
  EXPECT_EQ(Updates(a_), 1U);
}

TEST_F(ActorDirectoryTest, AnActorThatWasNotMadeLeavesNothingBehind) {
  Create(a_);
  head_.registered.at(0).second(AlreadyExists("the name is taken"));
  EXPECT_EQ(directory_.size(), 0U);
  Create(a_);
  pb::ActorReply later;
  later.set_ask_again(true);
  head_.registered.at(1).second(later);
  EXPECT_EQ(directory_.size(), 0U);
  Create(a_);
  pb::ActorReply other = ReplyWith(Info(pb::ALIVE));
  other.mutable_info()->set_id(ActorId{7, 7}.Bytes());
  other.set_existed(true);
  head_.registered.at(2).second(other);
  EXPECT_EQ(directory_.size(), 1U) << "the actor that has the name";
  ASSERT_EQ(head_.messages.size(), 1U);
  EXPECT_EQ(head_.messages[0].watch_actor().id(), other.info().id());
}

TEST_F(ActorDirectoryTest, WhoTakesAnothersIdDoesNotEndItsWatching) {
  Find(a_);
  Answer(Info(pb::STARTING));
  Create(b_);
  head_.registered.at(0).second(AlreadyExists("the id is taken"));
  directory_.OnUpdate(Info(pb::ALIVE));
  EXPECT_EQ(Updates(a_), 1U);
  EXPECT_EQ(Updates(b_), 0U);
}

TEST_F(ActorDirectoryTest, TellsOfAnActorThatRunsHereBeforeTheHeadDoesAndOnlyOnce) {
  Create(a_);
  head_.registered.at(0).second(ReplyWith(Info(pb::PENDING, 0)));
  directory_.OnStarted(Started());
  ASSERT_EQ(Updates(a_), 1U);
  const pb::ActorInfo told = clients_.Of(a_.process, pb::RayletToClient::kActorUpdate).at(0).actor_update().info();
  EXPECT_EQ(told.state(), pb::ALIVE);
  EXPECT_EQ(told.incarnation(), 1U);
  EXPECT_EQ(told.address().process(), 55U);
  EXPECT_EQ(told.pid(), 4242);
  directory_.OnUpdate(Info(pb::STARTING));
  EXPECT_EQ(Updates(a_), 1U) << "said before it had started";
  pb::ActorInfo alive = Info(pb::ALIVE);
  *alive.mutable_address() = Started().address();
  directory_.OnUpdate(alive);
  EXPECT_EQ(Updates(a_), 1U) << "known";
  directory_.OnUpdate(Info(pb::RESTARTING));
  EXPECT_EQ(Updates(a_), 2U);
  directory_.OnUpdate(Info(pb::STARTING, 2));
  directory_.OnStarted(Started(2));
  EXPECT_EQ(Updates(a_), 4U);
}

TEST_F(ActorDirectoryTest, AStartThatIsOldNewsChangesNothing) {
  directory_.OnStarted(Started());
  EXPECT_EQ(directory_.size(), 0U) << "nobody here asked";
  Find(a_);
  Answer(Info(pb::RESTARTING, 2));
  directory_.OnStarted(Started(1));
  EXPECT_EQ(Updates(a_), 0U);
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
