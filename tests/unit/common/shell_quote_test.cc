#include "common/shell_quote.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

namespace troupe {
namespace {

TEST(ShellQuoteTest, LeavesPlainWordsAlone) {
  for (const char* word : {"prog", "/usr/bin/prog-1.2", "--size=3", "a,b:c@d%e+f_g"}) EXPECT_EQ(ShellQuote(word), word);
}

TEST(ShellQuoteTest, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("two words"), "'two words'");
  EXPECT_EQ(ShellQuote("it's"), R"('it'\''s')");
}

TEST(ShellQuoteTest, AShellReadsTheWordBack) {
  std::string every;
  for (int c = 1; c < 256; ++c) every += static_cast<char>(c);
  const std::string command = "printf %s " + ShellQuote(every);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string read(1000, '\0');
  read.resize(fread(read.data(), 1, read.size(), pipe.get()));
  EXPECT_EQ(read, every);
}

}  // namespace
}  // namespace troupe
