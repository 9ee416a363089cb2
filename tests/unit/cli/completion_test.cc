#include <CLI/CLI.hpp>
#include <tuple>

#include "cli/complete.h"
#include "cli_fixture.h"

namespace troupe::cli {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CompleteTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    SetEnv("TROUPE_ADDRESS", head_.address());
  }

  // The words offered after those, the last of which is being completed.
  std::vector<std::string> Offers(std::vector<std::string> words, const std::string& shell = "zsh") {
    words.insert(words.begin(), {"__complete", shell, "troupe"});
    EXPECT_EQ(Troupe(words), kOk);
    EXPECT_EQ(err_, "");
    std::vector<std::string> offers;
    std::istringstream lines(out_);
    for (std::string line; std::getline(lines, line);) offers.push_back(line.substr(0, line.find('\t')));
    return offers;
  }
};

TEST_F(CompleteTest, OffersCommands) {
  EXPECT_THAT(Offers({"sta"}), ElementsAre("start", "status"));
  EXPECT_THAT(out_, HasSubstr("start\tStart a cluster, or add this machine to one\n"));
  EXPECT_THAT(Offers({"job", "l"}), ElementsAre("list", "logs"));
  EXPECT_THAT(Offers({"help", "sta"}), ElementsAre("start", "status"));
  EXPECT_THAT(Offers({"completion", ""}), ElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(Offers({"nonsense", ""}), Contains("start")) << "what may come instead";
  EXPECT_THAT(Offers({""}), Not(Contains("__complete")));
}

TEST_F(CompleteTest, OffersFlagsOfTheCommandThatWasGiven) {
  EXPECT_THAT(Offers({"job", "logs", "--fo"}), ElementsAre("--follow"));
  EXPECT_THAT(Offers({"start", "--"}), Contains("--object-store-memory"));
  EXPECT_THAT(Offers({"list", "nodes", "--"}), AllOf(Contains("--json"), Not(Contains("--named"))));
  EXPECT_THAT(Offers({"list", "nodes", ""}), Contains("--json")) << "there is nothing else to give";
}

TEST_F(CompleteTest, OffersFilesWhereOneFits) {
  EXPECT_THAT(Offers({"status", "--token-file", ""}), ElementsAre(":files"));
  EXPECT_THAT(Offers({"stop", "--session-dir", "/t"}), ElementsAre(":files"));
  EXPECT_THAT(Offers({"submit", "--no-wait", "--", "./p"}), ElementsAre(":files"));
  EXPECT_THAT(Offers({"submit", "--", "./p", "--fo"}), ElementsAre(":files")) << "the program's own";
  EXPECT_THAT(Offers({"submit", "--no-w"}), ElementsAre("--no-wait"));
  EXPECT_THAT(Offers({"start", "--num-cpus", ""}), IsEmpty());
}

// What a fake cluster has, and what it was asked for.
class NamesTest : public testing::Test {
 protected:
  NamesTest() {
    kill_->add_option("id", who_)->type_name("NAME|ID");
    for (const char* flag : {"--address", "--token-file", "--namespace"}) kill_->add_option(flag, who_);
    kill_->add_flag("--restart");
  }
  std::vector<std::string> Offers(std::vector<std::string> words) {
    words.insert(words.begin(), {"troupe", "kill"});
    asked_ = {};
    const auto ask = [this](const ConnectionOptions& where, const std::string& name_space, Names what) {
      EXPECT_EQ(what, Names::kActors);
      asked_ = {where.address, where.token_file, name_space};
      return std::vector<Candidate>{{"two words", ""}, {"Zähler", ""}, {"zoo", ""}};
    };
    std::vector<std::string> offers;
    for (const Candidate& candidate : Complete(app_, words, ask).words) offers.push_back(candidate.word);
    return offers;
  }

  CLI::App app_{"", "troupe"};
  CLI::App* kill_ = app_.add_subcommand("kill");
  std::string who_;
  std::tuple<std::string, std::string, std::string> asked_;
};

TEST_F(NamesTest, AreOfferedForTheArgumentOnce) {
  EXPECT_THAT(Offers({""}), ElementsAre("two words", "Zähler", "zoo"));
  EXPECT_THAT(Offers({"two w"}), ElementsAre("two words"));
  EXPECT_THAT(Offers({"Z"}), ElementsAre("Zähler"));
  EXPECT_THAT(Offers({"--restart", ""}), testing::SizeIs(3));
  EXPECT_THAT(Offers({"zoo", ""}), Not(Contains("zoo"))) << "it has been given";
}

TEST_F(NamesTest, AreAskedOfTheClusterThatTheLineNames) {
  Offers({"--address", "127.0.0.1:6480", "--token-file=/t", "--namespace", "prod", ""});
  EXPECT_EQ(asked_, std::tuple("127.0.0.1:6480", "/t", "prod"));
}

TEST_F(CompleteTest, OffersNoNamesWithoutACluster) {
  SetEnv("TROUPE_ADDRESS", "127.0.0.1:1");
  EXPECT_THAT(Offers({"kill", ""}), IsEmpty());
  SetEnv("TROUPE_TOKEN_FILE", "/nowhere");
  EXPECT_THAT(Offers({"kill", ""}), IsEmpty());
}

TEST(JoinBashWordsTest, UndoesWhatBashTakesApart) {
  const BashWords line = JoinBashWords({"troupe", "status", "--address", "127.0.0.1", ":", "64"});
  EXPECT_THAT(line.words, ElementsAre("troupe", "status", "--address", "127.0.0.1:64"));
  EXPECT_EQ(line.kept, 10U) << "bash replaces what comes after the colon";
  EXPECT_EQ(JoinBashWords({"troupe", "kill", "a", ":"}).kept, 2U);
  const BashWords flag = JoinBashWords({"troupe", "kill", "--namespace", "=", "a", "b"});
  EXPECT_THAT(flag.words, ElementsAre("troupe", "kill", "--namespace=a", "b"));
  EXPECT_EQ(flag.kept, 0U);
  EXPECT_THAT(JoinBashWords({"troupe", "kill", "two\\ w"}).words.back(), "two w");
  EXPECT_THAT(JoinBashWords({"troupe", "kill", "'two \\w"}).words.back(), "two \\w");
  EXPECT_THAT(JoinBashWords({"troupe", "kill", "\"it's \\\"so"}).words.back(), "it's \"so");
}

TEST_F(CliTest, RefusesACompletionForAnotherShell) {
  EXPECT_EQ(Troupe({"completion", "tcsh"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("bash, zsh or fish"));
}

}  // namespace
}  // namespace troupe::cli
