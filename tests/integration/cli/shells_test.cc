// Completion in the shells themselves: what a Tab makes of a line, and what the line then does.
#include <troupe/troupe.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/integration/cli/command.h"
#include "tests/integration/cli/terminal.h"
#include "tests/integration/cluster_fixture.h"
#include "tests/integration/wait.h"

namespace cli {

class Actor {
 public:
  int One() const { return 1; }
};

}  // namespace cli

TROUPE_ACTOR(cli::Actor, One);

namespace troupe::integration {
namespace {

bool Installed(const std::string& shell) { return std::system(("command -v " + shell + " >/dev/null").c_str()) == 0; }

class Shells : public DriverTest {
 protected:
  static void SetUpTestSuite() {
    DriverTest::SetUpTestSuite();
    for (const char* name : {"two words", "Zähler", "it's", "a:b:c"}) {
      actors_.push_back(Spawn<cli::Actor>({.name = name, .name_space = "cli", .num_cpus = 0}));
      WaitAlive(actors_.back(), kDeadline);
    }
  }
  static void TearDownTestSuite() {
    actors_.clear();
    DriverTest::TearDownTestSuite();
  }
  void SetUp() override {
    // What a shell of the person who runs this test would read.
    home_ = cluster().NewFile();
    std::filesystem::create_directory(home_);
  }

  std::vector<std::string> Environment() const {
    const std::string bin = std::filesystem::path(TroupeProgram()).parent_path();
    return {"HOME=" + home_,
            "XDG_CONFIG_HOME=" + home_,
            "XDG_DATA_HOME=" + home_,
            "HISTFILE=",
            "PATH=" + bin + ":" + std::getenv("PATH"),
            "LC_ALL=C.UTF-8",
            "TERM=dumb",
            "PS1=ready> "};
  }

  // Each line is typed with a Tab and a Return, and must run a command about what was meant.
  static void Complete(Terminal& shell) {
    const auto gives = [&](const std::string& keys, const std::string& text) {
      shell.Type(keys + "\t\r");
      EXPECT_TRUE(shell.Shows(text)) << keys << "\n" << shell.screen();
    };
    gives("troupe get actor tw", "Name:        two words");
    gives("troupe get actor Z", "Name:        Zähler");
    gives("troupe get actor it", "Name:        it's");
    gives("troupe get actor a:b", "Name:        a:b:c");
    gives("troupe get actor \"tw", "Name:        two words");
    gives("troupe logs raylet " + cluster().node_id(0).substr(0, 6), "node " + cluster().node_id(0).substr(0, 8));
    gives("troupe vers", "(protocol");
    gives("troupe --vers", "\ntroupe 0");
    gives("troupe list nodes --js", "\"address\"");
  }

  std::string home_;
  static inline std::vector<ActorHandle<cli::Actor>> actors_;
};

TEST_F(Shells, BashCompletes) {
  Terminal shell({"bash", "--norc", "--noprofile", "-i"}, Environment());
  ASSERT_TRUE(shell.Shows("ready> ")) << shell.screen();
  shell.Type("source <(troupe completion bash)\r");
  Complete(shell);
}

TEST_F(Shells, ZshCompletes) {
  if (!Installed("zsh")) GTEST_SKIP() << "there is no zsh here; see deploy/packages.txt";
  Terminal shell({"zsh", "-f", "-i"}, Environment());
  ASSERT_TRUE(shell.Shows("ready> ")) << shell.screen();
  shell.Type("autoload -Uz compinit; compinit -u -D; source <(troupe completion zsh)\r");
  Complete(shell);
}

TEST_F(Shells, FishCompletes) {
  if (!Installed("fish")) GTEST_SKIP() << "there is no fish here; see deploy/packages.txt";
  const std::string file = home_ + "/troupe.fish";
  ASSERT_EQ(std::system((TroupeProgram() + " completion fish > " + file).c_str()), 0);
  const auto offers = [&](const std::string& line) {
    std::vector<std::string> command = {"/usr/bin/env"};
    for (const std::string& variable : Environment()) command.push_back(variable);
    command.insert(command.end(), {"fish", "--no-config", "-c", "source " + file + "; complete -C $argv", line});
    Program fish(command);
    EXPECT_EQ(fish.Wait(), 0);
    EXPECT_EQ(fish.Errors(), "") << line;
    return fish.Output();
  };
  EXPECT_EQ(offers("troupe sta"),
            "start\tStart a cluster, or add this machine to one\n"
            "status\tShow nodes, resources in use, and what waits and why\n");
  EXPECT_EQ(offers("troupe get actor tw"), "two words\tcli::Actor\n");
  EXPECT_EQ(offers("troupe get actor 'tw"), "two words\tcli::Actor\n");
  EXPECT_EQ(offers("troupe kill Z"), "Zähler\tcli::Actor\n");
  EXPECT_EQ(offers("troupe kill --namespace cli a:b"), "a:b:c\tcli::Actor\n");
  EXPECT_EQ(offers("troupe logs raylet " + cluster().node_id(0).substr(0, 6)).substr(0, 32), cluster().node_id(0));
  EXPECT_EQ(offers("troupe job logs --fo"), "--follow\tPrint what is added, until the job has ended\n");
  EXPECT_NE(offers("troupe status --token-file " + home_ + "/tro").find("troupe.fish"), std::string::npos);
}

// In the way of somebody who types, as it must never be.
TEST_F(Shells, NoClusterIsNoNoise) {
  const CommandResult result = Troupe({"__complete", "bash", "troupe", "kill", "--address", "127.0.0.1:1", ""});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out + result.err, "");
}

}  // namespace
}  // namespace troupe::integration
