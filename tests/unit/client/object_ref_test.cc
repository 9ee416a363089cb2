#include "troupe/object_ref.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unordered_set>

#include "fake_runtime.h"
#include "troupe/cluster.h"
#include "troupe/get.h"
#include "troupe/init.h"
#include "troupe/wait.h"

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using troupe::ObjectRef;
using troupe::internal::FakeRuntime;
using troupe::internal::ObjectPtr;
using troupe::internal::RefAccess;

troupe::ErrorInfo Lost() {
  troupe::ErrorInfo info;
  info.kind = troupe::ErrorKind::kObjectLost;
  info.message = "no copy is left";
  return info;
}

class ObjectRefTest : public testing::Test {
 protected:
  template <class T>
  ObjectRef<T> Pending() {
    return RefAccess::Make<T>(runtime_->MakePending());
  }
  template <class T>
  ObjectRef<T> Failed() {
    auto ref = Pending<T>();
    FakeRuntime::Fail(RefAccess::State(ref), Lost());
    return ref;
  }

  troupe::internal::ScopedRuntime runtime_;
};

TEST_F(ObjectRefTest, GetReturnsWhatWasPut) {
  const ObjectRef<std::string> ref = troupe::Put("text");
  EXPECT_EQ(ref.Get(), "text");
  EXPECT_EQ(troupe::Get(ref), "text");
  EXPECT_EQ(troupe::Get(ref, 1s), "text");
  EXPECT_EQ(*troupe::TryGet(ref), "text");
  EXPECT_TRUE(ref.id());
}

TEST_F(ObjectRefTest, GetThrowsTheErrorThatTookTheValuesPlace) {
  const auto ref = Failed<int>();
  EXPECT_THROW(ref.Get(), troupe::ObjectLostError);
  EXPECT_THROW(Failed<void>().Get(), troupe::ObjectLostError);
}

TEST_F(ObjectRefTest, TryGetReturnsTheErrorInstead) {
  const troupe::Expected<int> result = Failed<int>().TryGet();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, troupe::ErrorKind::kObjectLost);
  EXPECT_THROW(result.value(), troupe::ObjectLostError);
  const troupe::Expected<void> nothing = Failed<void>().TryGet();
  EXPECT_EQ(nothing.error().kind, troupe::ErrorKind::kObjectLost);
  EXPECT_THROW(*nothing, troupe::ObjectLostError);
}

TEST_F(ObjectRefTest, TryGetReturnsTimeoutsAndUndecodableValues) {
  EXPECT_EQ(Pending<int>().TryGet(0s).error().kind, troupe::ErrorKind::kTimeout);
  EXPECT_THROW(Pending<int>().Get(0s), troupe::TimeoutError);
  auto ref = Pending<int>();
  FakeRuntime::Settle(RefAccess::State(ref), troupe::internal::Serialize(std::string("text")));
  EXPECT_EQ(ref.TryGet().error().kind, troupe::ErrorKind::kBadArguments);
  EXPECT_THROW(ref.Get(), troupe::SerializationError);
}

TEST_F(ObjectRefTest, GetOfAnEmptyRefIsAMisuse) {
  ObjectRef<int> ref;
  EXPECT_FALSE(ref);
  EXPECT_FALSE(ref.id());
  EXPECT_THROW(ref.Get(), troupe::UsageError);
  EXPECT_THROW(ref.TryGet().has_value(), troupe::UsageError);
  auto full = troupe::Put(1);
  const auto taken = std::move(full);
  EXPECT_THROW(full.Get(), troupe::UsageError);  // NOLINT: use after move is the point
  EXPECT_EQ(taken.Get(), 1);
}

TEST_F(ObjectRefTest, GetOfSeveralKeepsTheirOrder) {
  EXPECT_THAT(troupe::Get(std::vector{troupe::Put(3), troupe::Put(1), troupe::Put(2)}), ElementsAre(3, 1, 2));
  EXPECT_THAT(troupe::Get(std::vector{troupe::Put(3)}, 1s), ElementsAre(3));
  EXPECT_THROW(troupe::Get(std::vector{troupe::Put(3), Failed<int>()}), troupe::ObjectLostError);
  EXPECT_THROW(troupe::Get(std::vector{Pending<int>()}, 0s), troupe::TimeoutError);
  EXPECT_THROW(troupe::Get(std::vector<ObjectRef<void>>{Failed<void>()}), troupe::ObjectLostError);
  EXPECT_THAT(troupe::Get(std::vector<ObjectRef<int>>()), IsEmpty());
}

TEST_F(ObjectRefTest, GetOfDifferentTypesReturnsATuple) {
  auto done = Pending<void>();
  FakeRuntime::Settle(RefAccess::State(done), {});
  auto [number, text, nothing] = troupe::Get(troupe::Put(3), troupe::Put("x"), done);
  EXPECT_EQ(number, 3);
  EXPECT_EQ(text, "x");
  static_assert(std::is_same_v<decltype(nothing), std::monostate>);
}

TEST_F(ObjectRefTest, EqualityAndHashFollowTheObjectNotTheValue) {
  const auto a = troupe::Put(1);
  const auto b = troupe::Put(1);
  EXPECT_EQ(a, ObjectRef<int>(a));
  EXPECT_NE(a, b);
  EXPECT_EQ((std::unordered_set<ObjectRef<int>>{a, b, a}.size()), 2u);
}

TEST_F(ObjectRefTest, WaitSeparatesReadyFromPendingInOrder) {
  const auto first = Pending<int>();
  const auto second = troupe::Put(2);
  const auto third = Failed<int>();
  auto [ready, pending] = troupe::Wait(std::vector{first, second, third}, {.num_returns = 2, .timeout = 1s});
  EXPECT_THAT(ready, ElementsAre(second, third));
  EXPECT_THAT(pending, ElementsAre(first));
}

TEST_F(ObjectRefTest, WaitTakesAListApartAndKeepsItsOrder) {
  std::vector<ObjectRef<int>> given;
  for (int i = 0; i < 7; ++i) given.push_back(i % 3 == 1 ? troupe::Put(i) : Pending<int>());
  auto [ready, pending] = troupe::Wait(given, {.num_returns = 7, .timeout = 0s});
  EXPECT_THAT(ready, ElementsAre(given[1], given[4]));
  EXPECT_THAT(pending, ElementsAre(given[0], given[2], given[3], given[5], given[6]));
  EXPECT_THAT(troupe::Wait(pending, {.timeout = 0s}).pending, testing::ElementsAreArray(pending));
  EXPECT_THAT(troupe::Wait(std::move(ready), {.num_returns = 2}).ready, ElementsAre(given[1], given[4]));
}

TEST_F(ObjectRefTest, WaitReturnsNoMoreThanAskedFor) {
  const std::vector refs = {troupe::Put(1), troupe::Put(2)};
  auto [ready, pending] = troupe::Wait(refs);
  EXPECT_THAT(ready, ElementsAre(refs[0]));
  EXPECT_THAT(pending, ElementsAre(refs[1]));
}

TEST_F(ObjectRefTest, WaitRefusesWhatCannotBeMeant) {
  const std::vector refs = {troupe::Put(1)};
  EXPECT_THROW(troupe::Wait(refs, {.num_returns = 0}), troupe::UsageError);
  EXPECT_THROW(troupe::Wait(refs, {.num_returns = 2}), troupe::UsageError);
  EXPECT_THROW(troupe::Wait(std::vector<ObjectRef<int>>()), troupe::UsageError);
  EXPECT_THROW(troupe::Wait(std::vector{refs[0], ObjectRef<int>()}), troupe::UsageError);
}

TEST_F(ObjectRefTest, RefsToRefsAreValues) {
  const ObjectRef<ObjectRef<int>> outer = troupe::Put(troupe::Put(4));
  EXPECT_EQ(outer.Get().Get(), 4);
}

TEST_F(ObjectRefTest, ClusterResourcesSumOverLivingNodes) {
  troupe::NodeInfo node;
  node.alive = true;
  node.resources = {{"CPU", 4}, {"disk", 1}};
  node.available = {{"CPU", 1}};
  troupe::NodeInfo dead = node;
  dead.alive = false;
  runtime_->nodes = {node, node, dead};
  EXPECT_THAT(troupe::ClusterResources(), ElementsAre(testing::Pair("CPU", 8), testing::Pair("disk", 2)));
  EXPECT_THAT(troupe::AvailableResources(), ElementsAre(testing::Pair("CPU", 2)));
  EXPECT_TRUE(troupe::GetRuntimeContext().is_driver);
}

TEST(WithoutRuntimeTest, EverythingSaysToCallInit) {
  EXPECT_FALSE(troupe::IsInitialized());
  try {
    troupe::Put(1);
    FAIL() << "nothing thrown";
  } catch (const troupe::UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("call troupe::Init first"));
  }
  EXPECT_STREQ(troupe::Version(), "0.1.0");
}

}  // namespace
