// Nothing that the head decides leaves it before it is committed, and all of it leaves then, in order.
#include "head/commits.h"

#include "tests/unit/head/cluster_fixture.h"

namespace troupe::head {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class CommitsTest : public testing::Test {
 protected:
  CommitsTest() {
    registry_.hold = true;
    commits_->Keep(Table::kJobs, [this](const std::string& key) -> std::optional<std::string> {
      auto it = records_.find(key);
      if (it == records_.end()) return std::nullopt;
      return it->second;
    });
  }
  void Change(const std::string& key, const std::string& value) {
    records_[key] = value;
    commits_->Changed(Table::kJobs, key);
  }
  void Say(const std::string& what) {
    commits_->Then([this, what] { said_.push_back(what); });
  }
  std::string Row(const std::string& key) {
    auto it = registry_.rows().find({Table::kJobs, key});
    return it == registry_.rows().end() ? "none" : it->second;
  }

  ManualEventLoop loop_;
  HeldRegistry registry_;
  std::unique_ptr<Commits> commits_ = std::make_unique<Commits>(loop_, registry_);
  std::map<std::string, std::string> records_;
  std::vector<std::string> said_;
};

TEST_F(CommitsTest, WhatIsSaidWaitsForTheCommitOfItsTurn) {
  Say("before");
  Change("a", "1");
  Say("after");
  loop_.RunPosted();
  EXPECT_THAT(said_, IsEmpty());
  registry_.CommitAll();
  EXPECT_THAT(said_, ElementsAre("before", "after"));
}

TEST_F(CommitsTest, WhatChangesInOneTurnIsOneCommitOfWhatIsThereAtItsEnd) {
  Change("a", "1");
  Change("b", "1");
  Change("c", "1");
  Change("a", "2");
  records_.erase("c");
  records_["b"] = "written down by the one who owns it";
  loop_.RunPosted();
  ASSERT_EQ(registry_.held(), 1u);
  Change("a", "3");
  registry_.CommitAll();
  EXPECT_EQ(Row("a"), "2");
  EXPECT_EQ(Row("b"), records_["b"]);
  EXPECT_EQ(Row("c"), "none");
}

TEST_F(CommitsTest, TurnsAreCommittedAndSpokenOfInTheirOrder) {
  for (const std::string turn : {"1", "2", "3"}) {
    Change("a", turn);
    Say(turn);
    loop_.RunPosted();
  }
  EXPECT_EQ(registry_.held(), 3u);
  registry_.CommitOne();
  EXPECT_THAT(said_, ElementsAre("1"));
  registry_.CommitAll();
  EXPECT_THAT(said_, ElementsAre("1", "2", "3"));
}

TEST_F(CommitsTest, WhatRestsOnNoChangeOfItsTurnWaitsForThoseBeforeAndIsNoCommit) {
  Say("at once");
  loop_.RunPosted();
  EXPECT_THAT(said_, ElementsAre("at once"));
  Change("a", "1");
  loop_.RunPosted();
  Say("what was found");
  loop_.RunPosted();
  Say("and again");
  loop_.RunPosted();
  EXPECT_EQ(said_.size(), 1u);
  EXPECT_EQ(registry_.held(), 1u);
  registry_.CommitAll();
  EXPECT_THAT(said_, ElementsAre("at once", "what was found", "and again"));
}

TEST_F(CommitsTest, WhatIsChangedByWhatIsSaidIsATurnOfItsOwn) {
  Change("a", "1");
  commits_->Then([this] {
    Change("a", "2");
    Say("2");
  });
  Say("1");
  loop_.RunPosted();
  registry_.CommitAll();
  EXPECT_THAT(said_, ElementsAre("1"));
  loop_.RunPosted();
  registry_.CommitAll();
  EXPECT_THAT(said_, ElementsAre("1", "2"));
}

TEST_F(CommitsTest, NothingIsSaidWhenItIsGone) {
  Change("a", "1");
  Say("1");
  const auto reply = commits_->Held<int>([this](Result<int>) { said_.push_back("reply"); });
  loop_.RunPosted();
  Say("2");
  commits_.reset();
  reply(1);
  registry_.CommitAll();
  loop_.RunPosted();
  EXPECT_THAT(said_, IsEmpty());
}

// --- Each kind of what the head says -------------------------------------------------------------------------------

class CommitThenPublishTest : public ClusterTest {
 protected:
  CommitThenPublishTest() {
    one_ = AddNode(1);
    job_ = StartJob();
    loop_.RunPosted();
    sender_.sent.clear();
  }
  // The answer to a request as the service makes it, once there is one.
  template <class T>
  using Answer = std::shared_ptr<std::optional<Result<T>>>;
  template <class T, class Request>
  Answer<T> Ask(Request request) {
    auto answer = std::make_shared<std::optional<Result<T>>>();
    request(cluster_->commits().Held<T>([answer](Result<T> result) { *answer = std::move(result); }));
    loop_.RunPosted();
    return answer;
  }
  Answer<pb::ActorInfo> AskFor(const std::string& name) {
    pb::FindActor find;
    find.set_name(name);
    find.set_name_space("ns");
    return Ask<pb::ActorInfo>([&](const Reply<pb::ActorInfo>& reply) { reply(cluster_->actors().Find(find)); });
  }
  pb::ActorSpec Named(std::uint64_t number) {
    pb::ActorSpec spec = Spec(number, job_);
    spec.set_name("n");
    spec.set_max_restarts(1);
    return spec;
  }
  // What raylets were sent since the last look, in order.
  std::vector<pb::HeadToNode::BodyCase> Sent(std::uint64_t node = 1) {
    loop_.RunPosted();
    std::vector<pb::HeadToNode::BodyCase> kinds;
    for (const pb::HeadToNode& message : std::exchange(sender_.sent[Node(node)], {})) {
      kinds.push_back(message.body_case());
    }
    return kinds;
  }
  void Hold() {
    loop_.RunPosted();
    sender_.sent.clear();
    registry_.hold = true;
  }

  NodeTable::Joined one_;
  pb::JobInfo job_;
};

TEST_F(CommitThenPublishTest, ARegistrationIsAnsweredAndStartedInOneCommit) {
  Hold();
  for (int i = 0; i < 2; ++i) RegisterFrom(1, Spec(1, job_), 7);
  EXPECT_THAT(Sent(), IsEmpty()) << "neither the first request nor its repetition is answered, and nothing starts";
  ASSERT_EQ(registry_.held(), 1u);
  registry_.CommitOne();
  EXPECT_THAT(Sent(), ElementsAre(pb::HeadToNode::kActorRegistered, pb::HeadToNode::kStartActor,
                                  pb::HeadToNode::kActorUpdate, pb::HeadToNode::kActorRegistered));
  EXPECT_TRUE(registry_.rows().contains({Table::kActorSpecs, ActorNumber(1).Bytes()}));
}

TEST_F(CommitThenPublishTest, AStartAndADeathAreToldWhenTheyAreCommitted) {
  RegisterFrom(1, Named(1), 7);
  Hold();
  Started(1, 1);
  EXPECT_THAT(Sent(), IsEmpty());
  registry_.CommitAll();
  EXPECT_THAT(Sent(), ElementsAre(pb::HeadToNode::kActorUpdate));
  ProcessDied(1, 1, 1);
  loop_.Advance(100ms);
  EXPECT_EQ(State(1), pb::STARTING) << "what the head decides runs ahead";
  EXPECT_THAT(Sent(), IsEmpty());
  registry_.CommitOne();
  EXPECT_THAT(Sent(), ElementsAre(pb::HeadToNode::kActorUpdate)) << "RESTARTING; the order to start it rests on more";
  registry_.CommitOne();
  EXPECT_THAT(Sent(), ElementsAre(pb::HeadToNode::kActorUpdate, pb::HeadToNode::kStartActor));
}

TEST_F(CommitThenPublishTest, AKillStopsTheProcessAndIsAnsweredWhenThatIsCommitted) {
  RegisterFrom(1, Named(1), 7);
  Started(1, 1);
  Hold();
  pb::KillActorRequest kill;
  kill.set_id(ActorNumber(1).Bytes());
  kill.set_no_restart(true);
  const auto killed =
      Ask<pb::ActorReply>([&](const Reply<pb::ActorReply>& reply) { cluster_->actors().Kill(kill, reply); });
  EXPECT_THAT(Sent(), IsEmpty());
  registry_.CommitOne();
  EXPECT_THAT(Sent(), ElementsAre(pb::HeadToNode::kActorUpdate, pb::HeadToNode::kStopActor));
  ProcessDied(1, 1, 1);
  EXPECT_FALSE(killed->has_value());
  EXPECT_THAT(Sent(), IsEmpty());
  registry_.CommitOne();
  ASSERT_TRUE(killed->has_value());
  EXPECT_EQ((*killed)->value().info().state(), pb::DEAD);
  EXPECT_THAT(Sent(), ElementsAre(pb::HeadToNode::kActorUpdate));
}

TEST_F(CommitThenPublishTest, AKillThatAllowsARestartAndAReleaseWait) {
  Register(Named(1));
  Register(Spec(2, job_));
  Started(1, 1);
  Started(1, 2);
  Hold();
  const auto answer = BeginKill(1, false);
  cluster_->actors().Release(ActorNumber(2));
  EXPECT_THAT(Sent(), IsEmpty());
  registry_.CommitAll();
  EXPECT_THAT(Sent(), ElementsAre(pb::HeadToNode::kStopActor, pb::HeadToNode::kStopActor));
}

TEST_F(CommitThenPublishTest, ANameIsFoundAndMissedWhenThatIsCommitted) {
  Hold();
  const auto before = AskFor("n");
  EXPECT_TRUE(before->has_value()) << "nothing is under way";
  RegisterFrom(1, Named(1), 7);
  const auto found = AskFor("n");
  RegisterFrom(1, Named(2), 8);
  EXPECT_FALSE(found->has_value());
  EXPECT_TRUE(TakeRegistered(1).empty()) << "that the name is taken is not certain yet, either";
  registry_.CommitAll();
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->value().id(), ActorNumber(1).Bytes());
  const auto answers = TakeRegistered(1);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[1].code(), static_cast<int>(StatusCode::kAlreadyExists));
  StartFailed(1, 1, pb::ActorStartFailed::CONSTRUCTOR);
  const auto missed = AskFor("n");
  EXPECT_FALSE(missed->has_value());
  registry_.CommitAll();
  EXPECT_EQ((*missed)->status().code(), StatusCode::kNotFound);
}

TEST_F(CommitThenPublishTest, ListsAndTheOverviewWait) {
  Hold();
  Register(Spec(1, job_));
  pb::ListActorsRequest everything;
  everything.set_all_namespaces(true);
  const auto list = Ask<pb::ListActorsReply>(
      [&](const Reply<pb::ListActorsReply>& reply) { reply(cluster_->actors().List(everything)); });
  const auto overview = Ask<pb::Status>([&](const Reply<pb::Status>& reply) { reply(cluster_->Overview()); });
  EXPECT_FALSE(list->has_value() || overview->has_value());
  registry_.CommitAll();
  EXPECT_EQ((*list)->value().total(), 1u);
  EXPECT_EQ((*overview)->value().actors_pending(), 1u);
}

TEST_F(CommitThenPublishTest, TheEndOfAJobIsToldWithThatOfItsActors) {
  Register(Spec(1, job_));
  Started(1, 1);
  Hold();
  pb::GetJobRequest get;
  get.set_job(job_.id());
  get.set_wait_ms(1'000);
  const auto waiting = Ask<pb::JobInfo>([&](const Reply<pb::JobInfo>& reply) { cluster_->jobs().Get(get, reply); });
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job_.id()}, "").ok());
  EXPECT_THAT(Sent(), IsEmpty());
  EXPECT_FALSE(waiting->has_value());
  ASSERT_EQ(registry_.held(), 1u) << "the job and its actors end together";
  registry_.CommitAll();
  EXPECT_THAT(Sent(), ElementsAre(pb::HeadToNode::kStopActor, pb::HeadToNode::kJobUpdate));
  ASSERT_TRUE(waiting->has_value());
  EXPECT_EQ((*waiting)->value().state(), pb::JobInfo::SUCCEEDED);
}

TEST_F(CommitThenPublishTest, ADriverGetsItsJobWhenItIsCommitted) {
  Hold();
  pb::RegisterJobRequest request;
  *request.mutable_driver() = ToProto({Node(1), ProcessId{10}});
  const auto job =
      Ask<pb::JobInfo>([&](const Reply<pb::JobInfo>& reply) { cluster_->jobs().Register(request, reply); });
  EXPECT_FALSE(job->has_value());
  registry_.CommitAll();
  EXPECT_TRUE(job->has_value());
}

TEST_F(CommitThenPublishTest, ASubmissionIsAnsweredRunAndStoppedWhenThatIsCommitted) {
  Hold();
  pb::SubmitJobRequest submit;
  submit.set_submission("job-1");
  submit.add_argv("prog");
  const auto submitted =
      Ask<pb::JobInfo>([&](const Reply<pb::JobInfo>& reply) { cluster_->jobs().Submit(submit, reply); });
  EXPECT_FALSE(submitted->has_value());
  EXPECT_THAT(Sent(), IsEmpty());
  registry_.CommitAll();
  EXPECT_TRUE(submitted->has_value());
  EXPECT_THAT(Sent(), ElementsAre(pb::HeadToNode::kRunDriver));
  pb::StopJobRequest stop;
  stop.set_submission("job-1");
  const auto stopped = Ask<pb::JobInfo>([&](const Reply<pb::JobInfo>& reply) { cluster_->jobs().Stop(stop, reply); });
  EXPECT_FALSE(stopped->has_value());
  EXPECT_THAT(Sent(), IsEmpty());
  registry_.CommitAll();
  EXPECT_TRUE(stopped->has_value());
  EXPECT_THAT(Sent(), ElementsAre(pb::HeadToNode::kStopDriver));
}

TEST_F(CommitThenPublishTest, AProgramsPackageIsToldWhenItIsCommitted) {
  Hold();
  pb::NodeToHead message;
  message.mutable_job_program_packaged()->set_job(job_.id());
  message.mutable_job_program_packaged()->set_package(std::string(64, 'a'));
  Deliver(1, message);
  EXPECT_THAT(Sent(), IsEmpty());
  registry_.CommitAll();
  EXPECT_THAT(Sent(), ElementsAre(pb::HeadToNode::kJobUpdate));
}

TEST_F(CommitThenPublishTest, ANodesDeathIsToldAndFollowedWhenItIsCommitted) {
  const NodeTable::Joined two = AddNode(2);
  pb::ActorSpec spec = Named(1);
  spec.mutable_placement()->set_strategy(pb::Placement::NODE_AFFINITY);
  spec.mutable_placement()->set_node(Node(2).Bytes());
  spec.mutable_placement()->set_soft(true);
  Register(spec);
  Started(2, 1);
  Hold();
  Leave(two);
  loop_.Advance(100ms);
  EXPECT_EQ(cluster_->actors().Get(ActorNumber(1))->node, Node(1));
  EXPECT_THAT(Sent(), IsEmpty());
  EXPECT_FALSE(sender_.disconnected.contains(Node(2)));
  registry_.CommitAll();
  EXPECT_THAT(Sent(), ElementsAre(pb::HeadToNode::kNodesChanged, pb::HeadToNode::kStartActor));
  EXPECT_TRUE(sender_.disconnected.contains(Node(2)));
}

TEST_F(CommitThenPublishTest, AnEventIsAcknowledgedWhenWhatCameOfItIsCommittedAndALeaseAtOnce) {
  Register(Named(1));
  Started(1, 1);
  loop_.Advance(1s);
  Hold();
  pb::NodeToHead died;
  died.set_event(1);
  died.mutable_actor_process_died()->set_id(ActorNumber(1).Bytes());
  died.mutable_actor_process_died()->set_incarnation(1);
  Deliver(1, died);
  Report(1, 4);
  const auto acknowledged = [this] {
    return Take(1, [](const pb::HeadToNode& m) { return m.has_acknowledged() ? &m.acknowledged() : nullptr; });
  };
  auto heard = acknowledged();
  ASSERT_EQ(heard.size(), 1u) << "a registry that is slow must not end the lives of all nodes";
  EXPECT_EQ(heard[0].report(), version_);
  EXPECT_EQ(heard[0].event(), 0u);
  registry_.CommitAll();
  heard = acknowledged();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].event(), 1u);
}

TEST_F(CommitThenPublishTest, AnEventWhoseAcknowledgementWasLostIsAcknowledgedAgain) {
  loop_.Advance(1s);
  Hold();
  pb::NodeToHead gone;
  gone.set_event(1);
  gone.mutable_worker_update()->set_gone(true);
  gone.mutable_worker_update()->mutable_worker()->set_id(9);  // the driver, so that something is to be committed
  Deliver(1, gone);
  Report(1, 4);
  Lose(one_);
  one_ = Join(Hello(1));
  registry_.CommitAll();
  loop_.Advance(1s);
  Report(1, 4);
  registry_.CommitAll();
  const auto acks = Take(1, [](const pb::HeadToNode& m) { return m.has_acknowledged() ? &m.acknowledged() : nullptr; });
  ASSERT_FALSE(acks.empty());
  EXPECT_EQ(acks.back().event(), 1u);
}

TEST_F(CommitThenPublishTest, WhatWasMeantForAnEarlierStreamOfANodeDoesNotComeBeforeTheWelcome) {
  Hold();
  Register(Spec(1, job_));
  loop_.RunPosted();
  Lose(one_);
  one_ = Join(Hello(1));
  registry_.CommitAll();
  EXPECT_EQ(Sent().front(), pb::HeadToNode::kWelcome);
}

}  // namespace
}  // namespace troupe::head
