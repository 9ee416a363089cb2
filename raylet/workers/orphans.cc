#include "raylet/workers/orphans.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <vector>

#include "common/logging.h"
#include "common/owner_mark.h"
#include "raylet/workers/watched_process.h"

namespace troupe::raylet {
namespace {

// A program that has no environment for good is soon left alone.
constexpr std::chrono::milliseconds kLookAgain{10};
constexpr int kLooks = 100;

// Of the main thread, which is the one that orphans go to.
std::vector<pid_t> Children() {
  const std::string self = std::to_string(getpid());
  std::ifstream file("/proc/self/task/" + self + "/children");
  std::vector<pid_t> pids;
  for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
  return pids;
}

}  // namespace

Result<int> Orphans::BecomeSubreaper() {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &child, nullptr);
  const int ends = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  if (ends < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return ErrnoStatus(errno, "cannot look after the children of workers");
  }
  return ends;
}

void Orphans::Sweep() {
  looks_left_ = kLooks;
  if (look_again_ != 0) return;
  // Where workers come and go all the time, one look serves many.
  const auto wait = last_look_ + kLookAgain - loop_.Now();
  if (wait <= MonotonicTime::zero()) return EndOwnerless();
  look_again_ = loop_.After(wait, [this] { EndOwnerless(); });
}

void Orphans::EndOwnerless() {
  last_look_ = loop_.Now();
  bool any_hidden = false;
  for (const pid_t pid : Children()) {
    // Whoever watches it wants to know how it ended.
    if (WatchedProcess::Watches(pid)) continue;
    // Only this thread reaps, so the id stays the child's until then.
    if (waitpid(pid, nullptr, WNOHANG) == pid) continue;
    const auto mark = MarkOf(pid);
    if (!mark) any_hidden = any_hidden || !ShowsEnvironment(pid);
    if (!mark || mark->node != node_ || lives_(mark->owner)) continue;
    spdlog::info("process {} is killed: what started it has ended", pid);
    kill(pid, SIGKILL);
  }
  loop_.Cancel(std::exchange(look_again_, 0));
  if (any_hidden && --looks_left_ > 0) look_again_ = loop_.After(kLookAgain, [this] { EndOwnerless(); });
}

}  // namespace troupe::raylet
