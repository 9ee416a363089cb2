// Actors: every kind of method, constructor and argument, exceptions, order of calls, handles that travel.
#include <troupe/troupe.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <variant>
#include <vector>

#include "tests/integration/programming_model/suite.h"

namespace model {

class Base {
 public:
  virtual ~Base() = default;
  std::string Greeting() const { return "from the base"; }
  virtual std::string Kind() const { return "base"; }
};

class Everything : public Base {
 public:
  explicit Everything(int start = 0) : value_(start) {}
  int Value() const { return value_; }
  int Quick() const noexcept { return value_ + 1; }
  void Set(int value) { value_ = value; }
  int Add(int by) { return value_ += by; }
  double Add(double by) { return value_ + by; }
  std::string Add(const std::string& text) const { return text + std::to_string(value_); }
  std::string Kind() const override { return "derived"; }
  std::map<std::string, std::vector<int>> Containers(std::map<std::string, std::vector<int>> map,
                                                     std::optional<int> maybe, std::variant<int, std::string> either,
                                                     std::tuple<int, char> tuple, std::set<long> set,
                                                     std::unique_ptr<int> pointer, std::array<int, 3> array) {
    map["maybe"] = {maybe.value_or(-1)};
    map["either"] = {static_cast<int>(either.index())};
    map["tuple"] = {std::get<0>(tuple), std::get<1>(tuple)};
    map["set"] = {static_cast<int>(set.size())};
    map["pointer"] = {*pointer};
    map["array"] = {array[0], array[1], array[2]};
    return map;
  }
  int Throw(const std::string& text) { throw std::invalid_argument(text); }
  void ThrowNumber() { throw 5; }
  int Pid() const { return getpid(); }

 private:
  int value_;
};

template <class T>
class Box {
 public:
  explicit Box(T value) : value_(std::move(value)) {}
  T Swap(T other) { return std::exchange(value_, std::move(other)); }

 private:
  T value_;
};

class Broken {
 public:
  explicit Broken(int code) { throw std::domain_error("cannot be made of " + std::to_string(code)); }
  int Never() { return 1; }
};

class Recorder {
 public:
  void Record(int caller, int number) { last_[caller].push_back(number); }
  std::map<int, std::vector<int>> All() const { return last_; }
  bool Next(int number) { return number == next_++; }

 private:
  std::map<int, std::vector<int>> last_;
  int next_ = 0;
};

}  // namespace model

TROUPE_ACTOR(model::Everything, Value, Quick, Set, (Add, int(int)), (Add, double(double)),
             (Add, std::string(const std::string&) const), Greeting, Kind, Containers, Throw, ThrowNumber, Pid);

namespace model {

// Holds handles and refs as members and gives them away.
class Keeper {
 public:
  void Keep(troupe::ActorHandle<Everything> actor, std::vector<troupe::ObjectRef<int>> refs) {
    actor_ = actor;
    refs_ = std::move(refs);
  }
  troupe::ActorHandle<Everything> Handle() const { return actor_; }
  int AddThrough(int by) const { return actor_.Add(by).Get(); }
  int SumOfRefs() const {
    int sum = 0;
    for (int value : troupe::Get(refs_)) sum += value;
    return sum;
  }

 private:
  troupe::ActorHandle<Everything> actor_;
  std::vector<troupe::ObjectRef<int>> refs_;
};

// Makes an actor whose constructor waits for a call to this very actor.
class Maker {
 public:
  troupe::ActorHandle<Everything> Make(troupe::ActorHandle<Maker> self) const;
  int Number() const { return 41; }
};

using IntBox = Box<int>;
using TextBox = Box<std::vector<std::string>>;

}  // namespace model

TROUPE_ACTOR(model::IntBox, Swap);
TROUPE_ACTOR(model::TextBox, Swap);
TROUPE_ACTOR(model::Broken, Never);
TROUPE_ACTOR(model::Recorder, Record, All, Next);
TROUPE_ACTOR(model::Keeper, Handle, AddThrough, SumOfRefs, Keep);
TROUPE_ACTOR(model::Maker, Make, Number);

troupe::ActorHandle<model::Everything> model::Maker::Make(troupe::ActorHandle<Maker> self) const {
  return troupe::Spawn<Everything>(self.Number());
}

namespace troupe::integration {
namespace {

using model::Everything;
class Actors : public ModelTest {};

TEST_F(Actors, HaveMethodsOfEveryKind) {
  auto actor = Spawn<Everything>(1);
  EXPECT_EQ(actor.Value().Get(kDeadline), 1);
  actor.Set(5).Get(kDeadline);
  EXPECT_EQ(actor.Quick().Get(kDeadline), 6);
  EXPECT_EQ(actor.Add(2).Get(kDeadline), 7);
  EXPECT_EQ(actor.Add(0.5).Get(kDeadline), 7.5);
  EXPECT_EQ(actor.Add("n").Get(kDeadline), "n7");
  EXPECT_EQ(actor.Greeting().Get(kDeadline), "from the base");
  EXPECT_EQ(actor.Kind().Get(kDeadline), "derived");
  EXPECT_EQ(actor.Call<&Everything::Set>(3).TryGet(kDeadline).has_value(), true);
  EXPECT_EQ(actor.Value().Get(kDeadline), 3);
}

TEST_F(Actors, TakeDefaultsOfTheirConstructor) { EXPECT_EQ(Spawn<Everything>().Value().Get(kDeadline), 0); }

TEST_F(Actors, TakeAndReturnContainers) {
  auto actor = Spawn<Everything>();
  const auto map = actor
                       .Containers(std::map<std::string, std::vector<int>>{{"given", {1, 2}}}, std::optional<int>(4),
                                   std::variant<int, std::string>("text"), std::tuple<int, char>(9, 'c'),
                                   std::set<long>{1, 2, 3}, std::make_unique<int>(11), std::array<int, 3>{1, 2, 3})
                       .Get(kDeadline);
  EXPECT_EQ(map.at("given"), (std::vector{1, 2}));
  EXPECT_EQ(map.at("maybe"), (std::vector{4}));
  EXPECT_EQ(map.at("either"), (std::vector{1}));
  EXPECT_EQ(map.at("tuple"), (std::vector<int>{9, 'c'}));
  EXPECT_EQ(map.at("set"), (std::vector{3}));
  EXPECT_EQ(map.at("pointer"), (std::vector{11}));
  EXPECT_EQ(map.at("array"), (std::vector{1, 2, 3}));
}

TEST_F(Actors, MayBeTemplateInstances) {
  auto number = Spawn<model::IntBox>(1);
  EXPECT_EQ(number.Swap(2).Get(kDeadline), 1);
  EXPECT_EQ(number.Swap(3).Get(kDeadline), 2);
  auto texts = Spawn<model::TextBox>(std::vector<std::string>{"a"});
  EXPECT_EQ(texts.Swap(std::vector<std::string>{}).Get(kDeadline), (std::vector<std::string>{"a"}));
}

TEST_F(Actors, RunInProcessesOfTheirOwn) {
  auto a = Spawn<Everything>();
  auto b = Spawn<Everything>();
  EXPECT_NE(a.Pid().Get(kDeadline), b.Pid().Get(kDeadline));
  EXPECT_NE(a.Pid().Get(kDeadline), getpid());
}

TEST_F(Actors, LiveOnAfterAMethodThrew) {
  auto actor = Spawn<Everything>(4);
  const int pid = actor.Pid().Get(kDeadline);
  try {
    actor.Throw("not this").Get(kDeadline);
    FAIL() << "no exception";
  } catch (const TaskError& error) {
    EXPECT_EQ(error.remote_type(), "std::invalid_argument");
    EXPECT_EQ(error.remote_message(), "not this");
    EXPECT_EQ(error.outcome(), Outcome::kFailed);
    EXPECT_EQ(error.info().actor, actor.id());
    EXPECT_NE(error.info().actor_class.find("Everything"), std::string::npos) << error.info().actor_class;
    EXPECT_NE(error.info().method.find("Throw"), std::string::npos) << error.info().method;
    EXPECT_EQ(error.info().pid, pid);
    EXPECT_EQ(error.info().node.Hex(), cluster().node_id(0));
    for (const char* part : {"invalid_argument", "not this", "Throw"}) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
  const auto number = actor.ThrowNumber().TryGet(kDeadline);
  ASSERT_FALSE(number.has_value());
  EXPECT_EQ(number.error().remote_type, "int");
  EXPECT_EQ(actor.Value().Get(kDeadline), 4);
  EXPECT_EQ(actor.Pid().Get(kDeadline), pid);
}

TEST_F(Actors, RefuseMethodsOfAnotherClass) {
  // As a caller with another idea of the actor would send them; the types of this program would not let us.
  auto recorder = Spawn<model::Recorder>();
  auto disguised = internal::HandleAccess::Make<Everything>(internal::HandleAccess::State(recorder));
  EXPECT_THROW(disguised.Value().Get(kDeadline), UnknownMethodError);
  const auto& method = internal::Registration<internal::MethodSource<Everything, &Everything::Value>>::Get();
  const auto as_task = internal::RefAccess::Make<int>(internal::RunTask(method, {}, {}));
  EXPECT_THROW(as_task.Get(kDeadline), UnknownMethodError);
  EXPECT_TRUE(recorder.Next(0).Get(kDeadline));  // and goes on
}

TEST_F(Actors, SayWhyTheirConstructorFailed) {
  auto actor = Spawn<model::Broken>(7);
  const auto check = [](const ErrorInfo& error) {
    EXPECT_EQ(error.kind, ErrorKind::kThrew) << error.message;
    EXPECT_EQ(error.remote_type, "std::domain_error");
    EXPECT_NE(error.message.find("cannot be made of 7"), std::string::npos) << error.message;
    EXPECT_NE(error.actor_class.find("Broken"), std::string::npos) << error.actor_class;
  };
  try {
    WaitAlive(actor, kDeadline);
    FAIL() << "no exception";
  } catch (const TaskError& error) {
    check(error.info());
  }
  const auto called = actor.Never().TryGet(kDeadline);
  ASSERT_FALSE(called.has_value());
  EXPECT_EQ(called.error().outcome, Outcome::kNotExecuted);
  EXPECT_NE(called.error().message.find("cannot be made of 7"), std::string::npos) << called.error().message;
  const std::string what = TaskError(called.error()).what();
  EXPECT_EQ(
      what.find("model::Broken::Never() was not executed: the constructor of model::Broken threw std::domain_error"),
      0U)
      << what;
}

int Boom() { throw std::logic_error("boom"); }

TEST_F(Actors, SayThatAnArgumentOfTheirConstructorFailedAndOfWhichCall) {
  auto actor = Spawn<Everything>(troupe::Run<&Boom>());
  const auto called = actor.Value().TryGet(kDeadline);
  ASSERT_FALSE(called.has_value());
  EXPECT_EQ(called.error().outcome, Outcome::kNotExecuted);
  const std::string what = TaskError(called.error()).what();
  EXPECT_EQ(what.find("model::Everything::Value() const was not executed: the constructor of model::Everything was not "
                      "executed, because its argument 1 failed: "),
            0U)
      << what;
  EXPECT_NE(what.find("Boom() threw std::logic_error: boom"), std::string::npos) << what;
  auto fine = Spawn<Everything>();
  const std::string of_call = TaskError(fine.Add(troupe::Run<&Boom>()).TryGet(kDeadline).error()).what();
  EXPECT_EQ(of_call.find("model::Everything::Add(int) was not executed, because its argument 1 failed: "), 0U)
      << of_call;
}

TEST_F(Actors, EndAChainOfCallsWithItsFirst) {
  auto a = Spawn<Everything>(), b = Spawn<Everything>();
  ObjectRef<int> last = troupe::Run([]() -> int { throw std::runtime_error("first link"); });
  for (int i = 0; i < 10'000; ++i) last = (i % 2 ? a : b).Add(last);
  const auto result = last.TryGet(kDeadline);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message, "first link");
}

TEST_F(Actors, TakeRefsForValuesInConstructorsAndMethods) {
  auto actor = Spawn<Everything>(troupe::Run([] { return 40; }));
  EXPECT_EQ(actor.Add(Put(2)).Get(kDeadline), 42);
  EXPECT_EQ(actor.Add(actor.Add(8)).Get(kDeadline), 100);
}

TEST_F(Actors, RunTheCallsOfOneCallerInOrder) {
  auto recorder = Spawn<model::Recorder>();
  std::vector<ObjectRef<bool>> refs;
  for (int i = 0; i < 10'000; ++i) refs.push_back(recorder.Next(i));
  int wrong = 0;
  for (bool in_order : Get(refs, kDeadline)) wrong += !in_order;
  EXPECT_EQ(wrong, 0);
}

void Record(ActorHandle<model::Recorder> recorder, int caller, int count) {
  std::vector<ObjectRef<void>> refs;
  for (int i = 0; i < count; ++i) refs.push_back(recorder.Record(caller, i));
  Get(refs);
}

TEST_F(Actors, KeepTheOrderOfEachOfManyCallers) {
  constexpr int kCalls = 500;
  auto recorder = Spawn<model::Recorder>();
  std::vector<ObjectRef<void>> callers;
  for (int caller = 0; caller < 3; ++caller) callers.push_back(troupe::Run<&Record>(recorder, caller, kCalls));
  Get(callers, kDeadline);
  const auto all = recorder.All().Get(kDeadline);
  ASSERT_EQ(all.size(), 3U);
  for (const auto& [caller, numbers] : all) {
    ASSERT_EQ(numbers.size(), std::size_t{kCalls}) << caller;
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end())) << caller;
  }
}

TEST_F(Actors, AreCalledFromManyThreads) {
  auto actor = Spawn<Everything>(0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([actor] {
      for (int i = 0; i < 100; ++i) actor.Add(1).Get();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(actor.Value().Get(kDeadline), 400);
}

TEST_F(Actors, PassHandlesAsArgumentsResultsAndMembers) {
  auto keeper = Spawn<model::Keeper>();
  auto actor = Spawn<Everything>(1);
  keeper.Keep(actor, std::vector{Put(3), troupe::Run([] { return 4; })}).Get(kDeadline);
  EXPECT_EQ(keeper.AddThrough(5).Get(kDeadline), 6);
  EXPECT_EQ(keeper.SumOfRefs().Get(kDeadline), 7);
  auto same = keeper.Handle().Get(kDeadline);
  EXPECT_EQ(same, actor);
  EXPECT_EQ(same.id(), actor.id());
  EXPECT_EQ(same.Value().Get(kDeadline), 6);
  EXPECT_EQ(troupe::Run([](ActorHandle<Everything> handle) { return handle.Add(1).Get(); }, actor).Get(kDeadline), 7);
}

TEST_F(Actors, MayBeReturnedBeforeTheyCanBeMade) {
  auto maker = Spawn<model::Maker>();
  EXPECT_EQ(maker.Make(maker).Get(kDeadline).Add(1).Get(kDeadline), 42);
}

// Of a task that has all CPUs, as has the task that the actor waits for.
ActorHandle<Everything> MakeOnAllCpus() {
  return Spawn<Everything>(troupe::Run({.num_cpus = 4}, [] { return 41; }));
}

TEST_F(Actors, MayBeReturnedByATaskWhoseCpusTheyWaitFor) {
  EXPECT_EQ(troupe::Run<&MakeOnAllCpus>({.num_cpus = 4}).Get(kDeadline).Add(1).Get(kDeadline), 42);
}

TEST_F(Actors, CanBeKilledWhenTheirArgumentFailed) {
  auto actor = Spawn<Everything>(troupe::Run([]() -> int { throw std::runtime_error("no value"); }));
  EXPECT_THROW(WaitAlive(actor, kDeadline), TaskError);
  Kill(actor);
}

int AddThrough(ActorHandle<Everything> actor) { return actor.Add(1).Get(); }
int AddThroughRef(const std::vector<ObjectRef<ActorHandle<Everything>>>& refs) { return AddThrough(refs[0].Get()); }

TEST_F(Actors, MayBePutBeforeTheyCanBeMade) {
  const auto late = troupe::Run([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // a value that comes late is what this is about
    return 40;
  });
  const auto put = Put(Spawn<Everything>(late));
  EXPECT_TRUE(put.Get(kDeadline).id()) << "it is there at once where it was put";
  const auto read_inside = troupe::Run<&AddThroughRef>(std::vector{put});
  EXPECT_EQ(troupe::Run<&AddThrough>(put).Get(kDeadline) + read_inside.Get(kDeadline), 41 + 42);
}

TEST_F(Actors, LiveWhileAnotherActorHoldsTheirHandle) {
  auto keeper = Spawn<model::Keeper>();
  {
    auto actor = Spawn<Everything>(10);
    keeper.Keep(actor, std::vector<ObjectRef<int>>()).Get(kDeadline);
  }
  EXPECT_EQ(keeper.AddThrough(1).Get(kDeadline), 11);
  EXPECT_EQ(keeper.Handle().Get(kDeadline).Add(1).Get(kDeadline), 12);
  EXPECT_EQ(keeper.AddThrough(1).Get(kDeadline), 13);
}

}  // namespace
}  // namespace troupe::integration
