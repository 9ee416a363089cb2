#include "raylet/logs/log_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::raylet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

class LineSplitterTest : public ::testing::Test {
 protected:
  void Feed(std::string_view bytes) {
    splitter_.Feed(bytes, [&](std::string_view line) { lines_.emplace_back(line); });
  }
  void Flush() {
    splitter_.Flush([&](std::string_view line) { lines_.emplace_back(line); });
  }

  LineSplitter splitter_{8};
  std::vector<std::string> lines_;
};

TEST_F(LineSplitterTest, GivesWholeLinesOnly) {
  Feed("one\ntw");
  EXPECT_THAT(lines_, ElementsAre("one"));
  Feed("o\n\nthree");
  EXPECT_THAT(lines_, ElementsAre("one", "two", ""));
  Flush();
  EXPECT_THAT(lines_, ElementsAre("one", "two", "", "three"));
}

TEST_F(LineSplitterTest, SplitsTheSameHoweverTheBytesArrive) {
  const std::string text = "a\r\nlonger than eight\n\nx";
  Feed(text);
  Flush();
  const auto whole = std::exchange(lines_, {});
  for (char c : text) Feed(std::string_view(&c, 1));
  Flush();
  EXPECT_EQ(lines_, whole);
  EXPECT_THAT(whole, ElementsAre("a", "longer t", "han eigh", "t", "", "x"));
}

TEST_F(LineSplitterTest, HoldsNoMoreThanOneLine) {
  Feed("12345678");
  EXPECT_THAT(lines_, IsEmpty());
  Feed("9");
  EXPECT_THAT(lines_, ElementsAre("12345678"));
  Flush();
  Flush();
  EXPECT_THAT(lines_, ElementsAre("12345678", "9"));
}

TEST(LineRateTest, LetsASecondsWorthPassAndThenWaitsForTime) {
  LineRate rate(3, 100, 0s);
  EXPECT_TRUE(rate.Take(1) && rate.Take(1) && rate.Take(1));
  EXPECT_FALSE(rate.Take(1));
  rate.Refill(300ms);
  EXPECT_FALSE(rate.Take(1));
  rate.Refill(400ms);
  EXPECT_TRUE(rate.Take(1));
  EXPECT_FALSE(rate.Take(1));
  rate.Refill(1h);
  EXPECT_TRUE(rate.Take(1) && rate.Take(1) && rate.Take(1));
  EXPECT_FALSE(rate.Take(1));
}

TEST(LineRateTest, CountsBytesToo) {
  LineRate rate(1'000, 100, 0s);
  EXPECT_TRUE(rate.Take(60));
  EXPECT_FALSE(rate.Take(60));
  EXPECT_TRUE(rate.Take(40));
  rate.Refill(1s);
  EXPECT_TRUE(rate.Take(1'000'000)) << "or it would never pass";
  EXPECT_FALSE(rate.Take(1));
}

}  // namespace
}  // namespace troupe::raylet
