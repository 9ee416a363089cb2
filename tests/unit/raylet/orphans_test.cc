#include "raylet/workers/orphans.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "common/manual_event_loop.h"

namespace troupe::raylet {
namespace {

using namespace std::chrono_literals;

// A child that has ended and waits to be reaped.
pid_t Zombie() {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  siginfo_t info{};
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  return pid;
}

bool IsReaped(pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; }

TEST(OrphansTest, OneLookServesAllThatEndWithinAFewMilliseconds) {
  ManualEventLoop loop;
  loop.Advance(1s);
  Orphans orphans(loop, NodeId{1, 2}, [](std::uint64_t) { return true; });
  const pid_t first = Zombie();
  orphans.Sweep();
  EXPECT_TRUE(IsReaped(first)) << "nothing has ended for long";
  const pid_t second = Zombie();
  const pid_t third = Zombie();
  orphans.Sweep();
  orphans.Sweep();
  EXPECT_FALSE(IsReaped(second));
  loop.Advance(10ms);
  EXPECT_TRUE(IsReaped(second));
  EXPECT_TRUE(IsReaped(third));
}

}  // namespace
}  // namespace troupe::raylet
