#include "client/actor_table.h"

#include <gmock/gmock.h>

#include "process_fixture.h"

namespace troupe::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

// One caller of one actor, whose incarnation n runs in process 100 + n.
class ActorTableTest : public testing::Test {
 protected:
  static constexpr NodeId kNode{0, 1};

  pb::ActorInfo Info(pb::ActorState state, std::uint64_t incarnation, const std::string& death = "") {
    pb::ActorInfo info;
    info.set_id(id_.Bytes());
    info.set_class_name("Counter");
    info.set_state(state);
    info.set_incarnation(incarnation);
    info.set_version(++version_);
    if (state == pb::ALIVE) {
      info.mutable_address()->set_node(kNode.Bytes());
      info.mutable_address()->set_process(Process(incarnation).value);
    }
    if (!death.empty()) {
      info.mutable_death()->set_kind(pb::Error::ACTOR_DIED);
      info.mutable_death()->set_message(death);
    }
    return info;
  }
  static ProcessId Process(std::uint64_t incarnation) { return ProcessId{100 + incarnation}; }

  internal::ActorPtr Create() {
    internal::ActorPtr actor = caller_.actors().Create({}, false, {}, [](const auto&) {});
    id_ = actor->record()->id;
    caller_.AnswerActor(Info(pb::PENDING, 0));
    return actor;
  }
  internal::ActorPtr CreateAlive() {
    internal::ActorPtr actor = Create();
    caller_.Update(Info(pb::ALIVE, 1));
    return actor;
  }
  internal::ObjectPtr Call(const internal::ActorPtr& actor, const std::string& name, std::int64_t retries = 0,
                           internal::Arguments arguments = {}) {
    auto call = caller_.NewCall(name, retries, std::move(arguments));
    names_[call->sequence] = name;
    return caller_.actors().Call(actor->record(), std::move(call));
  }
  // The calls that were sent to the incarnation and not looked at yet, in order.
  std::vector<std::string> Sent(std::uint64_t incarnation) {
    std::vector<std::string> sent;
    for (const auto& frame : std::exchange(caller_.outbox().frames, {})) {
      EXPECT_EQ(frame.to.process, Process(incarnation));
      CallFrame call;
      EXPECT_TRUE(Decode(frame.bytes, &call));
      EXPECT_EQ(call.incarnation, incarnation);
      sent.push_back(names_[call.sequence]);
    }
    return sent;
  }
  void Reply(const internal::ObjectPtr& result, std::uint64_t incarnation, std::string value = "value") {
    ReplyFrame reply;
    reply.sequence = result->record()->id.low;
    reply.incarnation = incarnation;
    reply.value.bytes = value;
    caller_.tables().OnFrame({kNode, Process(incarnation)}, Encode(reply), 0);
  }
  void Die(std::uint64_t incarnation, std::uint64_t reached = kAllReached) {
    caller_.tables().OnProcessGone(Process(incarnation), "killed", reached);
  }
  // What the process is given for the head's answer, if it is known already.
  static std::optional<internal::ActorPtr> Obtain(TestProcess& process, const pb::ActorInfo& info) {
    std::optional<internal::ActorPtr> given;
    process.actors().Obtain(info, [&given](internal::ActorPtr actor) { given = std::move(actor); });
    return given;
  }
  static const ErrorInfo* Error(const internal::ObjectPtr& result) { return result->record()->error.get(); }

  TestProcess caller_{kNode, 1};
  ActorId id_;
  std::uint64_t version_ = 0;
  std::map<std::uint64_t, std::string> names_;
};

TEST_F(ActorTableTest, OfTwoWordsTheOneOfTheLaterHeadIsTheNewer) {
  auto actor = Create();
  pb::ActorInfo alive = Info(pb::ALIVE, 1);
  pb::ActorInfo restarting = Info(pb::RESTARTING, 1, "killed");
  alive.set_epoch(2);
  restarting.set_epoch(1);
  caller_.Update(alive);
  caller_.Update(restarting);
  Call(actor, "a");
  EXPECT_THAT(Sent(1), ElementsAre("a")) << "the other word is of a head that is gone";
  pb::ActorInfo dead = Info(pb::RESTARTING, 1, "killed");
  dead.set_epoch(3);
  dead.set_version(0);
  caller_.Update(dead);
  Die(1);
  caller_.Update(alive);
  Call(actor, "b");
  EXPECT_THAT(Sent(1), IsEmpty());
}

TEST_F(ActorTableTest, CallsWaitForTheActorAndGoInOrder) {
  auto actor = Create();
  auto a = Call(actor, "a"), b = Call(actor, "b");
  caller_.Update(Info(pb::STARTING, 1));
  EXPECT_THAT(Sent(1), IsEmpty());
  caller_.Update(Info(pb::ALIVE, 1));
  EXPECT_THAT(Sent(1), ElementsAre("a", "b"));
  auto c = Call(actor, "c");
  EXPECT_THAT(Sent(1), ElementsAre("c"));
}

TEST_F(ActorTableTest, ACallWhoseArgumentHasNoValueHoldsUpThoseBehindIt) {
  auto actor = CreateAlive();
  auto argument = caller_.objects().NewPending(caller_.NewCall("makes the argument"));
  auto a = Call(actor, "a", 0, {.values = {}, .refs = {{0, argument}}});
  auto b = Call(actor, "b");
  EXPECT_THAT(Sent(1), IsEmpty());
  WireValue value;
  value.bytes = "5";
  caller_.objects().Resolve(argument->record(), value);
  EXPECT_THAT(Sent(1), ElementsAre("a", "b"));
}

TEST_F(ActorTableTest, ACallThatNamesAnActorWaitsUntilTheHeadKnowsIt) {
  auto actor = CreateAlive();
  const ActorId id = std::exchange(id_, {});
  auto named = caller_.actors().Create({}, false, {}, [](const auto&) {});
  auto a = Call(actor, "a", 0, {.values = {.bytes = {}, .objects = {}, .actors = {named}}, .refs = {}});
  auto b = Call(actor, "b");
  EXPECT_THAT(Sent(1), IsEmpty());
  id_ = named->record()->id;
  caller_.AnswerActor(Info(pb::PENDING, 0));
  id_ = id;
  EXPECT_THAT(Sent(1), ElementsAre("a", "b"));
}

TEST_F(ActorTableTest, ACallWhoseRefHasAValueThatNamesAnActorWaitsForItToo) {
  auto actor = CreateAlive();
  auto named = caller_.actors().Create({}, false, {}, [](const auto&) {});
  auto value = caller_.objects().NewInline({"handle", {}, {named}});
  auto a = Call(actor, "a", 0, {.values = {}, .refs = {{0, value}}});
  EXPECT_THAT(Sent(1), IsEmpty());
  caller_.AnswerActor({});  // of no actor: what it says does not matter here
  EXPECT_THAT(Sent(1), ElementsAre("a"));
}

TEST_F(ActorTableTest, AnArgumentWithAnErrorEndsItsCallUnsentAndLetsTheOthersThrough) {
  auto actor = CreateAlive();
  auto argument = caller_.objects().NewPending(caller_.NewCall("makes the argument"));
  auto a = Call(actor, "a", 0, {.values = {}, .refs = {{0, argument}}});
  auto b = Call(actor, "b");
  caller_.objects().Fail(argument->record(), {.kind = ErrorKind::kThrew, .outcome = Outcome::kFailed});
  EXPECT_EQ(Error(a)->kind, ErrorKind::kThrew);
  EXPECT_EQ(Error(a)->outcome, Outcome::kNotExecuted);
  EXPECT_EQ(Error(a)->context, "a was not executed, because its argument 1 failed");
  EXPECT_THAT(Sent(1), ElementsAre("b"));
}

TEST_F(ActorTableTest, AnAnswerThatAnUpdateOvertookChangesNothing) {
  auto actor = Create();
  const pb::ActorInfo late = Info(pb::STARTING, 1);
  caller_.Update(Info(pb::ALIVE, 1));
  auto a = Call(actor, "a");
  (void)Obtain(caller_, late);
  EXPECT_TRUE(actor->record()->running());
  EXPECT_THAT(Sent(1), ElementsAre("a"));
  Reply(a, 1);
  EXPECT_EQ(a->record()->bytes, "value");
}

TEST_F(ActorTableTest, RepliesThatTheHeadsWordOvertookStillCount) {
  auto actor = CreateAlive();
  auto a = Call(actor, "a"), b = Call(actor, "b");
  caller_.Update(Info(pb::DEAD, 1, "it was terminated"));
  EXPECT_FALSE(a->record()->ready());
  auto c = Call(actor, "c");
  Reply(a, 1);
  Die(1);
  EXPECT_EQ(a->record()->bytes, "value");
  EXPECT_EQ(Error(b)->outcome, Outcome::kUnknown);
  EXPECT_THAT(Error(b)->message, HasSubstr("it was terminated"));
  EXPECT_EQ(Error(c)->outcome, Outcome::kNotExecuted);
}

TEST_F(ActorTableTest, TheHeadsWordCountsWhenNobodyElseTells) {
  auto actor = CreateAlive();
  auto a = Call(actor, "a");
  caller_.Update(Info(pb::DEAD, 1, "its node died"));
  caller_.outbox().Advance(1s);
  EXPECT_FALSE(a->record()->ready());
  caller_.outbox().Advance(1s);
  EXPECT_EQ(Error(a)->outcome, Outcome::kUnknown);
  EXPECT_TRUE(actor->record()->dead());
}

TEST_F(ActorTableTest, TheNextIncarnationWaitsForTheLastWordsOfTheOne) {
  auto actor = CreateAlive();
  auto a = Call(actor, "a", 1), b = Call(actor, "b", 1);
  EXPECT_THAT(Sent(1), ElementsAre("a", "b"));
  caller_.Update(Info(pb::RESTARTING, 1, "it crashed"));
  caller_.Update(Info(pb::STARTING, 2));
  caller_.Update(Info(pb::ALIVE, 2));
  auto c = Call(actor, "c");
  EXPECT_THAT(Sent(2), IsEmpty());
  Reply(a, 1);
  Die(1);
  EXPECT_THAT(Sent(2), ElementsAre("b", "c")) << "a has its answer";
}

TEST_F(ActorTableTest, AProcessThatTheHeadSaidHasEndedDoesNotComeToLifeAgain) {
  auto actor = CreateAlive();
  auto a = Call(actor, "a", 1);
  EXPECT_THAT(Sent(1), ElementsAre("a"));
  caller_.Update(Info(pb::RESTARTING, 1, "it crashed"));
  caller_.Update(Info(pb::ALIVE, 1));
  caller_.outbox().Advance(2s);  // nobody else tells of its end
  EXPECT_FALSE(actor->record()->running());
  EXPECT_THAT(Sent(1), IsEmpty());
  caller_.Update(Info(pb::ALIVE, 2));
  EXPECT_THAT(Sent(2), ElementsAre("a"));
}

TEST_F(ActorTableTest, AnIncarnationKeepsTheProcessThatItWasFirstSaidToRunIn) {
  auto actor = CreateAlive();
  auto a = Call(actor, "a", 1);
  EXPECT_THAT(Sent(1), ElementsAre("a"));
  pb::ActorInfo elsewhere = Info(pb::ALIVE, 1);
  elsewhere.mutable_address()->set_process(Process(2).value);
  caller_.Update(elsewhere);
  Die(2);
  EXPECT_TRUE(actor->record()->running()) << "that is another process";
  caller_.tables().OnPathBroken(Process(1), "it is slow", kAllReached);
  caller_.outbox().Advance(2s);
  EXPECT_THAT(Sent(1), ElementsAre("a"));
  Die(1);
  EXPECT_FALSE(actor->record()->running());
  EXPECT_EQ(Error(a)->outcome, Outcome::kUnknown);
}

TEST_F(ActorTableTest, CallsWithRetriesGoAgainAheadOfTheQueue) {
  auto actor = CreateAlive();
  auto a = Call(actor, "a", 1), b = Call(actor, "b", 0), c = Call(actor, "c", -1);
  EXPECT_THAT(Sent(1), ElementsAre("a", "b", "c"));
  Die(1);
  auto d = Call(actor, "d");
  EXPECT_EQ(Error(b)->outcome, Outcome::kUnknown);
  EXPECT_EQ(Error(b)->kind, ErrorKind::kActorDied);
  caller_.Update(Info(pb::RESTARTING, 1, "it crashed"));
  caller_.Update(Info(pb::ALIVE, 2));
  EXPECT_THAT(Sent(2), ElementsAre("a", "c", "d"));
}

TEST_F(ActorTableTest, RetriesAreUsedUpAndWaitingCostsNone) {
  auto actor = CreateAlive();
  auto a = Call(actor, "a", 1);
  Die(1);
  auto waits = Call(actor, "waits", 0);
  caller_.Update(Info(pb::RESTARTING, 1, "it crashed"));
  caller_.Update(Info(pb::RESTARTING, 2, "it crashed in its constructor"));
  caller_.Update(Info(pb::ALIVE, 3));
  caller_.outbox().frames.clear();
  Die(3);
  EXPECT_EQ(Error(a)->outcome, Outcome::kUnknown) << "its one retry is used";
  EXPECT_EQ(Error(waits)->outcome, Outcome::kUnknown) << "it was sent, and has none";
}

TEST_F(ActorTableTest, ADeadActorEndsWhatWasSentAsUnknownAndTheRestAsNotExecuted) {
  auto actor = CreateAlive();
  auto sent = Call(actor, "sent", 1);
  Die(1);
  auto waits = Call(actor, "waits");
  caller_.Update(Info(pb::DEAD, 1, "all restarts are used"));
  auto later = Call(actor, "later");
  EXPECT_EQ(Error(sent)->outcome, Outcome::kUnknown) << "it may have run before";
  EXPECT_EQ(Error(waits)->outcome, Outcome::kNotExecuted);
  EXPECT_EQ(Error(later)->outcome, Outcome::kNotExecuted);
  EXPECT_THAT(Error(later)->message, HasSubstr("all restarts are used"));
}

TEST_F(ActorTableTest, AReplyOfAnEarlierIncarnationIsDropped) {
  auto actor = CreateAlive();
  auto a = Call(actor, "a", 1);
  Die(1);
  caller_.Update(Info(pb::RESTARTING, 1));
  caller_.Update(Info(pb::ALIVE, 2));
  Reply(a, 1, "old");
  EXPECT_FALSE(a->record()->ready());
  Reply(a, 2, "new");
  EXPECT_EQ(a->record()->bytes, "new");
}

TEST_F(ActorTableTest, AllActorsOfAProcessLoseItWhenItDies) {
  auto first = CreateAlive(), second = CreateAlive();
  auto a = Call(first, "a"), b = Call(second, "b");
  EXPECT_THAT(Sent(1), ElementsAre("a", "b"));
  Die(1);
  ASSERT_NE(Error(a), nullptr);
  ASSERT_NE(Error(b), nullptr);
  EXPECT_EQ(first->record()->phase, ActorPhase::kAway);
  EXPECT_EQ(second->record()->phase, ActorPhase::kAway);
}

TEST_F(ActorTableTest, ABrokenWayIsThatToAllActorsOfAProcess) {
  auto first = CreateAlive(), second = CreateAlive();
  auto a = Call(first, "a"), b = Call(second, "b");
  caller_.tables().OnPathBroken(Process(1), "torn", kAllReached);
  EXPECT_NE(Error(a), nullptr);
  EXPECT_NE(Error(b), nullptr);
  EXPECT_EQ(first->record()->phase, ActorPhase::kCut);
  EXPECT_EQ(second->record()->phase, ActorPhase::kCut);
}

TEST_F(ActorTableTest, AnActorThatLeavesItsProcessLeavesTheOthersThere) {
  auto first = CreateAlive(), second = CreateAlive();
  auto b = Call(second, "b");
  first.reset();
  caller_.tables().TakeReleased();
  Die(1);
  EXPECT_NE(Error(b), nullptr);
}

TEST_F(ActorTableTest, ANodesDeathIsTheDeathOfItsProcesses) {
  auto actor = CreateAlive();
  auto a = Call(actor, "a");
  caller_.NodeDied(kNode);
  EXPECT_EQ(Error(a)->outcome, Outcome::kUnknown);
  caller_.Update(Info(pb::DEAD, 1, "node died"));
  EXPECT_TRUE(actor->record()->dead()) << "nothing is left to wait for";
}

TEST_F(ActorTableTest, ExceptionsAreRetriedOnlyWhenAsked) {
  auto actor = CreateAlive();
  auto call = caller_.NewCall("asked", 1);
  call->retry_exceptions = true;
  names_[call->sequence] = "asked";
  auto asked = caller_.actors().Call(actor->record(), call);
  auto other = Call(actor, "other", 1);
  EXPECT_THAT(Sent(1), ElementsAre("asked", "other"));
  for (const auto& result : {asked, other}) {
    ReplyFrame reply;
    reply.sequence = result->record()->id.low;
    reply.incarnation = 1;
    reply.value = ErrorValue({.kind = ErrorKind::kThrew, .outcome = Outcome::kFailed});
    caller_.tables().OnFrame({kNode, Process(1)}, Encode(reply), 0);
  }
  EXPECT_THAT(Sent(1), ElementsAre("asked"));
  EXPECT_EQ(Error(other)->kind, ErrorKind::kThrew);
}

// --- Handles -------------------------------------------------------------------------------------------------------

TEST_F(ActorTableTest, TheLastHandleReleasesTheActorOnceItsCallsAreAnswered) {
  auto actor = CreateAlive();
  auto a = Call(actor, "a");
  actor = nullptr;
  caller_.tables().TakeReleased();
  EXPECT_THAT(caller_.outbox().Of(pb::ClientToRaylet::kReleaseActor), IsEmpty()) << "a call is under way";
  Reply(a, 1);
  EXPECT_EQ(caller_.outbox().Of(pb::ClientToRaylet::kReleaseActor).size(), 1U);
}

TEST_F(ActorTableTest, AnActorThatNobodyHoldsIsReleasedWhenItsLastCallIsLost) {
  auto actor = CreateAlive();
  auto a = Call(actor, "a");
  actor.reset();
  caller_.tables().TakeReleased();
  EXPECT_THAT(caller_.outbox().Of(pb::ClientToRaylet::kReleaseActor), IsEmpty());
  Die(1);
  EXPECT_EQ(caller_.outbox().Of(pb::ClientToRaylet::kReleaseActor).size(), 1U);
}

TEST_F(ActorTableTest, AnActorThatIsDroppedAtOnceIsReleasedOnceTheHeadKnowsIt) {
  auto actor = caller_.actors().Create({}, false, {}, [](const auto&) {});
  id_ = actor->record()->id;
  actor.reset();
  caller_.tables().TakeReleased();
  EXPECT_THAT(caller_.outbox().Of(pb::ClientToRaylet::kReleaseActor), IsEmpty()) << "it might come first";
  caller_.AnswerActor(Info(pb::PENDING, 0));
  EXPECT_EQ(caller_.outbox().Of(pb::ClientToRaylet::kReleaseActor).size(), 1U);
}

TEST_F(ActorTableTest, AnActorWhoseArgumentFailedIsDoneWith) {
  auto argument = caller_.objects().NewPending(caller_.NewCall("makes the argument"));
  auto actor = caller_.actors().Create({}, false, {.values = {}, .refs = {{0, argument}}}, [](const auto&) {});
  caller_.objects().Fail(argument->record(), {.kind = ErrorKind::kThrew, .message = "thrown"});
  EXPECT_TRUE(actor->record()->dead());
  EXPECT_FALSE(actor->record()->spec) << "Kill() would wait for it to be sent";
  const std::weak_ptr<ActorRecord> record = actor->record();
  actor.reset();
  caller_.tables().TakeReleased();
  EXPECT_TRUE(record.expired());
}

TEST_F(ActorTableTest, ALookUpThatTheHeadDidNotAnswerIsRepeated) {
  auto actor = caller_.actors().Borrow(internal::ActorName{.id = {9, 9}, .creator = {kNode, ProcessId{9}}});
  id_ = {9, 9};
  auto a = Call(actor, "a");
  pb::RayletToClient away;
  away.mutable_error()->set_kind(pb::Error::SYSTEM);
  caller_.Answer(away);
  EXPECT_FALSE(a->record()->ready());
  caller_.outbox().Advance(1s);
  caller_.AnswerActor(Info(pb::ALIVE, 1));
  const auto calls = std::exchange(caller_.outbox().frames, {});
  EXPECT_EQ(calls.back().to.process, Process(1));
  pb::RayletToClient unknown;
  unknown.mutable_error()->set_kind(pb::Error::ACTOR_DIED);
  auto other = caller_.actors().Borrow(internal::ActorName{.id = {9, 10}, .creator = {kNode, ProcessId{9}}});
  caller_.Answer(unknown);
  EXPECT_TRUE(other->record()->dead());
}

TEST_F(ActorTableTest, CallsToAnotherNodeHoldBackUntilSomeAreAnswered) {
  auto actor = Create();
  pb::ActorInfo far = Info(pb::ALIVE, 1);
  far.mutable_address()->set_node(NodeId{0, 2}.Bytes());
  caller_.Update(far);
  std::vector<internal::ObjectPtr> results;
  while (!caller_.actors().Congested(*actor->record())) {
    results.push_back(Call(actor, "call", 0,
                           {.values = {.bytes = std::string(60'000, 'a'), .objects = {}, .actors = {}}, .refs = {}}));
  }
  const std::size_t sent = Sent(1).size();
  EXPECT_LT(sent * 60'000, 17u << 20);
  EXPECT_LT(results.size(), sent + 2'000) << "the caller is held back, too";
  Reply(results[0], 1);
  EXPECT_EQ(Sent(1).size(), 1U);
}

TEST_F(ActorTableTest, ABrokenWayEndsWhatWasSentAndNotTheActor) {
  auto actor = CreateAlive();
  auto lost = Call(actor, "lost"), again = Call(actor, "again", 1);
  EXPECT_THAT(Sent(1), ElementsAre("lost", "again"));
  caller_.tables().OnPathBroken(Process(1), "the connection broke", kAllReached);
  ASSERT_NE(Error(lost), nullptr);
  EXPECT_EQ(Error(lost)->kind, ErrorKind::kSystem);
  EXPECT_EQ(Error(lost)->outcome, Outcome::kUnknown);
  EXPECT_THAT(Error(lost)->message, HasSubstr("the connection broke"));
  auto next = Call(actor, "next");
  EXPECT_THAT(Sent(1), IsEmpty()) << "not at once";
  caller_.outbox().Advance(1s);
  EXPECT_THAT(Sent(1), ElementsAre("again", "next"));
  Reply(next, 1);
  EXPECT_TRUE(next->record()->ready());
  Die(1);
  EXPECT_NE(Error(again), nullptr);
}

TEST_F(ActorTableTest, CallsThatTheProcessHadNotBegunGoToTheNextAtNoCost) {
  auto actor = CreateAlive();
  auto done = Call(actor, "done"), running = Call(actor, "running"), retried = Call(actor, "retried", 1);
  std::vector<internal::ObjectPtr> waiting;
  for (const char* name : {"first", "second"}) {
    waiting.push_back(Call(actor, name, 0, {.values = {.bytes = "value", .objects = {}, .actors = {}}, .refs = {}}));
  }
  Sent(1);
  Reply(done, 1);
  Die(1, 3);  // its word: it has begun the third
  EXPECT_EQ(Error(running)->outcome, Outcome::kUnknown);
  EXPECT_FALSE(waiting[0]->record()->ready());
  caller_.Update(Info(pb::RESTARTING, 1, "it crashed"));
  caller_.Update(Info(pb::ALIVE, 2));
  std::vector<std::string> bytes;
  for (const auto& frame : caller_.outbox().frames) bytes.push_back(frame.bytes);
  EXPECT_THAT(Sent(2), ElementsAre("retried", "first", "second"));
  CallFrame call;
  ASSERT_TRUE(Decode(bytes[1], &call));
  EXPECT_EQ(call.arguments.values, "value");
  Die(2, 1);  // of this process the first frame was "retried", which has no retries left
  EXPECT_EQ(Error(retried)->outcome, Outcome::kUnknown);
  EXPECT_FALSE(waiting[0]->record()->ready());
}

TEST_F(ActorTableTest, CallsThatADeadActorHadNotBegunWereNotExecuted) {
  auto actor = CreateAlive();
  auto terminate = Call(actor, "terminate"), after = Call(actor, "after");
  caller_.Update(Info(pb::DEAD, 1, "it was terminated"));
  Die(1, 1);
  EXPECT_EQ(Error(terminate)->outcome, Outcome::kUnknown);
  EXPECT_EQ(Error(after)->outcome, Outcome::kNotExecuted);
  EXPECT_THAT(Error(after)->message, HasSubstr("it was terminated"));
}

TEST_F(ActorTableTest, WhatRanOnceIsUnknownAlsoIfItWasNotBegunAgain) {
  auto actor = CreateAlive();
  auto twice = Call(actor, "twice", 1);
  Die(1, 1);
  caller_.Update(Info(pb::ALIVE, 2));
  caller_.Update(Info(pb::DEAD, 2, "it crashed"));
  Die(2, 0);
  EXPECT_EQ(Error(twice)->outcome, Outcome::kUnknown);
}

// No channel, for want of memory, say: the process lives, so that nothing more would make the next attempt succeed.
TEST_F(ActorTableTest, CallsThatNeverLeftABrokenWayWereNotExecuted) {
  auto actor = CreateAlive();
  auto left = Call(actor, "left"), kept = Call(actor, "kept"), again = Call(actor, "again", 1);
  Sent(1);
  caller_.tables().OnPathBroken(Process(1), "shared memory is full", 1);
  EXPECT_EQ(Error(left)->outcome, Outcome::kUnknown);
  EXPECT_EQ(Error(kept)->outcome, Outcome::kNotExecuted);
  EXPECT_THAT(Error(kept)->message, HasSubstr("shared memory is full"));
  caller_.outbox().Advance(1s);
  EXPECT_THAT(Sent(1), ElementsAre("again"));
}

TEST_F(ActorTableTest, ACutActorWhoseProcessDiesWaitsForTheHead) {
  auto actor = CreateAlive();
  caller_.tables().OnPathBroken(Process(1), "the connection broke", kAllReached);
  auto waits = Call(actor, "waits");
  Die(1);
  caller_.outbox().Advance(1s);
  EXPECT_THAT(Sent(1), IsEmpty()) << "there is nobody to send it to";
  caller_.Update(Info(pb::RESTARTING, 1, "it crashed"));
  caller_.Update(Info(pb::ALIVE, 2));
  EXPECT_THAT(Sent(2), ElementsAre("waits"));
}

TEST_F(ActorTableTest, AnAnswerForAReleasedRecordLeavesTheOneThatFollowedItAlone) {
  const internal::ActorName name{.id = {9, 9}, .creator = {kNode, ProcessId{9}}};
  id_ = name.id;
  (void)caller_.actors().Borrow(name);
  caller_.tables().TakeReleased();
  auto again = caller_.actors().Borrow(name);
  auto a = Call(again, "a");
  caller_.AnswerActor(Info(pb::PENDING, 0));  // to the first
  caller_.AnswerActor(Info(pb::PENDING, 0));
  caller_.outbox().frames.clear();  // counts
  caller_.Update(Info(pb::ALIVE, 1));
  EXPECT_THAT(Sent(1), ElementsAre("a"));
  Die(1);
  EXPECT_NE(Error(a), nullptr);
}

TEST_F(ActorTableTest, TimersOfAReleasedRecordLeaveTheOneThatFollowedItAlone) {
  const internal::ActorName name{.id = {9, 9}, .creator = {kNode, ProcessId{9}}};
  id_ = name.id;
  auto first = caller_.actors().Borrow(name);
  caller_.AnswerActor(Info(pb::ALIVE, 1));
  caller_.tables().OnPathBroken(Process(1), "the connection broke", kAllReached);
  first.reset();
  caller_.tables().TakeReleased();
  auto again = caller_.actors().Borrow(name);
  caller_.AnswerActor(Info(pb::ALIVE, 1));
  caller_.outbox().Advance(1s);
  caller_.outbox().frames.clear();  // counts
  auto a = Call(again, "a");
  EXPECT_THAT(Sent(1), ElementsAre("a"));
  Die(1);
  EXPECT_NE(Error(a), nullptr) << "the process is that of the record that is there";
}

// The head may say that an actor has the name while this process has let it go.
TEST_F(ActorTableTest, GetIfExistsIsNeverGivenAnActorThatIsOver) {
  auto first = CreateAlive();
  const pb::ActorInfo alive = [&] {
    pb::ActorInfo info = Info(pb::ALIVE, 1);
    info.mutable_creator()->set_process(caller_.self().process.value);
    return info;
  }();
  EXPECT_EQ(Obtain(caller_, alive), first);
  int answers = 0;
  auto second = caller_.actors().Create({}, true, {}, [&answers](const auto&) { ++answers; });
  id_ = second->record()->id;
  first.reset();
  caller_.tables().TakeReleased();
  EXPECT_EQ(Obtain(caller_, alive), internal::ActorPtr());
  pb::RayletToClient existed;
  *existed.mutable_actor_reply()->mutable_info() = alive;
  existed.mutable_actor_reply()->set_existed(true);
  caller_.Answer(existed);
  pb::RayletToClient ends;
  ends.mutable_actor_reply()->set_ask_again(true);
  caller_.Answer(ends);
  EXPECT_EQ(answers, 0);
  ASSERT_EQ(caller_.outbox().requests.size(), 1U) << "it asked again";
  EXPECT_EQ(caller_.outbox().requests[0].message.create_actor().spec().id(), id_.Bytes());
  EXPECT_TRUE(caller_.outbox().requests[0].message.create_actor().get_if_exists());
  caller_.AnswerActor(Info(pb::PENDING, 0));
  EXPECT_EQ(answers, 1);
}

// One process made an actor with a name, and another one has been told of it by the head.
class FoundActorTest : public ActorTableTest {
 protected:
  FoundActorTest() {
    made_ = creator_.actors().Create({}, false, {}, [](const auto&) {});
    id_ = made_->record()->id;
    creator_.AnswerActor(Info(pb::ALIVE, 1));
    info_ = Info(pb::ALIVE, 1);
    info_.mutable_creator()->set_node(kNode.Bytes());
    info_.mutable_creator()->set_process(creator_.self().process.value);
  }
  void Find() {
    finder_.actors().Obtain(info_, [this](internal::ActorPtr actor) { given_ = std::move(actor); });
  }
  void DropMade() {
    made_.reset();
    creator_.tables().TakeReleased();
  }
  std::size_t Released() { return creator_.outbox().Of(pb::ClientToRaylet::kReleaseActor).size(); }

  TestNet net_;
  TestProcess& creator_ = net_.Add(kNode, 1);
  TestProcess& finder_ = net_.Add(kNode, 2);
  internal::ActorPtr made_;
  pb::ActorInfo info_;
  std::optional<internal::ActorPtr> given_;
};

TEST_F(FoundActorTest, IsGivenOnceItsCreatorCountsWhoFoundIt) {
  Find();
  EXPECT_FALSE(given_);
  net_.Settle();
  ASSERT_TRUE(given_ && *given_);
  DropMade();
  EXPECT_EQ(Released(), 0U) << "the other process holds it";
  given_->reset();
  net_.Settle();
  EXPECT_EQ(Released(), 1U);
}

TEST_F(FoundActorTest, IsNotGivenWhenItsLastHandleWentBefore) {
  DropMade();
  EXPECT_EQ(Released(), 1U);
  Find();
  net_.Settle();
  ASSERT_TRUE(given_);
  EXPECT_EQ(*given_, nullptr);
  given_.reset();
  finder_.tables().TakeReleased();
  Find();
  net_.Settle();
  EXPECT_EQ(given_, internal::ActorPtr()) << "the head has not heard of it yet";
}

TEST_F(FoundActorTest, IsNotGivenWhenItsCreatorDies) {
  Find();
  const pb::ActorInfo info = info_;
  made_.reset();
  net_.Kill(creator_);
  ASSERT_TRUE(given_);
  EXPECT_EQ(*given_, nullptr);
  EXPECT_EQ(Obtain(finder_, info), internal::ActorPtr()) << "at once";
}

TEST_F(FoundActorTest, IsGivenWhenItsCreatorSaysNothingForLong) {
  Find();
  finder_.outbox().Advance(1s);
  EXPECT_FALSE(given_);
  finder_.outbox().Advance(1s);
  ASSERT_TRUE(given_);
  EXPECT_NE(*given_, nullptr);
}

TEST_F(ActorTableTest, AnActorThatIsMadeIsToldOfByItsRegistrationFirst) {
  auto actor = caller_.actors().Create({}, false, {}, [](const auto&) {});
  id_ = actor->record()->id;
  auto a = Call(actor, "a");
  caller_.Update(Info(pb::ALIVE, 1));  // another thread asked for its name
  EXPECT_THAT(Sent(1), IsEmpty());
  caller_.AnswerActor(Info(pb::ALIVE, 1));
  EXPECT_THAT(Sent(1), ElementsAre("a"));
}

// --- Errors of arguments -------------------------------------------------------------------------------------------

TEST_F(ActorTableTest, ACallToAnActorWhoseArgumentFailedNamesBothAndWhatFailed) {
  auto argument = caller_.objects().NewPending(caller_.NewCall("Boom()"));
  pb::ActorSpec spec;
  spec.set_class_name("WithArg");
  auto actor = caller_.actors().Create(spec, false, {.values = {}, .refs = {{0, argument}}}, [](const auto&) {});
  auto called = Call(actor, "WithArg::Get()");
  caller_.objects().Fail(argument->record(), {.kind = ErrorKind::kThrew,
                                              .outcome = Outcome::kFailed,
                                              .message = "boom",
                                              .remote_type = "std::logic_error",
                                              .method = "Boom()"});
  EXPECT_STREQ(troupe::Error(*Error(called)).what(),
               "WithArg::Get() was not executed: the constructor of WithArg was not executed, because its argument 1 "
               "failed: Boom() threw std::logic_error: boom");
  EXPECT_EQ(Error(called)->outcome, Outcome::kNotExecuted);
  auto later = Call(actor, "WithArg::Set(int)");
  EXPECT_THAT(Error(later)->context, HasSubstr("WithArg::Set(int) was not executed: the constructor of WithArg"));
}

TEST_F(ActorTableTest, ACallToAnActorWhoseConstructorThrewNamesBoth) {
  auto actor = CreateAlive();
  pb::ActorInfo dead = Info(pb::DEAD, 1);
  dead.mutable_death()->set_kind(pb::Error::THREW);
  dead.mutable_death()->set_message("boom");
  dead.mutable_death()->set_remote_type("std::logic_error");
  dead.mutable_death()->set_method("the constructor of Counter");
  Die(1);
  caller_.Update(dead);
  auto called = Call(actor, "Counter::Add(int)");
  EXPECT_THAT(troupe::Error(*Error(called)).what(),
              testing::StartsWith("Counter::Add(int) was not executed: the constructor of Counter threw "
                                  "std::logic_error: boom"));
}

// Deeper than a stack, were the end of each call within that of the one before.
TEST_F(ActorTableTest, AChainOfCallsEndsWithItsFirstHoweverLongItIs) {
  auto one = CreateAlive(), other = CreateAlive();
  auto first = caller_.objects().NewPending(caller_.NewCall("First()"));
  auto last = first;
  for (int i = 0; i < 20'000; ++i) {
    auto call = caller_.NewCall("Step" + std::to_string(i) + "(int)", 0, {.values = {}, .refs = {{0, last}}});
    last = caller_.actors().Call((i % 2 ? one : other)->record(), std::move(call));
  }
  caller_.objects().Fail(
      first->record(),
      {.kind = ErrorKind::kThrew, .outcome = Outcome::kFailed, .message = "boom", .method = "First()"});
  ASSERT_NE(Error(last), nullptr);
  EXPECT_STREQ(troupe::Error(*Error(last)).what(),
               "Step19999(int) was not executed, because its argument 1 failed: First() threw an exception: boom");
}

TEST_F(ActorTableTest, AChainOfCallsMayBeLeftUnanswered) {
  auto actor = Create();
  auto last = caller_.objects().NewPending(caller_.NewCall("First()"));
  for (int i = 0; i < 20'000; ++i) {
    auto call = caller_.NewCall("Step(int)", 0, {.values = {}, .refs = {{0, last}}});
    last = caller_.actors().Call(actor->record(), std::move(call));
  }
  actor.reset();  // and the tables go with what is left
}

TEST_F(ActorTableTest, AnActorIsKeptWhileAnotherProcessHoldsItsHandle) {
  TestNet net;
  TestProcess& creator = net.Add(kNode, 1);
  TestProcess& borrower = net.Add(kNode, 2);
  auto actor = creator.actors().Create({}, false, {}, [](const auto&) {});
  id_ = actor->record()->id;
  creator.AnswerActor(Info(pb::ALIVE, 1));
  auto borrowed = borrower.actors().Adopt(creator.actors().NameFor(actor, borrower.self()));
  actor = nullptr;
  net.Settle();
  EXPECT_THAT(creator.outbox().Of(pb::ClientToRaylet::kReleaseActor), IsEmpty());
  borrowed = nullptr;
  net.Settle();
  EXPECT_EQ(creator.outbox().Of(pb::ClientToRaylet::kReleaseActor).size(), 1U);
}

}  // namespace
}  // namespace troupe::client
