#include "raylet/workers/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "common/pidfd.h"

namespace troupe::raylet {
namespace {

enum class Step { kParent, kDirectory, kInput, kOutput, kError, kExec };

struct SpawnError {
  Step step;
  int error;
};

// Everything the child needs, made before the fork: between fork and exec only async-signal-safe calls are allowed.
struct ChildPlan {
  const SpawnOptions& options;
  std::vector<char*> argv;
  std::vector<char*> environment;
  pid_t parent;
  int report_fd;
};

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void Report(const ChildPlan& plan, Step step, int error) {
  const SpawnError report{step, error};
  [[maybe_unused]] const ssize_t written = write(plan.report_fd, &report, sizeof report);
  _exit(127);
}

void ResetSignals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void OpenAs(const ChildPlan& plan, const std::string& path, int flags, int target, Step step) {
  const int fd = open(path.empty() ? "/dev/null" : path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) Report(plan, step, errno);
  if (dup2(fd, target) < 0) Report(plan, step, errno);
}

// A program that was just unpacked is "busy" while some process still has it open for writing: a child that was forked
// meanwhile, until its own execve closes what it inherited. That passes within milliseconds.
void Execute(const ChildPlan& plan) {
  constexpr int kAttempts = 100;
  constexpr timespec kPause{0, 1'000'000};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    execve(plan.options.program.c_str(), plan.argv.data(), plan.environment.data());
    if (errno != ETXTBSY) return;
    nanosleep(&kPause, nullptr);
  }
  errno = ETXTBSY;
}

[[noreturn]] void RunChild(const ChildPlan& plan) {
  const SpawnOptions& options = plan.options;
  ResetSignals();
  if (options.own_process_group) setpgid(0, 0);
  if (options.die_with_parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != plan.parent) Report(plan, Step::kParent, ESRCH);  // it died before the line above
  }
  // Outputs are opened before the directory changes: their paths may be relative to the parent's.
  OpenAs(plan, "", O_RDONLY, STDIN_FILENO, Step::kInput);
  OpenAs(plan, options.stdout_path, O_WRONLY | O_APPEND | O_CREAT, STDOUT_FILENO, Step::kOutput);
  OpenAs(plan, options.stderr_path, O_WRONLY | O_APPEND | O_CREAT, STDERR_FILENO, Step::kError);
  if (!options.directory.empty() && chdir(options.directory.c_str()) != 0) Report(plan, Step::kDirectory, errno);
  // Whatever a library opened without O_CLOEXEC stays here too.
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  Execute(plan);
  Report(plan, Step::kExec, errno);
}

Status ErrorOf(const SpawnOptions& options, const SpawnError& error) {
  const std::string program = "cannot start " + options.program;
  switch (error.step) {
    case Step::kParent: return Unavailable(program + ": its parent ended meanwhile");
    case Step::kDirectory: return ErrnoStatus(error.error, program + " in directory " + options.directory);
    case Step::kInput: return ErrnoStatus(error.error, program + ": /dev/null");
    case Step::kOutput: return ErrnoStatus(error.error, program + ": its output file " + options.stdout_path);
    case Step::kError: return ErrnoStatus(error.error, program + ": its error file " + options.stderr_path);
    case Step::kExec: break;
  }
  return ErrnoStatus(error.error, program);
}

// Closes on leaving the scope.
struct Descriptor {
  int fd = -1;
  ~Descriptor() { Close(); }
  void Close() {
    if (fd >= 0) close(fd);
    fd = -1;
  }
};

// Blocks until the child executes (the pipe closes) or reports; true when it reported.
bool ReadReport(int fd, SpawnError* error) {
  ssize_t size = 0;
  do size = read(fd, error, sizeof *error);
  while (size < 0 && errno == EINTR);
  return size == static_cast<ssize_t>(sizeof *error);
}

void Reap(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// The child must not run a handler of the parent's before it has reset them.
pid_t ForkWithSignalsBlocked(const ChildPlan& plan) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) RunChild(plan);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

}  // namespace

Result<SpawnedProcess> Spawn(const SpawnOptions& options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "cannot start " + options.program);
  Descriptor read_end{ends[0]};
  Descriptor write_end{ends[1]};
  const ChildPlan plan{options, Pointers(options.argv), Pointers(options.environment), getpid(), write_end.fd};
  const pid_t pid = ForkWithSignalsBlocked(plan);
  if (pid < 0 && errno == EAGAIN) {
    return ResourceExhausted("cannot start " + options.program + ": the limit of processes is reached (ulimit -u)");
  }
  if (pid < 0) return ErrnoStatus(errno, "cannot start " + options.program + ": fork");
  write_end.Close();

  SpawnError error{};
  if (ReadReport(read_end.fd, &error)) {
    Reap(pid);
    return ErrorOf(options, error);
  }
  const int pidfd = pidfd_open(pid, 0);
  if (pidfd < 0) {
    const int reason = errno;
    kill(pid, SIGKILL);  // safe by pid: not reaped yet, so the pid is still its own
    Reap(pid);
    return ErrnoStatus(reason, "cannot watch " + options.program + ": pidfd_open");
  }
  return SpawnedProcess{.pid = pid, .pidfd = pidfd, .leads_group = options.own_process_group};
}

ExitCause DescribeExit(int wait_status) {
  ExitCause cause{.known = true, .wait_status = wait_status, .text = {}};
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    const char* name = sigabbrev_np(signal);
    cause.text = "killed by signal " + std::to_string(signal);
    if (name != nullptr) cause.text += std::string(" (SIG") + name + ")";
  } else {
    cause.text = "exited with status " + std::to_string(WEXITSTATUS(wait_status));
  }
  return cause;
}

ExitCause UnknownExit() { return {.known = false, .wait_status = 0, .text = "ended, for an unknown reason"}; }

std::vector<std::string> InheritedEnvironment() {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (strncmp(*entry, "TROUPE_", 7) != 0) result.emplace_back(*entry);
  }
  return result;
}

void SetVariable(const std::string& name, const std::string& value, std::vector<std::string>* environment) {
  const std::string prefix = name + "=";
  std::erase_if(*environment, [&](const std::string& entry) { return entry.starts_with(prefix); });
  environment->push_back(prefix + value);
}

void PrependLibraryPath(const std::string& path, std::vector<std::string>* environment) {
  if (path.empty()) return;
  static const std::string kPrefix = "LD_LIBRARY_PATH=";
  for (const std::string& entry : *environment) {
    if (!entry.starts_with(kPrefix) || entry.size() == kPrefix.size()) continue;
    SetVariable("LD_LIBRARY_PATH", path + ":" + entry.substr(kPrefix.size()), environment);
    return;
  }
  SetVariable("LD_LIBRARY_PATH", path, environment);
}

}  // namespace troupe::raylet
