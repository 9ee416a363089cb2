#include "tests/unit/head/cluster_fixture.h"

namespace troupe::head {
namespace {

using testing::HasSubstr;
using ActorRegistrationTest = ClusterTest;

TEST_F(ActorRegistrationTest, RepliesAtOnceAndStartsTheActorWithItsJob) {
  AddNode(1);
  const pb::JobInfo job = StartJob();
  auto reply = TryRegister(Spec(1, job));
  ASSERT_TRUE(reply.ok());
  EXPECT_FALSE(reply->existed());
  EXPECT_EQ(reply->info().state(), pb::PENDING);
  const auto starts = TakeStarts(1);
  ASSERT_EQ(starts.size(), 1u);
  EXPECT_EQ(starts[0].incarnation(), 1u);
  EXPECT_EQ(starts[0].spec().arguments(), "arguments");
  EXPECT_EQ(starts[0].job().program().path(), "/bin/prog");
  EXPECT_EQ(State(1), pb::STARTING);
  Started(1, 1);
  EXPECT_EQ(State(1), pb::ALIVE);
  EXPECT_EQ(Info(1).address().process(), 1001u);
  EXPECT_EQ(Info(1).pid(), 321);
  EXPECT_EQ(Info(1).started_ms(), wall_ms_);
}

TEST_F(ActorRegistrationTest, OnARayletsStreamIsAnsweredThereAndThatRayletHearsOfTheActor) {
  AddNode(1);
  AddNode(2);
  const pb::JobInfo job = StartJob(9, 2);
  RegisterFrom(2, Spec(1, job), 7);
  const auto answers = TakeRegistered(2);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].request(), 7u);
  EXPECT_EQ(answers[0].code(), 0);
  EXPECT_EQ(answers[0].reply().info().id(), ActorNumber(1).Bytes());
  EXPECT_TRUE(TakeUpdates(2).empty()) << "that it starts goes without saying";
  const std::uint64_t node = cluster_->actors().Get(ActorNumber(1))->node.low;
  Started(node, 1);
  const auto updates = TakeUpdates(2);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].state(), pb::ALIVE);
  EXPECT_TRUE(TakeUpdates(1).empty()) << "it did not ask";
}

TEST_F(ActorRegistrationTest, OnARayletsStreamIsRefusedWithAStatus) {
  AddNode(1);
  pb::ActorSpec spec = Spec(1, StartJob());
  spec.set_job(99);
  RegisterFrom(1, spec, 7);
  const auto answers = TakeRegistered(1);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].request(), 7u);
  EXPECT_EQ(answers[0].code(), static_cast<int>(StatusCode::kFailedPrecondition));
  EXPECT_THAT(answers[0].message(), HasSubstr("is not known to the head"));
}

TEST_F(ActorRegistrationTest, OnARayletsStreamSaysWhatAnActorWaitsFor) {
  AddNode(1, 1);
  const pb::JobInfo job = StartJob();
  RegisterFrom(1, Spec(1, job, 64), 7);
  const auto updates = TakeUpdates(1);
  ASSERT_FALSE(updates.empty());
  EXPECT_TRUE(updates.back().infeasible());
}

TEST_F(ActorRegistrationTest, ARepetitionOnAnotherStreamIsWatchedThere) {
  AddNode(1);
  AddNode(2);
  const pb::JobInfo job = StartJob();
  Register(Spec(1, job));
  RegisterFrom(2, Spec(1, job), 7);
  ASSERT_EQ(TakeRegistered(2).size(), 1u);
  TakeUpdates(2);
  Started(cluster_->actors().Get(ActorNumber(1))->node.low, 1);
  EXPECT_EQ(TakeUpdates(2).size(), 1u);
}

TEST_F(ActorRegistrationTest, IsIdempotentByIdAndRefusesAnotherActorWithThatId) {
  AddNode(1);
  const pb::JobInfo job = StartJob();
  pb::ActorSpec spec = Spec(1, job);
  spec.set_name("one");
  (*spec.mutable_placement()->mutable_labels())["b"] = "2";
  (*spec.mutable_placement()->mutable_labels())["a"] = "1";
  Register(spec);
  auto again = TryRegister(spec);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->existed()) << "it is the same registration";
  spec.set_class_name("Other");
  auto other = TryRegister(spec);
  EXPECT_EQ(other.status().code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(other.status().message(), HasSubstr(ActorNumber(1).Hex()));
}

TEST_F(ActorRegistrationTest, OneOfAHundredCreatorsOfANameWins) {
  AddNode(1);
  const pb::JobInfo job = StartJob();
  int winners = 0;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    pb::ActorSpec spec = Spec(i, job, 0);
    spec.set_name("leader");
    auto reply = TryRegister(spec);
    if (reply.ok()) {
      ++winners;
      continue;
    }
    EXPECT_EQ(reply.status().code(), StatusCode::kAlreadyExists);
    EXPECT_THAT(reply.status().message(),
                HasSubstr("'leader' in namespace 'ns' is held by actor " + ActorNumber(1).Hex()));
  }
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(TakeStarts(1).size(), 1u);
}

TEST_F(ActorRegistrationTest, GetIfExistsReturnsTheHolderOfTheName) {
  AddNode(1);
  const pb::JobInfo job = StartJob();
  pb::ActorSpec first = Spec(1, job), second = Spec(2, job);
  first.set_name("n");
  second.set_name("n");
  ASSERT_TRUE(TryRegister(first, true).ok());
  auto reply = TryRegister(second, true);
  ASSERT_TRUE(reply.ok());
  EXPECT_TRUE(reply->existed());
  EXPECT_EQ(reply->info().id(), first.id());
  pb::ActorSpec other_class = Spec(3, job);
  other_class.set_name("n");
  other_class.set_class_name("Other");
  EXPECT_EQ(TryRegister(other_class, true).status().code(), StatusCode::kAlreadyExists)
      << "it is no actor of that class";
}

// An actor of that name that is about to end, and somebody who wants the name.
class NameOfAnEndingActorTest : public ClusterTest {
 protected:
  NameOfAnEndingActorTest() {
    AddNode(1);
    job_ = StartJob();
    EXPECT_TRUE(TryRegister(Named(1)).ok());
    Started(1, 1);
    cluster_->actors().Release(ActorNumber(1));
  }
  pb::ActorSpec Named(std::uint64_t number) {
    pb::ActorSpec spec = Spec(number, job_);
    spec.set_name("n");
    return spec;
  }
  void Ask(std::uint64_t number, bool get_if_exists) {
    pb::RegisterActorRequest request;
    *request.mutable_spec() = Named(number);
    request.set_get_if_exists(get_if_exists);
    cluster_->actors().Register(request, [this, number](Result<pb::ActorReply> reply) {
      EXPECT_FALSE(replies_.contains(number)) << "a second answer";
      replies_.emplace(number, std::move(reply));
    });
    Settle();
  }
  bool Answered(std::uint64_t number) const { return replies_.contains(number); }
  const pb::ActorReply& Reply(std::uint64_t number) { return replies_.at(number).value(); }

  pb::JobInfo job_;
  std::map<std::uint64_t, Result<pb::ActorReply>> replies_;
};

TEST_F(NameOfAnEndingActorTest, IsWaitedForAndTheNextActorIsMade) {
  Ask(2, true);
  Ask(3, true);
  Ask(4, false);
  EXPECT_FALSE(Answered(2) || Answered(3) || Answered(4));
  ProcessDied(1, 1, 1, true);
  Settle();
  ASSERT_TRUE(Answered(2) && Answered(3) && Answered(4));
  EXPECT_FALSE(Reply(2).existed());
  EXPECT_EQ(Reply(2).info().id(), ActorNumber(2).Bytes());
  EXPECT_TRUE(Reply(3).existed());
  EXPECT_EQ(Reply(3).info().id(), ActorNumber(2).Bytes());
  EXPECT_EQ(replies_.at(4).status().code(), StatusCode::kAlreadyExists);
}

TEST_F(NameOfAnEndingActorTest, WhoWaitsForLongIsToldToAskAgain) {
  Ask(2, true);
  loop_.Advance(NameQueue::kPatience - 100ms);
  EXPECT_FALSE(Answered(2));
  loop_.Advance(100ms);
  ASSERT_TRUE(Answered(2));
  EXPECT_TRUE(Reply(2).ask_again());
  replies_.clear();
  Ask(2, true);
  ProcessDied(1, 1, 1, true);
  Settle();
  ASSERT_TRUE(Answered(2));
  EXPECT_EQ(Reply(2).info().id(), ActorNumber(2).Bytes());
}

TEST_F(NameOfAnEndingActorTest, IsToldToNobodyWhoLooksForIt) {
  pb::FindActor find;
  find.set_name("n");
  find.set_name_space("ns");
  const Status status = cluster_->actors().Find(find).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("is ending: its last handle went"));
  EXPECT_EQ(State(1), pb::ALIVE) << "by its id it is there until its end";
}

TEST_F(NameOfAnEndingActorTest, MayBeWaitedForWhenTheHeadStops) {
  Ask(2, true);
  cluster_.reset();
  EXPECT_FALSE(Answered(2));
}

TEST_F(ActorRegistrationTest, NamesAreKeptApartByNamespaceAndFreedByDeath) {
  AddNode(1);
  const pb::JobInfo job = StartJob();
  pb::ActorSpec spec = Spec(1, job);
  spec.set_name("n");
  Register(spec);
  pb::ActorSpec elsewhere = Spec(2, job);
  elsewhere.set_name("n");
  elsewhere.set_name_space("other");
  Register(elsewhere);
  ASSERT_TRUE(Kill(1).ok());
  pb::ActorSpec next = Spec(3, job);
  next.set_name("n");
  Register(next);
  ASSERT_TRUE(Kill(1).ok()) << "the dead one is killed again";
  pb::FindActor find;
  find.set_name("n");
  find.set_name_space("ns");
  auto found = cluster_->actors().Find(find);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->id(), next.id()) << "the name was freed once, and belongs to the next one";
}

TEST_F(ActorRegistrationTest, TakesTheJobsNamespaceWhenNoneIsGiven) {
  AddNode(1);
  const pb::JobInfo job = StartJob();
  pb::ActorSpec spec = Spec(1, job);
  spec.clear_name_space();
  spec.set_name("n");
  Register(spec);
  EXPECT_EQ(Info(1).name_space(), JobId{job.id()}.Hex());
}

TEST_F(ActorRegistrationTest, RefusesBadSpecs) {
  AddNode(1);
  const pb::JobInfo job = StartJob();
  const std::vector<std::pair<std::string, std::function<void(pb::ActorSpec&)>>> cases = {
      {"actor's id", [](auto& spec) { spec.set_id("short"); }},
      {"actor's id", [](auto& spec) { spec.set_id(std::string(16, '\0')); }},
      {"class name", [](auto& spec) { spec.clear_class_name(); }},
      {"actor's name", [](auto& spec) { spec.set_name("a\tb"); }},
      {"actor's name", [](auto& spec) { spec.set_name(std::string(256, 'a')); }},
      {"namespace", [](auto& spec) { spec.set_name("n"), spec.set_name_space("a\nb"); }},
      {"resource 'CPU'", [](auto& spec) { (*spec.mutable_resources()->mutable_units())["CPU"] = -1; }},
      {"resource name", [](auto& spec) { (*spec.mutable_placement_resources()->mutable_units())["a b"] = 1; }},
      {"max_restarts", [](auto& spec) { spec.set_max_restarts(-2); }},
      {"max_task_retries", [](auto& spec) { spec.set_max_task_retries(-2); }},
      {"affinity", [](auto& spec) { spec.mutable_placement()->set_strategy(pb::Placement::NODE_AFFINITY); }},
      {"label", [](auto& spec) { (*spec.mutable_placement()->mutable_labels())[""] = "x"; }},
      {"creator", [](auto& spec) { spec.clear_creator(); }},
      {"object store", [](auto& spec) { spec.set_arguments(std::string(9u << 20, 'x')); }},
  };
  for (const auto& [named, spoil] : cases) {
    pb::ActorSpec spec = Spec(1, job);
    spoil(spec);
    const Status status = TryRegister(spec).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << named;
    EXPECT_THAT(status.message(), HasSubstr(named));
  }
  pb::ActorSpec longest = Spec(1, job);
  longest.set_name(std::string(250, 'a') + "_ ;\u00fc");
  Register(longest);
}

TEST_F(ActorRegistrationTest, RefusesActorsOfJobsAndCreatorsThatAreGone) {
  AddNode(1);
  const pb::JobInfo job = StartJob();
  pb::ActorSpec spec = Spec(1, job);
  spec.set_job(12345);
  EXPECT_EQ(TryRegister(spec).status().code(), StatusCode::kFailedPrecondition);

  spec = Spec(1, job);
  ProcessGone(1, 77);
  spec.mutable_creator()->set_process(77);
  EXPECT_EQ(TryRegister(spec).status().code(), StatusCode::kFailedPrecondition) << "its creator died meanwhile";
  spec.set_detached(true);
  Register(spec);

  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job.id()}, "").ok());
  EXPECT_EQ(TryRegister(Spec(2, job)).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(ActorRegistrationTest, BoundsTheNumberOfActors) {
  options_.actors.actors = 2;
  MakeCluster();
  AddNode(1);
  const pb::JobInfo job = StartJob();
  Register(Spec(1, job));
  Register(Spec(2, job));
  EXPECT_EQ(TryRegister(Spec(3, job)).status().code(), StatusCode::kResourceExhausted);
}

TEST_F(ActorRegistrationTest, FindsByIdOrNameAndSaysWhenThereIsNone) {
  pb::FindActor find;
  EXPECT_EQ(cluster_->actors().Find(find).status().code(), StatusCode::kInvalidArgument);
  find.set_name("nobody");
  find.set_name_space("ns");
  const Status none = cluster_->actors().Find(find).status();
  EXPECT_EQ(none.code(), StatusCode::kNotFound);
  EXPECT_THAT(none.message(), HasSubstr("no actor is named 'nobody' in namespace 'ns'"));
  find.set_id(ActorNumber(5).Bytes());
  EXPECT_EQ(cluster_->actors().Find(find).status().code(), StatusCode::kNotFound);
}

TEST_F(ActorRegistrationTest, ListsWhatIsAskedForUpToTheLimit) {
  AddNode(1, 100);
  const pb::JobInfo job = StartJob();
  for (std::uint64_t i = 1; i <= 5; ++i) {
    pb::ActorSpec spec = Spec(i, job);
    if (i == 2) spec.set_name("two");
    if (i == 3) spec.set_name_space("other");
    Register(spec);
  }
  ASSERT_TRUE(Kill(5).ok());
  pb::ListActorsRequest request;
  request.set_name_space("ns");
  EXPECT_EQ(cluster_->actors().List(request).total(), 3u);
  request.set_named_only(true);
  ASSERT_EQ(cluster_->actors().List(request).actors_size(), 1);
  EXPECT_EQ(cluster_->actors().List(request).actors(0).name(), "two");
  request.set_named_only(false);
  request.set_all_namespaces(true);
  EXPECT_EQ(cluster_->actors().List(request).total(), 4u);
  request.set_include_dead(true);
  request.set_limit(2);
  const pb::ListActorsReply limited = cluster_->actors().List(request);
  EXPECT_EQ(limited.actors_size(), 2);
  EXPECT_EQ(limited.total(), 5u);
}

TEST_F(ActorRegistrationTest, KeepsTheLastDeadActorsAndTheirRowsOnly) {
  AddNode(1, 4);
  const pb::JobInfo job = StartJob();
  const std::uint64_t count = ActorStore::kDeadKept + 10;
  for (std::uint64_t i = 1; i <= count; ++i) {
    Register(Spec(i, job));
    ASSERT_TRUE(Kill(i).ok());
  }
  pb::FindActor find;
  find.set_id(ActorNumber(10).Bytes());
  EXPECT_EQ(cluster_->actors().Find(find).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(State(11), pb::DEAD);
  loop_.RunPosted();
  EXPECT_EQ(registry_.rows().size(), ActorStore::kDeadKept + 3) << "and those of the cluster, the node and the job";
}

}  // namespace
}  // namespace troupe::head
