#include "raylet/leases/local_resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes.h"

namespace troupe::raylet {
namespace {

using ::testing::ElementsAre;

TEST(LocalResourcesTest, GivesOutNoMoreThanThereIs) {
  LocalResources resources(Amounts({{"CPU", 2}}));
  const auto first = resources.TryTake(Amounts({{"CPU", 1.5}}));
  ASSERT_TRUE(first);
  EXPECT_FALSE(resources.TryTake(Amounts({{"CPU", 1}})));
  EXPECT_TRUE(resources.TryTake(Amounts({{"CPU", 0.5}})));
  resources.Return(*first);
  EXPECT_EQ(resources.available().Amount("CPU"), 1.5);
}

TEST(LocalResourcesTest, NumbersGpusAndSharesOneAmongParts) {
  LocalResources resources(Amounts({{"GPU", 3}}));
  const auto half = resources.TryTake(Amounts({{"GPU", 0.5}}));
  const auto third = resources.TryTake(Amounts({{"GPU", 0.3}}));
  ASSERT_TRUE(half && third);
  EXPECT_THAT(half->gpus, ElementsAre(0));
  EXPECT_THAT(third->gpus, ElementsAre(0));
  const auto two = resources.TryTake(Amounts({{"GPU", 2}}));
  ASSERT_TRUE(two);
  EXPECT_THAT(two->gpus, ElementsAre(1, 2));
  EXPECT_FALSE(resources.TryTake(Amounts({{"GPU", 0.3}})));
  resources.Return(*two);
  const auto again = resources.TryTake(Amounts({{"GPU", 1}}));
  ASSERT_TRUE(again);
  EXPECT_THAT(again->gpus, ElementsAre(1));
}

TEST(LocalResourcesTest, RefusesAWholeGpuWhenOnlyPiecesAreLeft) {
  LocalResources resources(Amounts({{"GPU", 2}}));
  const auto a = resources.TryTake(Amounts({{"GPU", 0.6}}));
  const auto b = resources.TryTake(Amounts({{"GPU", 0.6}}));
  ASSERT_TRUE(a && b);
  resources.Return(*resources.TryTake(Amounts({{"GPU", 0.4}})));
  EXPECT_EQ(resources.available().Amount("GPU"), 0.8);
  EXPECT_FALSE(resources.TryTake(Amounts({{"GPU", 0.7}})));
}

TEST(LocalResourcesTest, ATaskThatGoesOnTakesItsCpuBackEvenWhenNoneIsLeft) {
  int changes = 0;
  LocalResources resources(Amounts({{"CPU", 1}, {"memory", 10}}), [&] { ++changes; });
  auto waiting = resources.TryTake(Amounts({{"CPU", 1}, {"memory", 4}}));
  resources.SetLent(&*waiting, true);
  EXPECT_EQ(resources.available().Amount("memory"), 6);
  const auto other = resources.TryTake(Amounts({{"CPU", 1}}));
  ASSERT_TRUE(other);
  resources.SetLent(&*waiting, false);
  EXPECT_EQ(resources.available().Amount("CPU"), -1);
  resources.Return(*other);
  resources.SetLent(&*waiting, true);
  resources.Return(*waiting);  // died while it waited
  EXPECT_EQ(resources.available(), resources.total());
  EXPECT_GE(changes, 6);
}

}  // namespace
}  // namespace troupe::raylet
