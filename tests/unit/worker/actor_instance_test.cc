#include "worker/actor_instance.h"

#include <gmock/gmock.h>

#include <utility>

namespace troupe::worker {
namespace {

using testing::HasSubstr;

constexpr ActorId kActor{3, 4};

pb::AssignActor Assignment() {
  pb::AssignActor assignment;
  pb::ActorSpec& spec = *assignment.mutable_spec();
  spec.set_id(kActor.Bytes());
  spec.set_job(8);
  spec.set_class_name("Counter");
  spec.set_name("main");
  spec.set_name_space("of tests");
  assignment.set_incarnation(7);
  assignment.set_was_restarted(true);
  return assignment;
}
client::CallFrame Call(ActorId actor, std::uint64_t incarnation) {
  client::CallFrame frame;
  frame.actor = actor;
  frame.incarnation = incarnation;
  return frame;
}
internal::Function Method(const std::type_info& type) {
  return {
      .name = "Counter::Add", .invoke = [](void*, internal::ArgumentReader&, internal::ResultSink&) {}, .type = &type};
}

TEST(ActorInstanceTest, RefusesCallsToOtherActorsAndToOtherIncarnations) {
  const ActorInstance actor(Assignment(), {});
  EXPECT_EQ(actor.Refusal(Call(kActor, 7)), std::nullopt);
  for (const std::uint64_t incarnation : {6, 8}) {
    const auto refusal = actor.Refusal(Call(kActor, incarnation));
    ASSERT_TRUE(refusal.has_value()) << incarnation;
    EXPECT_EQ(refusal->outcome, Outcome::kNotExecuted);
    EXPECT_THAT(refusal->message, HasSubstr("this is incarnation 7"));
  }
  const auto other = actor.Refusal(Call({3, 5}, 7));
  ASSERT_TRUE(other.has_value());
  EXPECT_THAT(other->message, HasSubstr("does not host"));
}

TEST(ActorInstanceTest, RunsNothingUnlessItsConstructorHasReturned) {
  ActorInstance actor(Assignment(), {});
  const auto before = actor.CannotRun(Method(typeid(int)));
  ASSERT_TRUE(before.has_value());
  EXPECT_EQ(before->kind, ErrorKind::kActorDied);
  EXPECT_EQ(before->outcome, Outcome::kNotExecuted);
  actor.Constructed(nullptr, &typeid(int));
  EXPECT_NE(actor.CannotRun(Method(typeid(int))), std::nullopt) << "its constructor has thrown";
  const auto object = std::make_shared<int>(5);
  actor.Constructed(object, &typeid(int));
  EXPECT_EQ(actor.CannotRun(Method(typeid(int))), std::nullopt);
  EXPECT_EQ(actor.object(), object.get());
}

TEST(ActorInstanceTest, RunsNoFunctionAndNoMethodOfAnotherClass) {
  ActorInstance actor(Assignment(), {});
  actor.Constructed(std::make_shared<int>(5), &typeid(int));
  internal::Function function = Method(typeid(double));
  const auto other = actor.CannotRun(function);
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(other->kind, ErrorKind::kUnknownMethod);
  EXPECT_THAT(other->message, HasSubstr("Counter::Add is no method"));
  function.type = nullptr;
  EXPECT_NE(actor.CannotRun(function), std::nullopt);
}

TEST(ActorInstanceTest, LetsGoOfItsObject) {
  ActorInstance actor(Assignment(), {});
  auto object = std::make_shared<int>(5);
  actor.Constructed(object, &typeid(int));
  EXPECT_EQ(actor.LetGo(), object);
  EXPECT_EQ(object.use_count(), 1);
  EXPECT_EQ(actor.object(), nullptr);
}

TEST(ActorInstanceTest, TellsItsCodeWhatItIs) {
  internal::Context process;
  process.process = ProcessId{9};
  process.gpu_ids = {1, 2};
  process.name_space = "of the process";
  ActorInstance actor(Assignment(), process);
  const internal::Context& context = actor.context();
  EXPECT_EQ(context.process, ProcessId{9});
  EXPECT_EQ(context.gpu_ids, (std::vector<int>{1, 2}));
  EXPECT_EQ(context.job, JobId{8});
  EXPECT_EQ(context.actor, kActor);
  EXPECT_EQ(context.actor_name, "main");
  EXPECT_EQ(context.name_space, "of tests");
  EXPECT_EQ(context.incarnation, 7u);
  EXPECT_TRUE(context.was_restarted);
  actor.SetTask({1, 2});
  EXPECT_EQ(context.task, (TaskId{1, 2}));
}

TEST(ActorInstanceTest, HoldsCpusOnlyIfItWasGivenSome) {
  pb::AssignActor assignment = Assignment();
  EXPECT_FALSE(ActorInstance(assignment, {}).holds_cpus());
  (*assignment.mutable_spec()->mutable_resources()->mutable_units())["CPU"] = 0;
  EXPECT_FALSE(ActorInstance(assignment, {}).holds_cpus());
  (*assignment.mutable_spec()->mutable_resources()->mutable_units())["CPU"] = 10'000;
  EXPECT_TRUE(ActorInstance(assignment, {}).holds_cpus());
}

TEST(ActorInstanceTest, ErrorsBearItsName) {
  const ErrorInfo error = ActorInstance(Assignment(), {}).Named({.message = "too far"});
  EXPECT_EQ(error.message, "too far");
  EXPECT_EQ(error.actor, kActor);
  EXPECT_EQ(error.actor_class, "Counter");
}

}  // namespace
}  // namespace troupe::worker
