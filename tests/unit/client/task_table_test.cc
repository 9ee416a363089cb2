#include "client/task_table.h"

#include <gmock/gmock.h>

#include "process_fixture.h"

namespace troupe::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class TaskTableTest : public testing::Test {
 protected:
  static constexpr NodeId kNode{0, 1};
  static constexpr NodeId kOther{0, 2};

  internal::ObjectPtr Run(const std::string& name, std::int64_t retries = 0, std::int64_t cpus = 1,
                          internal::Arguments arguments = {}, bool retry_exceptions = false) {
    auto call = caller_.NewCall(name, retries, std::move(arguments));
    call->retry_exceptions = retry_exceptions;
    names_[call->sequence] = name;
    pb::Resources resources;
    (*resources.mutable_units())["CPU"] = cpus;
    return caller_.tasks().Run(call, MakeShape(resources, {}));
  }
  internal::ObjectPtr RunWith(const std::string& name, const std::map<std::string, std::int64_t>& units,
                              pb::Placement placement = {}) {
    auto call = caller_.NewCall(name, 3);
    names_[call->sequence] = name;
    pb::Resources resources;
    for (const auto& [kind, amount] : units) (*resources.mutable_units())[kind] = amount;
    return caller_.tasks().Run(call, MakeShape(resources, std::move(placement)));
  }
  // How many leases were asked for last, of the shape that was asked for last.
  pb::LeaseRequest Asked() { return caller_.outbox().Of(pb::ClientToRaylet::kLeaseRequest).back().lease_request(); }
  pb::Placement Somewhere(pb::Placement::Strategy strategy, NodeId node = {}) {
    pb::Placement placement;
    placement.set_strategy(strategy);
    if (node) placement.set_node(node.Bytes());
    return placement;
  }
  // The name of the task that this process, with `cpus`, takes to run since it waits for `result`; "" for none.
  std::string Take(const internal::ObjectPtr& result, std::int64_t cpus = 1) {
    const auto call = caller_.tasks().TakeAwaited(*result->record(), cpus);
    if (!call) return "";
    taken_[std::string(call->name)] = call;
    return std::string(call->name);
  }
  std::size_t Returned() { return caller_.outbox().Of(pb::ClientToRaylet::kReturnLease).size(); }
  // Lease `number` is of worker 100 + number.
  void Grant(std::uint64_t number, NodeId node = kNode) {
    pb::RayletToClient message;
    message.mutable_lease_granted()->set_key(Asked().key());
    message.mutable_lease_granted()->set_lease(number);
    message.mutable_lease_granted()->mutable_worker()->set_node(node.Bytes());
    message.mutable_lease_granted()->mutable_worker()->set_process(100 + number);
    caller_.tables().OnRaylet(message);
  }
  // Tasks that were sent and not looked at yet: "name@lease".
  std::vector<std::string> Sent() {
    std::vector<std::string> sent;
    for (const auto& frame : std::exchange(caller_.outbox().frames, {})) {
      CallFrame call;
      EXPECT_TRUE(Decode(frame.bytes, &call));
      EXPECT_EQ(frame.to.process.value, 100 + call.incarnation);
      sent.push_back(names_[call.sequence] + "@" + std::to_string(call.incarnation));
    }
    return sent;
  }
  void Reply(const internal::ObjectPtr& result, std::uint64_t lease, const ErrorInfo& error = {}) {
    ReplyFrame reply;
    reply.sequence = result->record()->id.low;
    reply.incarnation = lease;
    reply.value.bytes = "value";
    if (error.kind != ErrorKind::kUnspecified) reply.value = ErrorValue(error);
    caller_.tables().OnFrame({kNode, ProcessId{100 + lease}}, Encode(reply), 0);
  }
  void Die(std::uint64_t lease, std::uint64_t reached = kAllReached) {
    caller_.tables().OnProcessGone(ProcessId{100 + lease}, "killed by signal 9", reached);
  }
  static const ErrorInfo* Error(const internal::ObjectPtr& result) { return result->record()->error.get(); }

  TestProcess caller_{kNode, 1};
  std::map<std::uint64_t, std::string> names_;
  std::map<std::string, std::shared_ptr<PendingCall>> taken_;
};

TEST_F(TaskTableTest, ATaskThatNamesAnActorWaitsUntilTheHeadKnowsIt) {
  auto named = caller_.actors().Create({}, false, {}, [](const auto&) {});
  auto a = Run("a", 0, 1, {.values = {.bytes = {}, .objects = {}, .actors = {named}}, .refs = {}});
  EXPECT_THAT(caller_.outbox().Of(pb::ClientToRaylet::kLeaseRequest), IsEmpty());
  pb::ActorInfo info;
  info.set_id(named->record()->id.Bytes());
  info.set_state(pb::PENDING);
  caller_.AnswerActor(info);
  EXPECT_EQ(Asked().count(), 1U);
}

TEST_F(TaskTableTest, AsksForAWorkerPerTaskAndGivesEachOneAtATime) {
  auto a = Run("a"), b = Run("b"), c = Run("c");
  EXPECT_EQ(Asked().count(), 3U);
  Grant(1);
  Grant(2);
  EXPECT_THAT(Sent(), ElementsAre("a@1", "b@2"));
  Reply(a, 1);
  EXPECT_THAT(Sent(), ElementsAre("c@1"));
  EXPECT_EQ(Asked().count(), 0U) << "nothing waits any more";
  EXPECT_EQ(a->record()->bytes, "value");
}

TEST_F(TaskTableTest, ManyTasksDoNotAskForTheirWorkersOneByOne) {
  const auto questions = [this] { return caller_.outbox().Of(pb::ClientToRaylet::kLeaseRequest).size(); };
  std::vector<internal::ObjectPtr> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back(Run("task"));
  EXPECT_LE(questions(), 15U);
  EXPECT_GE(Asked().count(), 25U);
  caller_.outbox().Advance(50ms);
  EXPECT_EQ(Asked().count(), 50U) << "in the end it is exact";
  const std::size_t before = questions();
  Grant(1);
  for (const auto& task : tasks) Reply(task, 1);
  EXPECT_LE(questions() - before, 15U);
  EXPECT_EQ(Asked().count(), 0U);
}

TEST_F(TaskTableTest, ShapesDoNotShareWorkers) {
  auto small = Run("small", 0, 1);
  const auto first = Asked();
  auto large = Run("large", 0, 2);
  EXPECT_NE(Asked().key(), first.key());
  Grant(1);
  EXPECT_THAT(Sent(), ElementsAre("large@1"));
}

TEST_F(TaskTableTest, AnIdleLeaseIsKeptForAMomentAndThenGivenBack) {
  auto a = Run("a");
  Grant(1);
  Reply(a, 1);
  caller_.outbox().Advance(30ms);
  auto b = Run("b");
  EXPECT_THAT(Sent(), ElementsAre("a@1", "b@1"));
  caller_.outbox().Advance(30ms);
  EXPECT_EQ(Returned(), 0U) << "it works";
  Reply(b, 1);
  caller_.outbox().Advance(49ms);
  EXPECT_EQ(Returned(), 0U);
  caller_.outbox().Advance(60ms);
  EXPECT_EQ(Returned(), 1U);
}

TEST_F(TaskTableTest, ALeaseThatIsNotNeededAnyMoreIsGivenBack) {
  auto a = Run("a");
  Grant(1);
  Reply(a, 1);
  Grant(2);
  caller_.outbox().Advance(50ms);
  caller_.outbox().Advance(50ms);
  EXPECT_EQ(Returned(), 2U);
}

TEST_F(TaskTableTest, ATaskOfADeadWorkerGoesToAnotherWhileItHasRetries) {
  auto once = Run("once", 1);
  Grant(1);
  Die(1);
  EXPECT_EQ(Asked().count(), 1U);
  Grant(2);
  EXPECT_THAT(Sent(), ElementsAre("once@1", "once@2"));
  Reply(once, 1);
  EXPECT_FALSE(once->record()->ready()) << "of an attempt that was given up";
  Die(2);
  ASSERT_TRUE(once->record()->ready());
  EXPECT_EQ(Error(once)->kind, ErrorKind::kWorkerDied);
  EXPECT_EQ(Error(once)->outcome, Outcome::kUnknown);
  EXPECT_THAT(Error(once)->message, HasSubstr("signal 9"));
}

TEST_F(TaskTableTest, ABrokenWayToAWorkerGivesItsLeaseBack) {
  auto lost = Run("lost");
  Grant(1);
  EXPECT_THAT(Sent(), ElementsAre("lost@1"));
  caller_.tables().OnPathBroken(ProcessId{101}, "no channel", kAllReached);
  EXPECT_EQ(Returned(), 1U);
  ASSERT_NE(Error(lost), nullptr);
  EXPECT_THAT(Error(lost)->message, HasSubstr("no channel"));
}

TEST_F(TaskTableTest, ATaskThatItsWorkerHadNotBegunGoesToAnotherAtNoCost) {
  auto task = Run("task", 0);
  Grant(1);
  Die(1, 0);
  EXPECT_FALSE(task->record()->ready());
  Grant(2);
  EXPECT_THAT(Sent(), ElementsAre("task@1", "task@2"));
  Die(2, 1);
  EXPECT_EQ(Error(task)->outcome, Outcome::kUnknown);
}

TEST_F(TaskTableTest, ATaskThatNeverLeftABrokenWayWasNotExecuted) {
  auto task = Run("task", 0);
  Grant(1);
  caller_.tables().OnPathBroken(ProcessId{101}, "shared memory is full", 0);
  EXPECT_EQ(Error(task)->outcome, Outcome::kNotExecuted);
}

TEST_F(TaskTableTest, RetriesWithoutLimitDoNotRunOut) {
  auto always = Run("always", -1);
  for (std::uint64_t lease = 1; lease <= 20; ++lease) {
    Grant(lease);
    Die(lease);
  }
  EXPECT_FALSE(always->record()->ready());
}

TEST_F(TaskTableTest, ATaskThatIsTriedAgainComesBeforeThoseThatWait) {
  auto a = Run("a", 1), b = Run("b");
  Grant(1);
  Die(1);
  Grant(2);
  EXPECT_THAT(Sent(), ElementsAre("a@1", "a@2"));
}

TEST_F(TaskTableTest, WithANodeGoItsWorkers) {
  auto here = Run("here"), there = Run("there");
  Grant(1);
  Grant(2, kOther);
  caller_.NodeDied(kOther);
  EXPECT_FALSE(here->record()->ready());
  ASSERT_TRUE(there->record()->ready());
  EXPECT_EQ(Error(there)->kind, ErrorKind::kWorkerDied);
}

TEST_F(TaskTableTest, ExceptionsAreRetriedOnlyWhenAskedAndOtherErrorsNever) {
  const ErrorInfo threw{.kind = ErrorKind::kThrew, .outcome = Outcome::kFailed};
  const ErrorInfo unknown{.kind = ErrorKind::kUnknownMethod, .outcome = Outcome::kNotExecuted};
  auto not_asked = Run("not asked", 3);
  Grant(1);
  Reply(not_asked, 1, threw);
  EXPECT_EQ(Error(not_asked)->kind, ErrorKind::kThrew);
  auto asked = Run("asked", 1, 1, {}, true);
  Reply(asked, 1, threw);
  EXPECT_FALSE(asked->record()->ready());
  Reply(asked, 1, threw);
  EXPECT_EQ(Error(asked)->kind, ErrorKind::kThrew) << "its one retry is used";
  auto other = Run("other", 3, 1, {}, true);
  Reply(other, 1, unknown);
  EXPECT_EQ(Error(other)->kind, ErrorKind::kUnknownMethod);
}

TEST_F(TaskTableTest, ATaskWaitsForItsArgumentsAndEndsUnsentWithTheirError) {
  auto argument = caller_.objects().NewPending(caller_.NewCall("makes the argument"));
  auto task = Run("task", 0, 1, {.values = {}, .refs = {{0, argument}}});
  EXPECT_THAT(caller_.outbox().Of(pb::ClientToRaylet::kLeaseRequest), IsEmpty());
  caller_.objects().Fail(argument->record(), {.kind = ErrorKind::kThrew, .outcome = Outcome::kFailed});
  ASSERT_TRUE(task->record()->ready());
  EXPECT_EQ(Error(task)->outcome, Outcome::kNotExecuted);
}

TEST_F(TaskTableTest, ARefusedRequestEndsWhatWaits) {
  auto a = Run("a"), b = Run("b", -1);
  pb::RayletToClient message;
  message.mutable_lease_update()->set_key(Asked().key());
  message.mutable_lease_update()->mutable_error()->set_kind(pb::Error::PROGRAM);
  message.mutable_lease_update()->mutable_error()->set_message("no such program");
  caller_.tables().OnRaylet(message);
  for (const auto& result : {a, b}) EXPECT_EQ(Error(result)->kind, ErrorKind::kProgram);
  auto c = Run("c");
  EXPECT_EQ(Asked().count(), 1U) << "the next one asks again";
}

TEST_F(TaskTableTest, SaysWhyATaskCannotBePlacedUntilItIs) {
  auto task = Run("task");
  EXPECT_EQ(caller_.tables().WhyPending(*task->record()), "the call goes on");
  pb::RayletToClient message;
  message.mutable_lease_update()->set_key(Asked().key());
  message.mutable_lease_update()->set_infeasible(true);
  message.mutable_lease_update()->set_reason("needs GPU: 1, no node has any");
  caller_.tables().OnRaylet(message);
  EXPECT_THAT(caller_.tables().WhyPending(*task->record()), HasSubstr("needs GPU: 1"));
  message.mutable_lease_update()->set_infeasible(false);  // a node has joined, and is full
  caller_.tables().OnRaylet(message);
  EXPECT_EQ(caller_.tables().WhyPending(*task->record()), "the call goes on");
}

// --- Tasks that who waits for them runs itself -----------------------------------------------------------------------

TEST_F(TaskTableTest, WhoWaitsForATaskThatIsStillHereTakesIt) {
  auto a = Run("a", 3), b = Run("b", 3);
  EXPECT_EQ(Take(b), "b");
  EXPECT_EQ(Take(b), "") << "it runs already";
  EXPECT_EQ(Asked().count(), 1U) << "for a";
  Grant(1);
  EXPECT_THAT(Sent(), ElementsAre("a@1"));
  Reply(a, 1);
  EXPECT_THAT(Sent(), IsEmpty());
  caller_.tasks().OnRan(taken_["b"], {.bytes = "b's value", .objects = {}, .actors = {}}, 0);
  EXPECT_EQ(b->record()->bytes, "b's value");
}

TEST_F(TaskTableTest, TakesNoTaskThatAWorkerHas) {
  auto a = Run("a", 3);
  Grant(1);
  EXPECT_EQ(Take(a), "");
  Die(1);
  EXPECT_EQ(Take(a), "a") << "it waits again";
}

TEST_F(TaskTableTest, TakesOnlyTasksThatNeedNoMoreThanTheCpusThatItsThreadLends) {
  EXPECT_EQ(Take(Run("too large", 3, 3), 2), "");
  EXPECT_EQ(Take(Run("fits", 3, 2), 2), "fits");
  EXPECT_EQ(Take(RunWith("nothing", {}), 2), "nothing");
  EXPECT_EQ(Take(RunWith("gpu", {{"CPU", 1}, {"GPU", 1}}), 2), "");
  EXPECT_EQ(Take(RunWith("memory", {{"CPU", 1}, {"memory", 1}}), 2), "");
  EXPECT_EQ(Take(RunWith("none of it", {{"CPU", 1}, {"GPU", 0}, {"disk", 0}}), 2), "none of it");
}

TEST_F(TaskTableTest, TakesNoTaskThatBelongsElsewhere) {
  pb::Placement labelled;
  (*labelled.mutable_labels())["zone"] = "a";
  EXPECT_EQ(Take(RunWith("spread", {{"CPU", 1}}, Somewhere(pb::Placement::SPREAD))), "");
  EXPECT_EQ(Take(RunWith("there", {{"CPU", 1}}, Somewhere(pb::Placement::NODE_AFFINITY, kOther))), "");
  EXPECT_EQ(Take(RunWith("labelled", {{"CPU", 1}}, labelled)), "");
  EXPECT_EQ(Take(RunWith("here", {{"CPU", 1}}, Somewhere(pb::Placement::NODE_AFFINITY, kNode))), "here");
}

TEST_F(TaskTableTest, TakesNoTaskThatMustNotRunTwice) {
  EXPECT_EQ(Take(Run("once", 0)), "");
  EXPECT_EQ(Take(Run("again", 1)), "again");
}

TEST_F(TaskTableTest, TakesWhatATaskNeedsAsArgumentsFirst) {
  auto a = Run("a", 3);
  auto b = Run("b", 3, 1, {.values = {}, .refs = {{0, caller_.Put("there")}, {1, a}}});
  auto c = Run("c", 3, 1, {.values = {}, .refs = {{0, b}}});
  for (const std::string next : {"a", "b", "c"}) {
    EXPECT_EQ(Take(c), next);
    EXPECT_EQ(Take(c), "") << next << " runs";
    caller_.tasks().OnRan(taken_[next], {.bytes = next, .objects = {}, .actors = {}}, 0);
  }
  EXPECT_TRUE(c->record()->ready());
}

TEST_F(TaskTableTest, ATakenTaskThatThrowsEndsOrIsTriedAgainAsElsewhere) {
  const ErrorInfo threw{.kind = ErrorKind::kThrew, .outcome = Outcome::kFailed, .message = "no"};
  auto once = Run("once", 3);
  Take(once);
  caller_.tasks().OnRan(taken_["once"], threw);
  ASSERT_NE(Error(once), nullptr);
  EXPECT_EQ(Error(once)->kind, ErrorKind::kThrew);
  EXPECT_EQ(Error(once)->method, "once");
  auto twice = Run("twice", 2, 1, {}, true);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(Take(twice), "twice");
    caller_.tasks().OnRan(taken_["twice"], threw);
  }
  EXPECT_EQ(Take(twice), "") << "its last retry is not for this process";
  EXPECT_FALSE(twice->record()->ready());
}

TEST_F(TaskTableTest, OnlyATaskThatMayRunAgainAndKilledNoWorkerRunsWhatItWaitsFor) {
  const auto runs_awaited = [this] {
    CallFrame call;
    EXPECT_TRUE(Decode(caller_.outbox().frames.back().bytes, &call));
    return call.runs_awaited;
  };
  auto once = Run("once", 0);
  Grant(1);
  EXPECT_FALSE(runs_awaited());
  auto again = Run("again", 2);
  Grant(2);
  EXPECT_TRUE(runs_awaited());
  Die(2);
  Grant(3);
  EXPECT_FALSE(runs_awaited());
}

TEST_F(TaskTableTest, ManyTakenTasksLeaveNothingInTheQueue) {
  auto first = Run("first", 3);
  std::vector<internal::ObjectPtr> all;
  for (int i = 0; i < 1000; ++i) all.push_back(Run("task", 3));
  for (const auto& task : all) EXPECT_EQ(Take(task), "task");
  Grant(1);
  EXPECT_THAT(Sent(), ElementsAre("first@1"));
  Reply(first, 1);
  EXPECT_THAT(Sent(), IsEmpty());
}

TEST_F(TaskTableTest, BetweenTwoTasksAWorkerKeepsNoIdleLease) {
  auto a = Run("a"), b = Run("b");
  Grant(1);
  Grant(2);
  Reply(a, 1);
  EXPECT_EQ(Returned(), 0U);
  caller_.tasks().SetKeepsIdleLeases(false);
  EXPECT_EQ(Returned(), 1U) << "that of a, at once";
  Reply(b, 2);
  EXPECT_EQ(Returned(), 2U) << "as soon as it is idle";
  auto c = Run("c");
  caller_.tasks().SetKeepsIdleLeases(true);
  Grant(3);
  Reply(c, 3);
  EXPECT_EQ(Returned(), 2U);
}

}  // namespace
}  // namespace troupe::client
