#include "common/name.h"

#include <gmock/gmock.h>

namespace troupe {
namespace {

using testing::HasSubstr;

TEST(NameTest, IsTextInAnyLanguage) {
  for (const char* name : {"a", "Counter1", "two words", " ", "a/b:c@d;e", "Z\u00e4hler", "\u30ab\u30a6\u30f3\u30bf",
                           "\U0001f600", "\u0639\u062f\u0627\u062f"}) {
    EXPECT_TRUE(CheckName(name, "a name").ok()) << name;
  }
  EXPECT_TRUE(CheckName(std::string(255, 'x'), "a name").ok());
}

TEST(NameTest, HoldsNothingThatSteersATerminalOrHidesWhatALineSays) {
  for (const char* name : {"line\nbreak", "\x01", "tab\t", "\x7f", "\u0085", "\u009b31m", "\u2028", "\u202e", "\u2066",
                           "\u200f", "\x1b[2J"}) {
    const Status status = CheckName(name, "a name");
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(status.message(), HasSubstr("a name may hold any text but control characters"));
  }
  EXPECT_THAT(CheckName("ab\ncd", "a name").message(), HasSubstr("leave out the U+000A after 'ab'"));
}

TEST(NameTest, IsNeitherEmptyNorLongNorSomeOtherEncoding) {
  EXPECT_THAT(CheckName("", "a name").message(), HasSubstr("1 to 255 bytes, not 0"));
  EXPECT_THAT(CheckName(std::string(256, 'x'), "a name").message(), HasSubstr("1 to 255 bytes, not 256"));
  EXPECT_THAT(CheckName("Z\xe4hler", "a name").message(), HasSubstr("UTF-8"));
}

}  // namespace
}  // namespace troupe
