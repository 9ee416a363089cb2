#include "worker/call_runner.h"

#include <gmock/gmock.h>

#include <functional>
#include <future>
#include <stdexcept>

#include "tests/unit/worker/call_fixture.h"

namespace run {

// What the test wants to know while user code runs.
std::function<void()>& Look() {
  static std::function<void()> look;
  return look;
}

class Probe {
 public:
  explicit Probe(int start) : sum_(start) {
    if (start < 0) throw std::invalid_argument("less than nothing");
  }
  int Add(int a, int b) { return sum_ += a + b; }
  void Fail() { throw std::out_of_range("too far"); }
  void Leave() { throw troupe::internal::ActorExit(); }
  void Peek() { Look()(); }

 private:
  int sum_;
};

int Double(int n) { return 2 * n; }

}  // namespace run

TROUPE_ACTOR(run::Probe, Add, Fail, Leave, Peek);

namespace troupe::worker {
namespace {

using client::WireArgument;
using client::WireArguments;
using client::WireValue;
using run::Probe;
using testing::HasSubstr;

template <auto kMethod>
std::uint64_t Method() {
  return internal::Registration<internal::MethodSource<Probe, kMethod>>::Get().id;
}
const std::uint64_t kDouble = internal::Registration<internal::FunctionSource<&run::Double>>::Get().id;

template <class... A>
std::string Bytes(A... values) {
  return internal::WriteArguments(internal::TypeList<A...>(), values...).values.bytes;
}

class CallRunnerTest : public CallFixture {
 protected:
  std::optional<ErrorInfo> Construct(int start) {
    const std::string values = Bytes(start);
    pb::ActorSpec spec;
    spec.set_constructor(internal::Registration<internal::ConstructorSource<Probe, int>>::Get().id);
    spec.set_arguments(client::EncodeArguments({.values = values, .contained = {}, .refs = {}}));
    return runner_.Construct(lock_, spec, actor_);
  }
  CallRunner::Then CallActor(std::uint64_t method, const WireArguments& arguments = {}) {
    const std::unique_ptr<Mail> mail = Call(method, arguments, kActor);
    const auto then = runner_.Run(lock_, *mail, &actor_, {.context = &actor_.context()});
    EXPECT_TRUE(lock_.owns_lock());
    return then;
  }
  void RunTask(std::uint64_t function, int n) {
    const std::string values = Bytes(n);
    EXPECT_EQ(runner_.Run(lock_, *Call(function, {.values = values, .contained = {}, .refs = {}}), nullptr, {}),
              CallRunner::Then::kGoOn);
  }
  static WireArgument Stored(std::uint32_t position, std::uint64_t number) {
    WireArgument argument;
    argument.position = position;
    argument.name = {.id = {kCaller.process.value, number}, .owner = kCaller};
    argument.value.kind = WireValue::Kind::kStored;
    return argument;
  }
  bool begun() { return !process_.outbox().begun.empty(); }

  CallRunner runner_{process_.core(), stored_, replies_};
};

TEST_F(CallRunnerTest, TheAnswerIsWhatTheMethodReturned) {
  EXPECT_EQ(Construct(10), std::nullopt);
  const std::string values = Bytes(1, 2);
  EXPECT_EQ(CallActor(Method<&Probe::Add>(), {.values = values, .contained = {}, .refs = {}}), CallRunner::Then::kGoOn);
  EXPECT_EQ(Reply().value.bytes, Bytes(13));
  ASSERT_EQ(process_.outbox().begun.size(), 1u);
  EXPECT_EQ(process_.outbox().begun[0], (std::pair<ProcessId, std::uint64_t>(kCaller.process, 101)));
}

TEST_F(CallRunnerTest, ATaskHasNoInstance) {
  RunTask(kDouble, 21);
  EXPECT_EQ(Reply().value.bytes, Bytes(42));
}

TEST_F(CallRunnerTest, ArgumentsGivenAsObjectsTakeTheirPlaces) {
  EXPECT_EQ(Construct(0), std::nullopt);
  const std::string one = Bytes(1);
  WireArguments arguments;
  arguments.refs.resize(1);
  arguments.refs[0].value.bytes = one;
  arguments.refs.push_back(Stored(1, 99));
  stored_.values[{kCaller.process.value, 99}] = std::make_shared<std::string>(Bytes(20));
  CallActor(Method<&Probe::Add>(), arguments);
  EXPECT_EQ(Reply().value.bytes, Bytes(21));
}

TEST_F(CallRunnerTest, ACallWhoseArgumentIsLostDoesNotRun) {
  EXPECT_EQ(Construct(0), std::nullopt);
  WireArguments arguments;
  arguments.refs.push_back(Stored(1, 99));
  CallActor(Method<&Probe::Add>(), arguments);
  EXPECT_EQ(Error().kind, ErrorKind::kObjectLost);
  EXPECT_EQ(Error().outcome, Outcome::kNotExecuted);
  EXPECT_EQ(Error().message, "its argument 2 cannot be read: no copy is left");
  EXPECT_FALSE(begun());
}

TEST_F(CallRunnerTest, ACallWhoseArgumentIsAnErrorDoesNotRun) {
  EXPECT_EQ(Construct(0), std::nullopt);
  WireArguments arguments;
  arguments.refs.resize(1);
  arguments.refs[0].value = client::ErrorValue({.kind = ErrorKind::kThrew, .outcome = Outcome::kFailed});
  CallActor(Method<&Probe::Add>(), arguments);
  EXPECT_EQ(Error().kind, ErrorKind::kThrew);
  EXPECT_EQ(Error().outcome, Outcome::kNotExecuted);
  EXPECT_FALSE(begun());
}

TEST_F(CallRunnerTest, ArgumentsThatDoNotDecodeAreNotExecuted) {
  EXPECT_EQ(Construct(0), std::nullopt);
  CallActor(Method<&Probe::Add>(), {.values = "abc", .contained = {}, .refs = {}});
  EXPECT_EQ(Error().kind, ErrorKind::kBadArguments);
  EXPECT_EQ(Error().outcome, Outcome::kNotExecuted);
}

TEST_F(CallRunnerTest, WhatTheMethodThrowsIsTheAnswer) {
  EXPECT_EQ(Construct(0), std::nullopt);
  EXPECT_EQ(CallActor(Method<&Probe::Fail>()), CallRunner::Then::kGoOn);
  EXPECT_EQ(Error().kind, ErrorKind::kThrew);
  EXPECT_EQ(Error().outcome, Outcome::kFailed);
  EXPECT_EQ(Error().message, "too far");
  EXPECT_EQ(Error().actor, kActor);
  EXPECT_EQ(Error().actor_class, "Probe");
}

TEST_F(CallRunnerTest, ExitActorEndsTheCallAndIsPassedOn) {
  EXPECT_EQ(Construct(0), std::nullopt);
  EXPECT_EQ(CallActor(Method<&Probe::Leave>()), CallRunner::Then::kExit);
  EXPECT_EQ(Error().kind, ErrorKind::kActorDied);
  EXPECT_EQ(Error().outcome, Outcome::kFailed);
}

TEST_F(CallRunnerTest, UserCodeRunsWithoutTheLockOnceItsCallerMaySeeThatItBegan) {
  EXPECT_EQ(Construct(0), std::nullopt);
  bool locked = true, begun_before = false;
  run::Look() = [&] {
    std::async(std::launch::async, [&] {
      const std::unique_lock other(process_.core().mutex, std::try_to_lock);
      locked = !other.owns_lock();
    }).get();
    begun_before = begun();
  };
  CallActor(Method<&Probe::Peek>());
  EXPECT_FALSE(locked);
  EXPECT_TRUE(begun_before);
}

TEST_F(CallRunnerTest, RunsOnlyWhatTheProgramAndTheActorHave) {
  EXPECT_EQ(Construct(0), std::nullopt);
  CallActor(12345);
  EXPECT_THAT(Error().message, HasSubstr("does not know this function"));
  CallActor(kDouble);
  EXPECT_THAT(Error().message, HasSubstr("no method of the actor's class"));
  RunTask(Method<&Probe::Fail>(), 1);
  EXPECT_THAT(Error().message, HasSubstr("this process hosts no actor"));
  EXPECT_EQ(Error().kind, ErrorKind::kUnknownMethod);
  EXPECT_EQ(Error().outcome, Outcome::kNotExecuted);
  EXPECT_FALSE(begun());
}

TEST_F(CallRunnerTest, AConstructorThatThrowsLeavesNoObject) {
  const auto error = Construct(-1);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, ErrorKind::kThrew);
  EXPECT_EQ(error->message, "less than nothing");
  EXPECT_EQ(actor_.object(), nullptr);
}

TEST_F(CallRunnerTest, AConstructorThatCannotRunIsNotExecuted) {
  pb::ActorSpec spec;
  spec.set_class_name("Probe");
  spec.set_arguments("no arguments");
  auto error = runner_.Construct(lock_, spec, actor_);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, ErrorKind::kBadArguments);
  WireArguments arguments;
  arguments.refs.push_back(Stored(0, 99));
  spec.set_arguments(client::EncodeArguments(arguments));
  error = runner_.Construct(lock_, spec, actor_);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, ErrorKind::kUnknownMethod);
  spec.set_constructor(internal::Registration<internal::ConstructorSource<Probe, int>>::Get().id);
  error = runner_.Construct(lock_, spec, actor_);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, ErrorKind::kObjectLost);
  EXPECT_EQ(error->outcome, Outcome::kNotExecuted);
  EXPECT_EQ(actor_.object(), nullptr);
}

}  // namespace
}  // namespace troupe::worker
