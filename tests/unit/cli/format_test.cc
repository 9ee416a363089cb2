#include "cli/format.h"

#include <gmock/gmock.h>

namespace troupe::cli {
namespace {

using testing::HasSubstr;

TEST(FormatTest, WritesAmountsForPeople) {
  EXPECT_EQ(BytesText(0), "0 B");
  EXPECT_EQ(BytesText(1023), "1023 B");
  EXPECT_EQ(BytesText(1536), "1.5 KiB");
  EXPECT_EQ(BytesText(std::uint64_t{3} << 40), "3 TiB");
  EXPECT_EQ(AmountText(2), "2");
  EXPECT_EQ(AmountText(10), "10");
  EXPECT_EQ(AmountText(0.5), "0.5");
  EXPECT_EQ(ResourceText("CPU", 15'000), "1.5");
  EXPECT_EQ(ResourceText("memory", std::int64_t{1024} * 10'000), "1 KiB");
  EXPECT_EQ(DurationText(440), "0.4 s");
  EXPECT_EQ(DurationText(59'999), "59 s");
  EXPECT_EQ(DurationText(3'600'000 * 25), "1 d 1 h");
  EXPECT_EQ(DurationText(3'660'000), "1 h 1 min");
  EXPECT_EQ(TimeText(0), "-");
}

TEST(FormatTest, ReadsBytesWithUnits) {
  EXPECT_EQ(*ParseBytes("--memory", "512"), 512u);
  EXPECT_EQ(*ParseBytes("--memory", "512B"), 512u);
  EXPECT_EQ(*ParseBytes("--memory", "1.5k"), 1536u);
  EXPECT_EQ(*ParseBytes("--memory", "2MiB"), 2u << 20);
  EXPECT_EQ(*ParseBytes("--memory", "2MB"), 2u << 20);
  EXPECT_EQ(*ParseBytes("--memory", "4G"), std::uint64_t{4} << 30);
  for (const char* wrong : {"", "x", "1X", "-5", "-1G", "1GG", "1 G", "nan", "inf", "1e5", "900000T", "iB"}) {
    const Status status = ParseBytes("--memory", wrong).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << wrong;
    EXPECT_THAT(status.message(), HasSubstr("--memory"));
  }
}

TEST(FormatTest, ReadsResourcesAndLabels) {
  EXPECT_EQ(ParseAmounts("--resources", R"({"disk": 2, "x": 0.5})")->at("disk"), 2);
  EXPECT_EQ(ParseLabels("--labels", R"({"zone": "a"})")->at("zone"), "a");
  for (const char* wrong : {"", "{", "[]", "7", "{disk: 2}", R"({"disk": "2"})", R"({"disk": null})", R"({"a":1}x)"}) {
    EXPECT_EQ(ParseAmounts("--resources", wrong).status().code(), StatusCode::kInvalidArgument) << wrong;
  }
  for (const char* wrong : {"{", R"({"zone": 1})", R"({"": "a"})"}) {
    EXPECT_EQ(ParseLabels("--labels", wrong).status().code(), StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(FormatTest, KeepsControlCharactersFromTheTerminal) {
  EXPECT_EQ(Printable("a\033[2Jb\nc\x7f"), "a?[2Jb?c?");
  EXPECT_EQ(Printable("a\nb\r", true), "a\nb?");
  EXPECT_EQ(Printable("ä"), "ä");
}

}  // namespace
}  // namespace troupe::cli
