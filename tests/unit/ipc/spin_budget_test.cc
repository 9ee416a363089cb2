#include "ipc/spin_budget.h"

#include <gtest/gtest.h>

namespace troupe::ipc {
namespace {

using namespace std::chrono_literals;

TEST(SpinBudgetTest, LooksOnceAndDoesNotSpinWithoutABudget) {
  SpinBudget none(0ns);
  int looks = 0;
  EXPECT_FALSE(none.SpinUntil([&] { return ++looks > 1; }));
  EXPECT_EQ(looks, 1);
  EXPECT_TRUE(none.SpinUntil([] { return true; }));
}

TEST(SpinBudgetTest, IsCappedHoweverLongAWakeUpTakes) {
  EXPECT_LE(SpinBudget(1s).full(), SpinBudget::kCap);
  EXPECT_EQ(SpinBudget(-1s).full(), 0ns);
  const auto measured = SpinBudget::MeasureWakeUp();
  EXPECT_GE(measured, 0ns);
  EXPECT_LE(measured, SpinBudget::kCap);
}

TEST(SpinBudgetTest, ReturnsTrueAsSoonAsTheConditionHolds) {
  SpinBudget budget(50us);
  if (budget.full() == 0ns) GTEST_SKIP() << "one processor only: nothing spins";
  int looks = 0;
  EXPECT_TRUE(budget.SpinUntil([&] { return ++looks == 10; }));
  EXPECT_EQ(looks, 10);
}

TEST(SpinBudgetTest, SpinsLessWhileSpinningFailsAndInFullAgainAfterASuccess) {
  SpinBudget budget(50us);
  if (budget.full() == 0ns) GTEST_SKIP() << "one processor only: nothing spins";
  const auto miss = [&] {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(budget.SpinUntil([] { return false; }));
    return std::chrono::steady_clock::now() - start;
  };
  const auto shortest = [&](int of) {
    auto time = miss();
    for (int i = 1; i < of; ++i) time = std::min(time, miss());
    return time;
  };
  EXPECT_LT(shortest(4), 50us) << "nothing has shown yet that it pays";
  EXPECT_GE(miss(), 50us) << "every eighth tries in full";
  EXPECT_LT(shortest(7), 50us);
  EXPECT_TRUE(budget.SpinUntil([looks = 0]() mutable { return ++looks == 2; }));
  EXPECT_GE(miss(), 50us);
}

}  // namespace
}  // namespace troupe::ipc
