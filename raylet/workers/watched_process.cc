#include "raylet/workers/watched_process.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <unordered_set>
#include <utility>

#include "common/pidfd.h"

namespace troupe::raylet {
namespace {

// The status of an ended child of ours; nullopt when it is somebody else's. Reaps it.
std::optional<int> Collect(int pidfd) {
  siginfo_t info = {};
  if (waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) {
    return std::nullopt;
  }
  // siginfo to the encoding of waitpid(2).
  if (info.si_code == CLD_EXITED) return info.si_status << 8;
  return info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

// The fourth field of /proc/<pid>/stat. The second is the command in parentheses, which may itself hold some.
pid_t ParentOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const auto end = line.rfind(')');
  char state = 0;
  int parent = 0;
  if (end == std::string::npos || sscanf(line.c_str() + end + 1, " %c %d", &state, &parent) != 2) return 0;
  return parent;
}

// Children are the process's, so this is, too. More than once: a process may be watched anew while the end of an
// earlier watch is still awaited.
std::unordered_multiset<pid_t>& Watched() {
  static std::unordered_multiset<pid_t> pids;
  return pids;
}

}  // namespace

struct WatchedProcess::State {
  State(boost::asio::io_context& context, SpawnedProcess process, OnExit exit)
      : pid(process.pid),
        leads_group(process.leads_group),
        descriptor(context, process.pidfd),
        on_exit(std::move(exit)) {
    Watched().insert(pid);
  }
  ~State() {
    if (!ended) Forget();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void Forget() { Watched().erase(Watched().find(pid)); }

  // Whether the process ends within `timeout_ms`. Blocks until then.
  bool HasEnded(int timeout_ms) {
    pollfd poll_fd{.fd = descriptor.native_handle(), .events = POLLIN, .revents = 0};
    return poll(&poll_fd, 1, timeout_ms) > 0;
  }

  // The status of the process, which has ended, and the end of its group. In this order: until it is reaped its pid,
  // and so the group's id, cannot be anybody else's.
  std::optional<int> End() {
    ended = true;
    Forget();
    if (leads_group) kill(-pid, SIGKILL);
    return Collect(descriptor.native_handle());
  }

  const pid_t pid;
  const bool leads_group;
  boost::asio::posix::stream_descriptor descriptor;
  OnExit on_exit;
  bool ended = false;
};

WatchedProcess::WatchedProcess(boost::asio::io_context& context, SpawnedProcess process, OnExit on_exit)
    : state_(std::make_shared<State>(context, process, std::move(on_exit))) {
  Wait(state_);
}

// The handler owns the state, and the state the descriptor that the handler waits on, until the process ends or the
// context goes.
void WatchedProcess::Wait(const std::shared_ptr<State>& state) {
  state->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                               [state](const boost::system::error_code& error) {
                                 if (error || state->ended) return;
                                 // A wait may end for no reason: seen here for pidfds of processes just forked.
                                 if (!state->HasEnded(0)) return Wait(state);
                                 const auto status = state->End();
                                 // The callback may destroy the WatchedProcess, and itself with it.
                                 const OnExit callback = std::move(state->on_exit);
                                 if (callback) callback(status);
                               });
}

WatchedProcess::~WatchedProcess() { state_->on_exit = nullptr; }

Result<SpawnedProcess> WatchedProcess::Find(pid_t pid, pid_t parent) {
  const std::string what = "process " + std::to_string(pid);
  if (pid <= 0) return InvalidArgument(what + " cannot be watched: no such id");
  const int pidfd = pidfd_open(pid, 0);
  if (pidfd < 0) return errno == ESRCH ? NotFound(what + " has ended") : ErrnoStatus(errno, "cannot watch " + what);
  // The descriptor pins the process, so what /proc says now is about the same one as long as it lives.
  if (parent != 0 && ParentOf(pid) != parent) {
    close(pidfd);
    return NotFound(what + " is not a child of process " + std::to_string(parent));
  }
  return SpawnedProcess{.pid = pid, .pidfd = pidfd};
}

bool WatchedProcess::Watches(pid_t pid) { return Watched().contains(pid); }

pid_t WatchedProcess::pid() const { return state_->pid; }

Status WatchedProcess::Signal(int signal) {
  const std::string what = "process " + std::to_string(state_->pid);
  if (state_->ended) return NotFound(what + " has ended");
  if (pidfd_send_signal(state_->descriptor.native_handle(), signal, nullptr, 0) == 0) return OkStatus();
  return errno == ESRCH ? NotFound(what + " has ended") : ErrnoStatus(errno, "cannot signal " + what);
}

Status WatchedProcess::SignalGroup(int signal) {
  const std::string what = "process group " + std::to_string(state_->pid);
  if (state_->ended) return NotFound(what + " has ended");
  if (kill(-state_->pid, signal) == 0) return OkStatus();
  return errno == ESRCH ? NotFound(what + " has ended") : ErrnoStatus(errno, "cannot signal " + what);
}

bool WatchedProcess::WaitEnded(std::chrono::milliseconds limit) {
  if (state_->ended) return true;
  if (!state_->HasEnded(static_cast<int>(limit.count()))) return false;
  state_->End();
  return true;
}

}  // namespace troupe::raylet
