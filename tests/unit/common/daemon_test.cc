#include "common/daemon.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session_fixture.h"

namespace troupe {
namespace {

using test::SessionTest;
using testing::HasSubstr;
using namespace std::chrono_literals;

class DaemonTest : public SessionTest {
 protected:
  Result<Daemon> Start(const std::string& program = "troupe-head") {
    return StartDaemon({.program = program, .args = {"--session-dir", base_}, .log_dir = base_});
  }
};

TEST_F(DaemonTest, RunsInASessionOfItsOwnAndBecomesReady) {
  const auto daemon = Start();
  ASSERT_TRUE(daemon.ok()) << daemon.status().ToString();
  const auto ready = WaitReady(*daemon, base_ + "/head.json", 60s);
  ASSERT_TRUE(ready.ok()) << ready.status().ToString();
  EXPECT_THAT(*ready, HasSubstr("\"pid\":" + std::to_string(daemon->pid)));
  EXPECT_EQ(getsid(daemon->pid), daemon->pid);
  EXPECT_EQ(*StopDaemon(daemon->pid, daemon->start_time, 60s), StopOutcome::kStopped);
  EXPECT_EQ(*StopDaemon(daemon->pid, daemon->start_time, 60s), StopOutcome::kWasGone);
  EXPECT_EQ(waitpid(daemon->pid, nullptr, 0), -1) << "the zombie is taken away";
}

TEST_F(DaemonTest, PassesOnWhatADaemonSaidThatEndsBeforeItIsReady) {
  SetEnv("TROUPE_FAKE", "head-fails");
  WriteText(base_ + "/troupe-head.out", "from an earlier run\n");
  const auto daemon = Start();
  ASSERT_TRUE(daemon.ok());
  const Status status = WaitReady(*daemon, base_ + "/head.json", 60s).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("exited with status 1 before it was ready: port 6480 is in use"));
  EXPECT_THAT(status.message(), testing::Not(HasSubstr("earlier run")));
}

TEST_F(DaemonTest, AReadyFileOfAnotherProcessIsNotTaken) {
  SetEnv("TROUPE_FAKE", "never-ready");
  WriteText(base_ + "/head.json", R"({"address":"h:1","pid":1})");
  const auto daemon = Start();
  ASSERT_TRUE(daemon.ok());
  EXPECT_EQ(WaitReady(*daemon, base_ + "/head.json", 30ms).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(StopDaemon(daemon->pid, daemon->start_time, 60s).ok());
}

TEST_F(DaemonTest, KillsOneThatDoesNotHeedSigterm) {
  SetEnv("TROUPE_FAKE", "ignores-term");
  const auto daemon = Start();
  ASSERT_TRUE(daemon.ok());
  ASSERT_TRUE(WaitReady(*daemon, base_ + "/head.json", 60s).ok());
  EXPECT_FALSE(WaitGone(daemon->pid, daemon->start_time, 0ms));
  EXPECT_EQ(*StopDaemon(daemon->pid, daemon->start_time, 20ms), StopOutcome::kKilled);
  EXPECT_TRUE(WaitGone(daemon->pid, daemon->start_time, 0ms));
}

TEST_F(DaemonTest, NeverStopsAnotherProcessThatHasThePid) {
  const auto daemon = Start();
  ASSERT_TRUE(daemon.ok());
  ASSERT_TRUE(WaitReady(*daemon, base_ + "/head.json", 60s).ok());
  EXPECT_EQ(*StopDaemon(daemon->pid, daemon->start_time + 1, 60s), StopOutcome::kWasGone);
  EXPECT_FALSE(WaitGone(daemon->pid, daemon->start_time, 0ms));
  EXPECT_TRUE(StopDaemon(daemon->pid, daemon->start_time, 60s).ok());
}

TEST_F(DaemonTest, SaysWhereItLookedForAProgram) {
  const Status status = Start("troupe-nothing").status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr(base_ + "/install/bin"));
  EXPECT_THAT(status.message(), HasSubstr("$PATH"));
  EXPECT_THAT(status.message(), HasSubstr("TROUPE_HOME"));
}

}  // namespace
}  // namespace troupe
