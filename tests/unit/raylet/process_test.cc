#include "raylet/workers/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "raylet/workers/watched_process.h"
#include "tests/unit/jobs/temporary_directory.h"
#include "tests/unit/raylet/loop_runner.h"

namespace troupe::raylet {
namespace {

using test::ReadFile;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ProcessTest : public ::testing::Test {
 protected:
  SpawnOptions Shell(const std::string& script) {
    SpawnOptions options;
    options.program = "/bin/sh";
    options.argv = {"sh", "-c", script};
    options.environment = {"PATH=/usr/bin:/bin", "NAME=value"};
    options.stdout_path = dir_ / "out";
    options.stderr_path = dir_ / "err";
    return options;
  }

  // Starts and waits; what it wrote is in out and err.
  ExitCause Run(const SpawnOptions& options) {
    const auto spawned = Spawn(options);
    EXPECT_TRUE(spawned.ok()) << spawned.status().ToString();
    if (!spawned.ok()) return {};
    std::optional<std::optional<int>> status;
    const WatchedProcess process(runner_.loop.context(), *spawned, [&](std::optional<int> ended) { status = ended; });
    EXPECT_TRUE(runner_.Until([&] { return status.has_value(); }));
    EXPECT_TRUE(status && *status);
    return status && *status ? DescribeExit(**status) : ExitCause();
  }

  test::TemporaryDirectory dir_;
  test::LoopRunner runner_;
};

TEST_F(ProcessTest, TellsHowAProcessEnded) {
  EXPECT_EQ(Run(Shell("exit 0")).text, "exited with status 0");
  EXPECT_EQ(Run(Shell("exit 7")).text, "exited with status 7");
  EXPECT_EQ(Run(Shell("kill -SEGV $$")).text, "killed by signal 11 (SIGSEGV)");
  EXPECT_EQ(Run(Shell("kill -KILL $$")).text, "killed by signal 9 (SIGKILL)");
  EXPECT_EQ(WEXITSTATUS(Run(Shell("exit 7")).wait_status), 7);
  EXPECT_FALSE(UnknownExit().known);
}

TEST_F(ProcessTest, StartsInTheGivenSurroundings) {
  SpawnOptions options = Shell("pwd; env; cat; echo problem >&2");
  options.directory = dir_.path();
  EXPECT_EQ(Run(options).text, "exited with status 0");
  EXPECT_THAT(ReadFile(dir_ / "out"), AllOf(StartsWith(dir_.path() + "\n"), HasSubstr("NAME=value\n")));
  EXPECT_EQ(ReadFile(dir_ / "err"), "problem\n");
}

TEST_F(ProcessTest, AppendsToOneFileWhenBothOutputsAreTheSame) {
  dir_.Write("out", "before\n");
  SpawnOptions options = Shell("echo one; echo two >&2; echo three");
  options.stderr_path = options.stdout_path;
  Run(options);
  EXPECT_EQ(ReadFile(dir_ / "out"), "before\none\ntwo\nthree\n");
}

TEST_F(ProcessTest, PassesOnNoDescriptorsAndNoSignalState) {
  const int leaked = open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a library might
  ASSERT_GE(leaked, 3);
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto old_handler = signal(SIGPIPE, SIG_IGN);
  Run(Shell("ls /proc/$$/fd; grep -E 'SigBlk|SigIgn' /proc/self/status"));
  signal(SIGPIPE, old_handler);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  close(leaked);
  EXPECT_EQ(ReadFile(dir_ / "out"), "0\n1\n2\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(ProcessTest, NamesTheProgramAndTheStepThatFailed) {
  struct Case {
    const char* title;
    std::function<void(SpawnOptions*)> change;
    StatusCode code;
    std::string what;
  };
  const std::string text = dir_.Write("text", "no program");
  const std::vector<Case> cases = {
      {"absent", [&](auto* o) { o->program = dir_ / "absent"; }, StatusCode::kNotFound, dir_ / "absent"},
      {"not executable", [&](auto* o) { o->program = text; }, StatusCode::kPermissionDenied, text},
      {"directory", [&](auto* o) { o->directory = dir_ / "nowhere"; }, StatusCode::kNotFound, dir_ / "nowhere"},
      {"output", [&](auto* o) { o->stdout_path = dir_ / "no/out"; }, StatusCode::kNotFound, dir_ / "no/out"},
      {"errors", [&](auto* o) { o->stderr_path = dir_ / "no/err"; }, StatusCode::kNotFound, dir_ / "no/err"},
  };
  const std::string children = "/proc/self/task/" + std::to_string(gettid()) + "/children";
  const std::string before = ReadFile(children);
  for (const Case& failing : cases) {
    SCOPED_TRACE(failing.title);
    SpawnOptions options = Shell("exit 0");
    failing.change(&options);
    const auto spawned = Spawn(options);
    EXPECT_EQ(spawned.status().code(), failing.code);
    EXPECT_THAT(spawned.status().message(), AllOf(HasSubstr(options.program), HasSubstr(failing.what)));
  }
  EXPECT_EQ(ReadFile(children), before) << "a child was left behind";
}

// As after unpacking a package: a child forked meanwhile holds the file open until it executes a program of its own.
TEST_F(ProcessTest, WaitsForAProgramThatIsStillOpenForWriting) {
  const std::string program = dir_ / "copy";
  std::filesystem::copy_file("/bin/true", program);
  const int writer = open(program.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(writer, 0);
  SpawnOptions options = Shell("");
  options.program = program;
  options.argv = {"copy"};
  const auto busy = Spawn(options);
  EXPECT_THAT(busy.status().message(), HasSubstr("Text file busy")) << "not for ever";
  const pid_t holder = fork();
  if (holder == 0) {
    usleep(20'000);
    _exit(0);
  }
  close(writer);
  EXPECT_EQ(Run(options).text, "exited with status 0");
  waitpid(holder, nullptr, 0);
}

TEST_F(ProcessTest, KillsWhatIsLeftOfTheGroupWhenItsLeaderEnds) {
  SpawnOptions options = Shell("sleep 1000 & echo $!");
  options.own_process_group = true;
  Run(options);
  const pid_t child = std::stoi(ReadFile(dir_ / "out"));
  EXPECT_TRUE(runner_.Until([&] {
    const std::string status = ReadFile("/proc/" + std::to_string(child) + "/stat");
    return status.empty() || status.find(") Z") != std::string::npos;
  }));
}

TEST_F(ProcessTest, SignalsByDescriptorAndNotOnceItHasEnded) {
  const auto spawned = Spawn(Shell("exec sleep 1000"));
  ASSERT_TRUE(spawned.ok());
  std::optional<int> status;
  WatchedProcess process(runner_.loop.context(), *spawned, [&](std::optional<int> ended) { status = ended; });
  EXPECT_TRUE(process.Signal(SIGTERM).ok());
  EXPECT_TRUE(runner_.Until([&] { return status.has_value(); }));
  EXPECT_EQ(DescribeExit(*status).text, "killed by signal 15 (SIGTERM)");
  EXPECT_EQ(process.Signal(SIGTERM).code(), StatusCode::kNotFound);
}

TEST_F(ProcessTest, ReapsAChildThatNobodyWatchesAnyMore) {
  const auto spawned = Spawn(Shell("exec sleep 1000"));
  ASSERT_TRUE(spawned.ok());
  bool called = false;
  {
    WatchedProcess process(runner_.loop.context(), *spawned, [&](std::optional<int>) { called = true; });
    EXPECT_TRUE(process.Signal(SIGKILL).ok());
  }
  EXPECT_TRUE(runner_.Until([&] { return access(("/proc/" + std::to_string(spawned->pid)).c_str(), F_OK) != 0; }));
  EXPECT_FALSE(called);
}

TEST_F(ProcessTest, WaitsForAnEndAtShutdown) {
  const auto spawned = Spawn(Shell("exec sleep 1000"));
  ASSERT_TRUE(spawned.ok());
  WatchedProcess process(runner_.loop.context(), *spawned, [](std::optional<int>) { FAIL(); });
  EXPECT_FALSE(process.WaitEnded(std::chrono::milliseconds(1)));
  EXPECT_TRUE(process.Signal(SIGKILL).ok());
  EXPECT_TRUE(process.WaitEnded(std::chrono::seconds(60)));
  EXPECT_TRUE(process.WaitEnded(std::chrono::seconds(60)));
  runner_.Settle();
}

TEST_F(ProcessTest, SeesTheEndOfAProcessThatIsNotItsChildWithoutAStatus) {
  // The grandchild is a child of the shell, which reaps it.
  SpawnOptions options = Shell("sleep 1000 & echo $!; wait; exec sleep 1000");
  const auto parent = Spawn(options);
  ASSERT_TRUE(parent.ok());
  WatchedProcess shell(runner_.loop.context(), *parent, [](std::optional<int>) {});
  ASSERT_TRUE(runner_.Until([&] { return ReadFile(dir_ / "out").ends_with('\n'); }));
  const pid_t child = std::stoi(ReadFile(dir_ / "out"));

  EXPECT_EQ(WatchedProcess::Find(child, getpid()).status().code(), StatusCode::kNotFound) << "another's child";
  const auto found = WatchedProcess::Find(child, parent->pid);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  std::optional<std::optional<int>> status;
  WatchedProcess process(runner_.loop.context(), *found, [&](std::optional<int> ended) { status = ended; });
  EXPECT_TRUE(process.Signal(SIGKILL).ok());
  EXPECT_TRUE(runner_.Until([&] { return status.has_value(); }));
  EXPECT_EQ(*status, std::nullopt);
  EXPECT_TRUE(runner_.Until([&] { return access(("/proc/" + std::to_string(child)).c_str(), F_OK) != 0; }));
  EXPECT_EQ(WatchedProcess::Find(child, 0).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(shell.Signal(SIGKILL).ok());
  EXPECT_TRUE(shell.WaitEnded(std::chrono::seconds(60)));
}

TEST_F(ProcessTest, ChildrenDieWithTheirParent) {
  // A fork of the test plays the raylet that is killed.
  SpawnOptions options = Shell("echo $$; exec sleep 1000");
  const pid_t raylet = fork();
  if (raylet == 0) {
    (void)Spawn(options);
    raise(SIGKILL);
  }
  waitpid(raylet, nullptr, 0);
  // It may die before it has said who it is.
  EXPECT_TRUE(runner_.Until([&] {
    const std::string out = ReadFile(dir_ / "out");
    if (out.empty()) return true;
    const std::string stat = ReadFile("/proc/" + std::to_string(std::stoi(out)) + "/stat");
    return stat.empty() || stat.find(") Z") != std::string::npos;
  }));
}

TEST(EnvironmentTest, CarriesNothingOfTroupesOwn) {
  setenv("TROUPE_TOKEN", "secret", 1);
  setenv("KEPT", "1", 1);
  const auto environment = InheritedEnvironment();
  unsetenv("TROUPE_TOKEN");
  unsetenv("KEPT");
  EXPECT_THAT(environment, Contains("KEPT=1"));
  EXPECT_THAT(environment, Not(Contains(HasSubstr("secret"))));
}

TEST(EnvironmentTest, ReplacesVariablesAndPrependsLibraryPaths) {
  std::vector<std::string> environment = {"A=1", "AB=2"};
  SetVariable("A", "3", &environment);
  EXPECT_THAT(environment, ElementsAre("AB=2", "A=3"));
  PrependLibraryPath("", &environment);
  EXPECT_THAT(environment, ElementsAre("AB=2", "A=3"));
  PrependLibraryPath("/x", &environment);
  PrependLibraryPath("/y", &environment);
  EXPECT_THAT(environment, ElementsAre("AB=2", "A=3", "LD_LIBRARY_PATH=/y:/x"));
}

}  // namespace
}  // namespace troupe::raylet
