#include "cli/completion.h"

#include "cli_fixture.h"

namespace troupe::cli {
namespace {

using testing::HasSubstr;

// What bash offers for a line whose last word is being completed.
std::string BashOffers(const std::string& script_file, const std::string& line, int words) {
  const std::string command = "bash -c 'source " + script_file + "; COMP_WORDS=(" + line +
                              "); COMP_CWORD=" + std::to_string(words) + "; _troupe; echo \"${COMPREPLY[@]}\"'";
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  for (int c; pipe && (c = fgetc(pipe)) != EOF;) text.push_back(static_cast<char>(c));
  if (pipe) pclose(pipe);
  return text;
}

TEST_F(CliTest, CompletesCommandsAndFlagsInBash) {
  ASSERT_EQ(Troupe({"completion", "bash"}), kOk);
  const std::string file = WriteText(base_ + "/completion.bash", out_);
  EXPECT_EQ(BashOffers(file, "troupe sta", 1), "start status\n");
  EXPECT_EQ(BashOffers(file, "troupe job l", 2), "list logs\n");
  EXPECT_EQ(BashOffers(file, "troupe job logs --fo", 3), "--follow\n");
  EXPECT_THAT(BashOffers(file, "troupe start --", 2), HasSubstr("--object-store-memory"));
  EXPECT_THAT(BashOffers(file, "troupe list nodes --", 3), testing::Not(HasSubstr("--named")));
}

TEST_F(CliTest, WritesScriptsForTheOtherShells) {
  ASSERT_EQ(Troupe({"completion", "zsh"}), kOk);
  EXPECT_THAT(out_, HasSubstr("#compdef troupe"));
  EXPECT_THAT(out_, HasSubstr("'actors:Actors, of all namespaces unless one is given'"));
  ASSERT_EQ(Troupe({"completion", "fish"}), kOk);
  EXPECT_THAT(out_, HasSubstr("complete -c troupe -n '__troupe_at job logs' -l follow"));
  EXPECT_EQ(Troupe({"completion", "tcsh"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("bash, zsh or fish"));
}

}  // namespace
}  // namespace troupe::cli
