#include "raylet/workers/guard.h"

#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

#include "common/owner_mark.h"
#include "common/pidfd.h"

namespace troupe::raylet {
namespace {

constexpr const char* kName = "troupe-guard";
constexpr std::chrono::seconds kKillLimit{30};

// main()'s arguments lie one after another.
void Rename(NodeId node, int argc, char** argv) {
  prctl(PR_SET_NAME, kName);
  const std::string title = std::string(kName) + " " + node.Hex();
  char* const begin = argv[0];
  const auto size = static_cast<std::size_t>(argv[argc - 1] + std::strlen(argv[argc - 1]) - begin);
  std::memset(begin, 0, size);
  std::copy_n(title.begin(), std::min(size, title.size()), begin);
}

[[noreturn]] void Guard(NodeId node, pid_t raylet) {
  // Whoever ends the raylet by a signal to all of a terminal or group means the raylet.
  setsid();
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  close_range(3, ~0U, 0);
  (void)!chdir("/");
  const int fd = pidfd_open(raylet, 0);
  // Only while it is still our parent is it the raylet that the descriptor names.
  if (fd >= 0 && getppid() == raylet) {
    pollfd ended{.fd = fd, .events = POLLIN, .revents = 0};
    while (poll(&ended, 1, -1) < 0 && errno == EINTR) {
    }
  }
  KillMarked(node, kKillLimit);
  _exit(0);
}

}  // namespace

Status StartGuard(NodeId node, int argc, char** argv) {
  const pid_t raylet = getpid();
  const pid_t guard = fork();
  if (guard < 0) return ErrnoStatus(errno, "cannot start the guard of this raylet: fork");
  if (guard > 0) return OkStatus();
  Rename(node, argc, argv);
  Guard(node, raylet);
}

}  // namespace troupe::raylet
