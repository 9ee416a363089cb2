#include "common/recent_set.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(RecentSetTest, ForgetsWhatWasAddedFirst) {
  RecentSet<int> set(3);
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(set.Insert(i));
  EXPECT_FALSE(set.Insert(1)) << "it is there, and becomes no younger";
  EXPECT_TRUE(set.Insert(4));
  EXPECT_EQ(set.size(), 3U);
  EXPECT_FALSE(set.Contains(1));
  for (int i = 2; i <= 4; ++i) EXPECT_TRUE(set.Contains(i));
}

}  // namespace
}  // namespace troupe
