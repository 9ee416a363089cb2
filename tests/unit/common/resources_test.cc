#include "common/resources.h"

#include <gtest/gtest.h>

#include <limits>

namespace troupe {
namespace {

ResourceSet Of(std::map<std::string, double> amounts) { return ResourceSet::FromAmounts(amounts).value(); }

TEST(ResourceSetTest, AddsTenthsExactly) {
  ResourceSet set = Of({{"CPU", 0.1}});
  set.Add(Of({{"CPU", 0.2}}));
  EXPECT_EQ(set, Of({{"CPU", 0.3}}));
}

TEST(ResourceSetTest, RefusesWhatIsNoAmount) {
  for (double bad :
       {-1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN(), 1e15, 0.00001}) {
    auto result = ResourceSet::FromAmounts({{"disk", bad}});
    ASSERT_FALSE(result.ok()) << bad;
    EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(result.status().message().find("'disk'"), std::string::npos) << result.status().message();
  }
}

TEST(ResourceSetTest, RefusesNamesWithOddCharacters) {
  for (std::string bad : {"", "a b", "x;rm", "ü", "tab\t"}) {
    EXPECT_FALSE(ResourceSet::FromAmounts({{bad, 1}}).ok()) << bad;
  }
}

TEST(ResourceSetTest, ContainsAndNamesWhatIsMissing) {
  const ResourceSet node = Of({{"CPU", 2}, {"GPU", 1}});
  EXPECT_TRUE(node.Contains(Of({{"CPU", 2}})));
  EXPECT_FALSE(node.Contains(Of({{"CPU", 2}, {"disk", 1}})));
  EXPECT_EQ(node.Missing(Of({{"CPU", 3}, {"GPU", 1}, {"disk", 1}})), (std::vector<std::string>{"CPU", "disk"}));
}

TEST(ResourceSetTest, DropsZeroAmountsAndMayGoBelowZero) {
  ResourceSet set = Of({{"CPU", 1}, {"GPU", 0}});
  EXPECT_EQ(set.ToString(), "{CPU: 1}");
  set.Subtract(Of({{"CPU", 1.5}}));
  EXPECT_EQ(set.Amount("CPU"), -0.5);
}

}  // namespace
}  // namespace troupe
