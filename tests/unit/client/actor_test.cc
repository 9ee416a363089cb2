#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <unordered_map>

#include "fake_runtime.h"
#include "troupe/troupe.h"

namespace {

using testing::HasSubstr;
using troupe::ActorHandle;
using troupe::ObjectRef;
using troupe::Spawn;

}  // namespace

// --- The actors of these tests; in named namespaces, as users have them -----------------------------------------

namespace app {

class Counter {
 public:
  explicit Counter(int start) : count_(start) {}
  Counter(int start, double factor) : count_(static_cast<int>(start * factor)) {}

  int Add(int by) { return count_ += by; }
  int Count() const noexcept { return count_; }
  void Reset() { count_ = 0; }
  const std::string& Label() const& { return label_; }
  void SetLabel(std::string&& label) && { label_ = std::move(label); }
  int Sum(const std::vector<int>& values) {
    for (const int value : values) count_ += value;
    return count_;
  }
  double Scale(double factor) const { return count_ * factor; }
  void Fail(const std::string& why) const { throw std::out_of_range(why); }
  void Leave() { troupe::ExitActor(); }
  int Follow(const ObjectRef<int>& ref) const { return ref.Get(); }
  std::unique_ptr<int> Boxed(std::unique_ptr<int> value) { return value; }
  virtual int Virtual() const { return 1; }
  virtual ~Counter() = default;

 private:
  int count_;
  std::string label_ = "none";
};

class DoubleCounter : public Counter {
 public:
  using Counter::Counter;
  int AddTwice(int by) { return Add(by), Add(by); }
  int Virtual() const override { return 2; }
};

// Holds handles to its own kind, so it is listed before it is defined.
class Node;

template <class T>
class Box {
 public:
  explicit Box(T value) : value_(std::move(value)) {}
  T Take() const { return value_; }

 private:
  T value_;
};
using TextBox = Box<std::string>;

struct Outer {
  class Inner {
   public:
    static troupe::ActorOptions DefaultOptions() {
      return {.name = "by default", .num_cpus = 3, .resources = {{"disk", 1}}, .max_restarts = 5};
    }
    int serialize(int value) { return value; }
    int load() { return 2; }
  };
};

class Flexible {
 public:
  explicit Flexible(ObjectRef<int> ref) : value_(ref.Get() + 100) {}
  Flexible(std::string_view text, std::uint64_t size) : value_(static_cast<int>(text.size() + size)) {}
  explicit Flexible(std::vector<std::string> names) : value_(static_cast<int>(names.size())) {}
  int Value() const { return value_; }

 private:
  int value_;
};

struct Refuses {
  explicit Refuses(int) { throw std::runtime_error("no"); }
};

struct NoMethods {};

}  // namespace app

TROUPE_ACTOR(app::Counter, Add, Count, Reset, Label, SetLabel, Sum, Scale, Fail, Leave, Follow, Boxed, Virtual);
TROUPE_ACTOR(app::DoubleCounter, Add, Count, AddTwice, Virtual);
TROUPE_ACTOR(app::Node, SetPeer, Ping, Peers);
TROUPE_ACTOR(app::TextBox, Take);
TROUPE_ACTOR(app::Outer::Inner, serialize, load);
TROUPE_ACTOR(app::Flexible, Value);
TROUPE_ACTOR(app::Refuses);
TROUPE_ACTOR(app::NoMethods);

namespace app {

class Node {
 public:
  void SetPeer(ActorHandle<Node> peer) {
    peer_ = peer;
    peers_["first"] = {peer};
  }
  int Ping(int hops) { return hops == 0 ? 0 : 1 + peer_.Ping(hops - 1).Get(); }
  std::unordered_map<std::string, std::vector<ActorHandle<Node>>> Peers() const { return peers_; }

 private:
  ActorHandle<Node> peer_;
  std::unordered_map<std::string, std::vector<ActorHandle<Node>>> peers_;
};

}  // namespace app

namespace {

using app::Counter;

class ActorTest : public testing::Test {
 protected:
  troupe::internal::ScopedRuntime runtime_;
};

TEST_F(ActorTest, CallsListedMethodsOfEveryKind) {
  auto counter = Spawn<Counter>(3);
  static_assert(std::is_same_v<decltype(counter.Add(1)), ObjectRef<int>>);
  static_assert(std::is_same_v<decltype(counter.Reset()), ObjectRef<void>>);
  static_assert(std::is_same_v<decltype(counter.Label()), ObjectRef<std::string>>);
  EXPECT_EQ(counter.Add(1).Get(), 4);
  EXPECT_EQ(counter.Count().Get(), 4);
  EXPECT_EQ(counter.Label().Get(), "none");
  counter.SetLabel("mine").Get();
  EXPECT_EQ(counter.Label().Get(), "mine");
  EXPECT_EQ(counter.Sum(std::vector{1, 2}).Get(), 7);
  EXPECT_EQ(*counter.Boxed(std::make_unique<int>(5)).Get(), 5);
  counter.Reset().Get();
  EXPECT_EQ(counter.Count().Get(), 0);
}

TEST_F(ActorTest, PassesConstructorArgumentsWithoutNarrowing) {
  EXPECT_EQ(Spawn<Counter>(2, 2).Count().Get(), 4);  // an int is exact in a double
  EXPECT_EQ(Spawn<Counter>(short{2}, 2.5f).Count().Get(), 5);
  EXPECT_EQ(Spawn<app::Flexible>("four", 3u).Value().Get(), 7);
  EXPECT_EQ(Spawn<app::Flexible>(std::vector<std::string>{"a", "b"}).Value().Get(), 2);
}

TEST_F(ActorTest, TakesResultsOfOtherCallsAsArguments) {
  auto counter = Spawn<Counter>(3);
  EXPECT_EQ(counter.Add(counter.Add(1)).Get(), 8);
  EXPECT_EQ(runtime_->last.refs, 1u);
  EXPECT_EQ(Spawn<Counter>(troupe::Put(9)).Count().Get(), 9);
  EXPECT_EQ(Spawn<Counter>(troupe::Put(9), 2.0).Count().Get(), 18);
}

TEST_F(ActorTest, KeepsARefWhereTheParameterIsOne) {
  auto counter = Spawn<Counter>(0);
  const auto ref = troupe::Put(6);
  EXPECT_EQ(counter.Follow(ref).Get(), 6);
  EXPECT_EQ(runtime_->last.refs, 0u);
  EXPECT_EQ(runtime_->last.values_objects, 1u);
  EXPECT_EQ(counter.Follow(troupe::Put(ref)).Get(), 6);
  EXPECT_EQ(runtime_->last.refs, 1u);
  EXPECT_EQ(Spawn<app::Flexible>(ref).Value().Get(), 106);
}

TEST_F(ActorTest, PutsLargeArgumentsIntoTheStore) {
  auto counter = Spawn<Counter>(0);
  EXPECT_EQ(counter.Sum(std::vector<int>(1000, 1)).Get(), 1000);
  EXPECT_EQ(runtime_->last.value_bytes, 0u);
  EXPECT_EQ(runtime_->last.refs, 1u);
}

TEST_F(ActorTest, InheritedMethodsRunOnTheDerivedClass) {
  auto counter = Spawn<app::DoubleCounter>(1);
  EXPECT_EQ(counter.AddTwice(1).Get(), 3);
  EXPECT_EQ(counter.Add(1).Get(), 4);
  EXPECT_EQ(counter.Virtual().Get(), 2);
  EXPECT_EQ(runtime_->last.name, "app::DoubleCounter::Virtual() const");
  counter.Count();
  EXPECT_EQ(runtime_->last.name, "app::DoubleCounter: app::Counter::Count() const");
}

TEST_F(ActorTest, ActorsHoldHandlesToTheirOwnKind) {
  auto a = Spawn<app::Node>();
  auto b = Spawn<app::Node>();
  a.SetPeer(b).Get();
  b.SetPeer(a).Get();
  EXPECT_EQ(a.Ping(3).Get(), 3);
  EXPECT_EQ(a.Peers().Get().at("first").at(0), b);
  a.SetPeer(ActorHandle<app::Node>()).Get();  // handles in a circle keep their actors
}

TEST_F(ActorTest, AliasesAndNestedClassesCanBeActors) {
  EXPECT_EQ(Spawn<app::TextBox>("text").Take().Get(), "text");
  auto inner = Spawn<app::Outer::Inner>();
  EXPECT_EQ(inner.serialize(3).Get(), 3);
  EXPECT_EQ(inner.load().Get(), 2);
  const auto payload = troupe::internal::Serialize(inner);
  EXPECT_EQ(payload.actors.size(), 1u);
}

TEST_F(ActorTest, OptionsComeFromTheCallThenFromTheClass) {
  Spawn<app::Outer::Inner>({.num_cpus = 1, .max_task_retries = 2});
  const troupe::ActorOptions& options = runtime_->last.actor_options;
  EXPECT_EQ(options.name, "by default");
  EXPECT_EQ(options.num_cpus, 1);
  EXPECT_EQ(options.max_restarts, 5);
  EXPECT_EQ(options.max_task_retries, 2);
  EXPECT_EQ(options.resources.at("disk"), 1);
  const troupe::ActorOptions given = {.name = "x"};
  Spawn<Counter>(given, 1);
  EXPECT_EQ(runtime_->last.actor_options.name, "x");
}

TEST_F(ActorTest, WhatIsGivenEmptyTakesThePlaceOfTheClasssDefault) {
  Spawn<app::Outer::Inner>({.name = "", .num_cpus = 0, .resources = {}, .max_restarts = 0});
  const troupe::ActorOptions& options = runtime_->last.actor_options;
  EXPECT_EQ(options.name, "");
  EXPECT_EQ(options.num_cpus, 0);
  EXPECT_TRUE(options.resources.empty());
  EXPECT_EQ(options.max_restarts, 0);
  Spawn<app::Outer::Inner>({.name = {}});
  EXPECT_EQ(runtime_->last.actor_options.name, "");
  troupe::ActorOptions set;
  set.resources["disk"] = 2;
  set.name = "set";
  Spawn<app::Outer::Inner>(set);
  EXPECT_EQ(runtime_->last.actor_options.resources.at("disk"), 2);
  EXPECT_EQ(runtime_->last.actor_options.name, "set");
  set.resources.erase("disk");
  Spawn<app::Outer::Inner>(set);
  EXPECT_EQ(runtime_->last.actor_options.resources.at("disk"), 1) << "nothing was said of any in the end";
}

TEST_F(ActorTest, WithGivesItsCallsOptions) {
  auto counter = Spawn<Counter>(1);
  EXPECT_EQ(counter.With({.max_task_retries = 3}).Add(1).Get(), 2);
  EXPECT_EQ(runtime_->last.call_options.max_task_retries, 3);
  EXPECT_EQ(counter.With({.retry_exceptions = true}).Call<&Counter::Add>(1).Get(), 3);
  EXPECT_EQ(runtime_->last.call_options.retry_exceptions, true);
  counter.Add(1);
  EXPECT_FALSE(runtime_->last.call_options.max_task_retries);
}

TEST_F(ActorTest, ListedMethodsCanBeCalledByPointer) {
  auto counter = Spawn<Counter>(1);
  EXPECT_EQ(counter.Call<&Counter::Add>(1).Get(), 2);
  EXPECT_EQ(counter.Call<&Counter::Virtual>().Get(), 1);
  EXPECT_EQ(Spawn<app::DoubleCounter>(1).Call<&app::DoubleCounter::Add>(1).Get(), 2);
}

TEST_F(ActorTest, WhatAMethodThrowsReachesTheCaller) {
  auto counter = Spawn<Counter>(1);
  try {
    counter.Fail("too far").Get();
    FAIL() << "nothing thrown";
  } catch (const troupe::TaskError& error) {
    EXPECT_EQ(error.remote_type(), "std::out_of_range");
    EXPECT_EQ(error.remote_message(), "too far");
    EXPECT_THAT(error.what(), HasSubstr("app::Counter::Fail(std::string const&) const threw std::out_of_range"));
  }
  EXPECT_EQ(counter.Count().Get(), 1);
}

TEST_F(ActorTest, HandlesTravelAndCompareByActor) {
  auto counter = Spawn<Counter>(1);
  const ActorHandle<Counter> copy = troupe::Put(counter).Get();
  EXPECT_EQ(copy, counter);
  EXPECT_EQ(copy.id(), counter.id());
  EXPECT_EQ(std::hash<ActorHandle<Counter>>()(copy), std::hash<ActorHandle<Counter>>()(counter));
  EXPECT_NE(copy, Spawn<Counter>(1));
  EXPECT_EQ(troupe::Put(ActorHandle<Counter>()).Get(), ActorHandle<Counter>());
}

TEST_F(ActorTest, EmptyHandlesAreAMisuse) {
  ActorHandle<Counter> none;
  EXPECT_FALSE(none);
  EXPECT_FALSE(none.id());
  EXPECT_THROW(none.Add(1), troupe::UsageError);
  EXPECT_THROW(troupe::Kill(none), troupe::UsageError);
  EXPECT_THROW(troupe::Terminate(none), troupe::UsageError);
  EXPECT_THROW(troupe::WaitAlive(none), troupe::UsageError);
  auto counter = Spawn<Counter>(1);
  EXPECT_THROW(counter.Add(ObjectRef<int>()), troupe::UsageError);
}

TEST_F(ActorTest, GetActorFindsByNameAndClass) {
  auto counter = Spawn<Counter>({.name = "c", .name_space = "n"}, 4);
  EXPECT_EQ(troupe::GetActor<Counter>("c", "n"), counter);
  EXPECT_THROW(troupe::GetActor<Counter>("c"), troupe::ActorDiedError);
  EXPECT_EQ(troupe::TryGetActor<Counter>("c").error().kind, troupe::ErrorKind::kActorDied);
  EXPECT_EQ(troupe::TryGetActor<Counter>("c", "n")->Count().Get(), 4);
  try {
    troupe::GetActor<app::TextBox>("c", "n");
    FAIL() << "nothing thrown";
  } catch (const troupe::UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the actor \"c\" is a app::Counter"));
    EXPECT_THAT(error.what(), HasSubstr("app::Box<std::string>"));
  }
  EXPECT_EQ(troupe::ListNamedActors().size(), 0u);
  ASSERT_EQ(troupe::ListNamedActors(true).size(), 1u);
  EXPECT_EQ(troupe::ListNamedActors(true)[0].class_name, "app::Counter");
}

TEST_F(ActorTest, KillEndsLaterCalls) {
  auto counter = Spawn<Counter>(1);
  troupe::Kill(counter, false);
  EXPECT_FALSE(runtime_->last.no_restart);
  EXPECT_THROW(counter.Add(1).Get(), troupe::ActorDiedError);
}

TEST_F(ActorTest, ExitActorEndsTheActorItRunsIn) {
  auto counter = Spawn<Counter>(1);
  EXPECT_THROW(counter.Leave().Get(), troupe::ActorDiedError);
  EXPECT_THROW(counter.Count().Get(), troupe::ActorDiedError);
  EXPECT_THROW(troupe::ExitActor(), troupe::UsageError);
}

TEST_F(ActorTest, WaitAliveThrowsWhatTheConstructorThrew) {
  EXPECT_NO_THROW(troupe::WaitAlive(Spawn<app::NoMethods>()));
  try {
    troupe::WaitAlive(Spawn<app::Refuses>(1), std::chrono::seconds(1));
    FAIL() << "nothing thrown";
  } catch (const troupe::TaskError& error) {
    EXPECT_EQ(error.remote_message(), "no");
  }
}

}  // namespace
