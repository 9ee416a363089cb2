// A template: the job's program, loaded and stopped in Init, from which workers are forked. A fork shares the loaded
// pages and costs a fraction of an exec.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>

#include "common/owner_mark.h"
#include "ipc/client_socket.h"
#include "ipc/client_wire.h"
#include "proto/client.pb.h"
#include "troupe/ids.h"
#include "worker/crash_report.h"
#include "worker/worker_process.h"

namespace troupe::worker {
namespace {

constexpr auto kConnectTimeout = std::chrono::seconds(10);

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "troupe: the template process ends: %s\n", what.c_str());
  std::fflush(nullptr);
  _exit(1);
}

std::uint32_t CountThreads() {
  std::error_code error;
  std::uint32_t count = 0;
  for (auto it = std::filesystem::directory_iterator("/proc/self/task", error); it != std::filesystem::end(it); ++it) {
    ++count;
  }
  return count == 0 ? 1 : count;
}

class Template {
 public:
  explicit Template(const WorkerEnvironment& environment) : environment_(environment) {}

  [[noreturn]] void Run() {
    LoadUnwinder();  // once for all forks
    Connect();
    Register();
    Report();
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &original_mask_);
    // The program may ignore its children's ends, and then the system tells nobody how the workers ended.
    struct sigaction keep_status {};
    keep_status.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &keep_status, &original_action_);
    child_fd_ = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (child_fd_ < 0) Fail("signalfd: no descriptor left");
    for (;;) {
      if (!socket_->has_buffered()) Poll();
      if (Reap(); socket_->has_buffered() || readable_) HandleNext();
    }
  }

 private:
  void Connect() {
    auto socket = ipc::ClientSocket::Connect(environment_.socket, kConnectTimeout);
    if (!socket.ok()) Fail(socket.status().message());
    socket_ = std::move(*socket);
  }

  void Register() {
    pb::ClientToRaylet message;
    message.set_request_id(1);
    message.mutable_register_()->set_protocol_version(ipc::kClientProtocolVersion);
    message.mutable_register_()->set_kind(pb::WorkerInfo::TEMPLATE);
    message.mutable_register_()->set_pid(getpid());
    message.mutable_register_()->set_cookie(environment_.cookie);
    Send(message);
    const pb::RayletToClient reply = Receive();
    if (reply.has_error()) Fail(reply.error().message());
  }

  void Report() {
    pb::ClientToRaylet message;
    message.mutable_template_ready()->set_threads(CountThreads());
    Send(message);
  }

  void Send(const pb::ClientToRaylet& message) {
    if (const Status status = socket_->Send(ipc::kToRaylet, message.SerializeAsString()); !status.ok()) _exit(0);
  }

  // The raylet ends a template by closing the connection.
  pb::RayletToClient Receive() {
    Result<ipc::Frame> frame = socket_->Receive();
    if (!frame.ok()) _exit(0);
    pb::RayletToClient message;
    if (!message.ParseFromString(frame->payload)) Fail("the raylet sent a message that does not parse");
    return message;
  }

  void Poll() {
    const short want = socket_->queued_bytes() > 0 ? POLLIN | POLLOUT : POLLIN;
    pollfd fds[] = {{socket_->fd(), want, 0}, {child_fd_, POLLIN, 0}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    readable_ = (fds[0].revents & ~POLLOUT) != 0;
    socket_->Flush();
  }

  void Reap() {
    signalfd_siginfo ignored;
    while (read(child_fd_, &ignored, sizeof ignored) > 0) {
    }
    siginfo_t ended{};
    while (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0) {
      const pid_t pid = ended.si_pid;
      // What it started and left in its group. As long as it is not reaped, the group's id cannot be anybody else's.
      if (forks_.erase(pid) > 0) kill(-pid, SIGKILL);
      int status = 0;
      waitpid(pid, &status, 0);
      pb::ClientToRaylet message;
      message.mutable_child_exited()->set_pid(pid);
      message.mutable_child_exited()->set_wait_status(status);
      Send(message);
      ended = {};
    }
  }

  void HandleNext() {
    readable_ = false;
    const pb::RayletToClient message = Receive();
    if (message.has_fork()) Fork(message.fork());
    if (message.has_exit()) _exit(0);
  }

  void Fork(const pb::ForkRequest& request) {
    std::fflush(nullptr);  // or the child would print what is buffered once more
    const pid_t pid = fork();
    if (pid == 0) BecomeWorker(request);
    // Here and there: whoever needs it first must find it done.
    if (pid > 0) setpgid(pid, pid);
    if (pid > 0) forks_.insert(pid);
    pb::ClientToRaylet message;
    message.mutable_template_forked()->set_process(request.process());
    message.mutable_template_forked()->set_pid(pid < 0 ? 0 : pid);
    if (pid < 0) message.mutable_template_forked()->set_error(ErrnoStatus(errno, "fork").message());
    Send(message);
  }

  [[noreturn]] void BecomeWorker(const pb::ForkRequest& request) {
    setpgid(0, 0);
    TakeMark(request.process());
    sigaction(SIGCHLD, &original_action_, nullptr);
    sigprocmask(SIG_SETMASK, &original_mask_, nullptr);
    close(child_fd_);
    socket_.reset();
    Redirect(request.stdout_path(), STDOUT_FILENO);
    Redirect(request.stderr_path(), STDERR_FILENO);
    WorkerEnvironment worker;
    worker.kind = WorkerEnvironment::Kind::kWorker;
    worker.socket = environment_.socket;
    worker.process = ProcessId{request.process()}.Hex();
    worker.cookie = request.cookie();
    RunWorker(worker);
  }

  static void Redirect(const std::string& path, int target) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || dup2(fd, target) < 0) Fail(ErrnoStatus(errno, "opening " + path).message());
    close(fd);
  }

  const WorkerEnvironment& environment_;
  std::unique_ptr<ipc::ClientSocket> socket_;
  sigset_t original_mask_{};
  struct sigaction original_action_ {};
  int child_fd_ = -1;
  bool readable_ = false;
  std::set<pid_t> forks_;
};

}  // namespace

void RunTemplate(const WorkerEnvironment& environment) { Template(environment).Run(); }

}  // namespace troupe::worker
