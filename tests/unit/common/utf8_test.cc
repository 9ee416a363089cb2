#include "common/utf8.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

constexpr const char* kNone = "\xef\xbf\xbd";

TEST(Utf8Test, KeepsWhatIsValid) {
  for (const std::string text :
       {"", "plain", "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8e\xad", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", kNone}) {
    EXPECT_EQ(Utf8(text), text);
  }
  EXPECT_EQ(Utf8(std::string("a\0b", 3)), std::string("a\0b", 3));
}

TEST(Utf8Test, ReplacesEachByteThatIsNot) {
  const std::string none = kNone;
  EXPECT_EQ(Utf8("caf\xe9"), "caf" + none);
  EXPECT_EQ(Utf8("\xff\xfe"
                 "x"),
            none + none + "x");
  EXPECT_EQ(Utf8("a\xc3"), "a" + none);                            // cut short
  EXPECT_EQ(Utf8("\xc0\xaf"), none + none);                        // overlong
  EXPECT_EQ(Utf8("\xe0\x80\xaf"), none + none + none);             // overlong
  EXPECT_EQ(Utf8("\xed\xa0\x80"), none + none + none);             // half of a surrogate pair
  EXPECT_EQ(Utf8("\xf4\x90\x80\x80"), none + none + none + none);  // above the last character
  EXPECT_EQ(Utf8("\xe2\x82z"), none + none + "z");
}

}  // namespace
}  // namespace troupe
