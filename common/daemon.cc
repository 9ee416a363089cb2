#include "common/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/process_stat.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace troupe {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPollInterval{5};

class PidFd {
 public:
  explicit PidFd(pid_t pid) : fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  ~PidFd() {
    if (fd_ >= 0) close(fd_);
  }
  PidFd(const PidFd&) = delete;
  PidFd& operator=(const PidFd&) = delete;

  bool ok() const { return fd_ >= 0; }
  Status Send(int signal) const {
    if (syscall(SYS_pidfd_send_signal, fd_, signal, nullptr, 0) == 0 || errno == ESRCH) return OkStatus();
    return ErrnoStatus(errno, "cannot send a signal");
  }
  // Whether the process has ended within `timeout`; negative: waits without limit.
  bool WaitEnd(std::chrono::milliseconds timeout) const {
    const auto end = Clock::now() + timeout;
    for (;;) {
      pollfd entry{.fd = fd_, .events = POLLIN, .revents = 0};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
      const int ready = poll(&entry, 1, timeout.count() < 0 ? -1 : static_cast<int>(std::max<long>(0, left.count())));
      if (ready > 0) return true;
      if (ready == 0 || errno != EINTR) return false;
    }
  }
  // "exited with status 1", or "ended" when it was not this process's child. Takes the zombie away. `status`: its exit
  // status, where that is known.
  std::string Reap(int* status = nullptr) const {
    siginfo_t info{};
    if (waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(fd_), &info, WEXITED | WNOHANG) != 0 ||
        info.si_pid == 0) {
      return "ended";
    }
    if (info.si_code == CLD_EXITED && status != nullptr) *status = info.si_status;
    if (info.si_code == CLD_EXITED) return "exited with status " + std::to_string(info.si_status);
    return "was killed by signal " + std::to_string(info.si_status);
  }

 private:
  int fd_;
};

// How daemons exit when a value that they were given cannot be.
constexpr int kBadUsage = 2;

std::string FirstLines(const Daemon& daemon) {
  constexpr int kMaxLines = 10;
  constexpr std::size_t kMaxLine = 500;
  std::ifstream file(daemon.output_file, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(daemon.output_offset));
  std::string lines;
  std::string line;
  for (int count = 0; count < kMaxLines && std::getline(file, line); ++count) {
    lines += (lines.empty() ? "" : "\n") + line.substr(0, kMaxLine);
  }
  return lines;
}

// The text of `ready_file` once it is whole and this daemon's, not one left behind by an earlier one.
std::string ReadReadyFile(const std::string& ready_file, pid_t pid) {
  std::ifstream file(ready_file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || !object.contains("pid") || object["pid"] != pid) return {};
  return text;
}

class SpawnSetup {
 public:
  explicit SpawnSetup(const DaemonOptions& options, const std::string& output_file) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, 1, output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions_, 1, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    posix_spawn_file_actions_addchdir_np(&actions_, options.log_dir.c_str());
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  int Spawn(const std::string& path, std::vector<std::string> args, pid_t* pid) const {
    std::vector<char*> argv{const_cast<char*>(path.c_str())};
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    return posix_spawn(pid, path.c_str(), &actions_, &attributes_, argv.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<Daemon> StartDaemon(const DaemonOptions& options) {
  TROUPE_ASSIGN_OR_RETURN(const std::string path, FindProgram(options.program));
  Daemon daemon{.program = options.program, .output_file = options.log_dir + "/" + options.program + ".out"};
  struct stat output {};
  if (stat(daemon.output_file.c_str(), &output) == 0) daemon.output_offset = static_cast<std::uint64_t>(output.st_size);
  std::vector<std::string> args = options.args;
  if (options.die_with_parent) args.insert(args.end(), {"--parent-pid", std::to_string(getpid())});
  const SpawnSetup setup(options, daemon.output_file);
  if (const int error = setup.Spawn(path, std::move(args), &daemon.pid); error != 0) {
    return ErrnoStatus(error, "cannot start " + path + " in " + options.log_dir);
  }
  if (const auto process = ReadProcessStat(daemon.pid)) daemon.start_time = process->start_time;
  return daemon;
}

Result<std::string> WaitReady(const Daemon& daemon, const std::string& ready_file, std::chrono::milliseconds timeout) {
  const PidFd process(daemon.pid);
  const auto end = Clock::now() + timeout;
  for (bool ended = !process.ok();; ended = process.WaitEnd(kPollInterval)) {
    if (std::string text = ReadReadyFile(ready_file, daemon.pid); !ended && !text.empty()) return text;
    if (ended) {
      int status = 0;
      const std::string how = process.ok() ? process.Reap(&status) : "ended";
      std::string said = FirstLines(daemon);
      if (said.starts_with(daemon.program + ": ")) said.erase(0, daemon.program.size() + 2);
      return Status{
          status == kBadUsage ? StatusCode::kInvalidArgument : StatusCode::kFailedPrecondition,
          daemon.program + " " + how + " before it was ready" + (said.empty() ? " and said nothing" : ": " + said)};
    }
    if (Clock::now() >= end) {
      return DeadlineExceeded(daemon.program + " (pid " + std::to_string(daemon.pid) + ") was not ready after " +
                              std::to_string(timeout.count()) + " ms; its output is in " + daemon.output_file);
    }
  }
}

Result<StopOutcome> StopDaemon(pid_t pid, std::uint64_t start_time, std::chrono::milliseconds timeout) {
  const PidFd process(pid);
  // Compared after the descriptor is open: from then on it names one process, whatever becomes of the number.
  const auto found = ReadProcessStat(pid);
  if (!process.ok() || !found || found->start_time != start_time) return StopOutcome::kWasGone;
  if (!found->running()) {
    process.Reap();
    return StopOutcome::kWasGone;
  }
  const std::string who = "process " + std::to_string(pid);
  if (Status sent = process.Send(SIGTERM); !sent.ok()) return sent.WithContext(who);
  StopOutcome outcome = StopOutcome::kStopped;
  if (!process.WaitEnd(timeout)) {
    outcome = StopOutcome::kKilled;
    if (Status sent = process.Send(SIGKILL); !sent.ok()) return sent.WithContext(who);
    constexpr std::chrono::seconds kKillTime(10);
    if (!process.WaitEnd(kKillTime)) {
      return DeadlineExceeded(who + " does not end although it was killed: it waits for a device or file system");
    }
  }
  process.Reap();
  return outcome;
}

bool WaitGone(pid_t pid, std::uint64_t start_time, std::chrono::milliseconds timeout) {
  const PidFd process(pid);
  const auto found = ReadProcessStat(pid);
  if (!process.ok() || !found || found->start_time != start_time) return true;
  return process.WaitEnd(timeout);
}

}  // namespace troupe
