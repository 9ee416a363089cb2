// What this process does with itself: marks, descriptors, forks, numbers.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "common/descriptor_limit.h"
#include "common/fork_generation.h"
#include "common/number_text.h"
#include "common/owner_mark.h"
#include "common/stdio_descriptors.h"

namespace troupe {
namespace {

// Runs `body` in a fork, and returns what it exits with.
template <class Body>
int InFork(const Body& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// A program in a session of its own that bears `mark`, and waits.
pid_t Start(const std::string& mark) {
  const pid_t pid = fork();
  if (pid == 0) {
    setsid();
    const std::string variable = std::string(OwnerMark::kVariable) + "=" + mark;
    const char* environment[] = {"PATH=/usr/bin:/bin", variable.c_str(), nullptr};
    execle("/bin/sleep", "sleep", "1000", nullptr, environment);
    _exit(1);
  }
  while (!MarkOf(pid) && waitpid(pid, nullptr, WNOHANG) == 0) usleep(100);
  return pid;
}

TEST(OwnerMarkTest, KillsWhatBearsTheNodesMarkAndNothingElse) {
  const NodeId node = NodeId::Random();
  const pid_t first = Start(OwnerMark{node, 1}.Text());
  const pid_t second = Start(OwnerMark{node, 2}.Text());
  const pid_t other = Start(OwnerMark{NodeId::Random(), 1}.Text());
  ASSERT_TRUE(MarkOf(second));
  EXPECT_EQ(MarkOf(second)->node, node);
  EXPECT_EQ(MarkOf(second)->owner, 2u);
  EXPECT_EQ(KillMarked(node, std::chrono::seconds(10)), 2u);
  for (const pid_t pid : {first, second}) {
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
  EXPECT_EQ(waitpid(other, nullptr, WNOHANG), 0) << "it was another node's";
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
}

TEST(OwnerMarkTest, IsTakenByAForkWhereTheSystemLooksForIt) {
  // The environment of this process is not a worker's: it is made one by executing it anew.
  const NodeId node = NodeId::Random();
  const std::string mark = std::string(OwnerMark::kVariable) + "=" + OwnerMark{node, 7}.Text();
  if (getenv(OwnerMark::kVariable) == nullptr) {
    EXPECT_EQ(InFork([&] {
                const char* environment[] = {mark.c_str(), nullptr};
                execle("/proc/self/exe", "process_test", "--gtest_filter=OwnerMarkTest.IsTakenByAFork*", nullptr,
                       environment);
                return 1;
              }),
              0);
    return;
  }
  const auto taken = InFork([] {
    TakeMark(8);
    const auto own = MarkOf(getpid());
    return own && own->owner == 8 && std::string(getenv(OwnerMark::kVariable)) == own->Text() ? 0 : 1;
  });
  EXPECT_EQ(taken, 0);
  EXPECT_EQ(MarkOf(getpid())->owner, 7u) << "the parent is another's still";
}

TEST(ForkGenerationTest, GrowsWithEachFork) {
  const std::uint32_t before = ForkGeneration();
  EXPECT_EQ(
      InFork([&] { return ForkGeneration() == before + 1 ? InFork([&] { return ForkGeneration() - before; }) : 9; }),
      2);
  EXPECT_EQ(ForkGeneration(), before);
}

TEST(StdioDescriptorsTest, TakesTheFreePlacesSoThatReadingAndPrintingFail) {
  for (const int closed : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    EXPECT_EQ(InFork([&] {
                close(closed);
                ReserveStdio();
                char byte = 0;
                const bool fails = closed == STDIN_FILENO ? read(closed, &byte, 1) < 0 : write(closed, &byte, 1) < 0;
                const int next = open("/dev/null", O_RDONLY);
                return fails && next > STDERR_FILENO && (fcntl(closed, F_GETFD) & FD_CLOEXEC) != 0 ? 0 : 1;
              }),
              0)
        << closed;
  }
}

TEST(StdioDescriptorsTest, LeavesWhatIsOpen) {
  EXPECT_EQ(InFork([] {
              const bool inherited = (fcntl(STDOUT_FILENO, F_GETFD) & FD_CLOEXEC) == 0;
              ReserveStdio();
              return inherited && (fcntl(STDOUT_FILENO, F_GETFD) & FD_CLOEXEC) == 0 ? 0 : 1;
            }),
            0);
}

TEST(DescriptorLimitTest, SeesHowManyAreOpen) {
  EXPECT_EQ(InFork([] {
              close_range(3, ~0U, 0);
              const DescriptorUse before = LookAtDescriptors();
              if (!before.HasRoom(1) || before.HasRoom(before.limit)) return 1;
              for (int i = 0; i < 10; ++i) (void)!dup(STDERR_FILENO);
              return LookAtDescriptors().open == before.open + 10 ? 0 : 2;
            }),
            0);
}

TEST(NumberTextTest, IsAsPrintfInTheCLocale) {
  EXPECT_EQ(NumberText(1.5, 15), "1.5");
  EXPECT_EQ(NumberText(0.1, 15), "0.1");
  EXPECT_EQ(NumberText(12345678, 15), "12345678");
  EXPECT_EQ(NumberText(1e20, 6), "1e+20");
}

}  // namespace
}  // namespace troupe
