// A program that a raylet starts, in all the ways in which programs behave: the mode is its argument. Speaks protobuf
// over a SOCK_SEQPACKET socket, a message a packet, to the test that plays the raylet.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "proto/client.pb.h"
#include "troupe/ids.h"

namespace {

using troupe::pb::ClientToRaylet;
using troupe::pb::RayletToClient;

std::string Variable(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

int Connect() {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = Variable("TROUPE_RAYLET_SOCKET");
  memcpy(address.sun_path, path.c_str(), path.size());
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) exit(90);
  return fd;
}

void Send(int fd, const ClientToRaylet& message) {
  const std::string bytes = message.SerializeAsString();
  if (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) exit(91);
}

bool Receive(int fd, RayletToClient* message) {
  char buffer[4096];
  const ssize_t size = recv(fd, buffer, sizeof buffer, 0);
  return size > 0 && message->ParseFromArray(buffer, static_cast<int>(size));
}

void Register(int fd, troupe::pb::WorkerInfo::Kind kind, std::uint64_t process, const std::string& cookie) {
  ClientToRaylet message;
  message.mutable_register_()->set_kind(kind);
  message.mutable_register_()->set_process(process);
  message.mutable_register_()->set_cookie(cookie);
  Send(fd, message);
}

// Runs until the raylet hangs up, or a signal says otherwise.
[[noreturn]] void BeWorker(std::uint64_t process, const std::string& cookie) {
  signal(SIGUSR1, [](int) { _exit(3); });
  const int fd = Connect();
  Register(fd, troupe::pb::WorkerInfo::WORKER, process, cookie);
  RayletToClient message;
  while (Receive(fd, &message)) {
  }
  _exit(0);
}

void Redirect(const std::string& path, int target) {
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600);
  dup2(fd, target);
  close(fd);
}

void Fork(int fd, const troupe::pb::ForkRequest& request, const std::string& mode) {
  ClientToRaylet message;
  auto* forked = message.mutable_template_forked();
  forked->set_process(request.process());
  if (mode == "fork-fails") {
    forked->set_error("no processes left");
    return Send(fd, message);
  }
  const pid_t pid = fork();
  if (pid == 0) {
    close(fd);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    Redirect(request.stdout_path(), STDOUT_FILENO);
    Redirect(request.stderr_path(), STDERR_FILENO);
    if (mode == "worker-exits") {
      fprintf(stderr, "worker gives up\n");
      exit(5);
    }
    BeWorker(request.process(), request.cookie());
  }
  forked->set_pid(pid);
  Send(fd, message);
}

void ReportChildren(int fd, bool silent) {
  int status = 0;
  while (const pid_t pid = waitpid(-1, &status, WNOHANG)) {
    if (pid < 0) break;
    if (silent) continue;
    ClientToRaylet message;
    message.mutable_child_exited()->set_pid(pid);
    message.mutable_child_exited()->set_wait_status(status);
    Send(fd, message);
  }
}

[[noreturn]] void BeTemplate(const std::string& mode) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, nullptr);
  const int signals = signalfd(-1, &child, SFD_CLOEXEC);
  const int fd = Connect();
  Register(fd, troupe::pb::WorkerInfo::TEMPLATE, 0, Variable("TROUPE_COOKIE"));
  ClientToRaylet ready;
  ready.mutable_template_ready()->set_threads(mode == "threads" ? 3 : 1);
  Send(fd, ready);
  for (;;) {
    pollfd polled[] = {{fd, POLLIN, 0}, {signals, POLLIN, 0}};
    poll(polled, 2, -1);
    if (polled[1].revents != 0) {
      signalfd_siginfo info;
      if (read(signals, &info, sizeof info) < 0) exit(92);
      ReportChildren(fd, mode == "silent");
    }
    if (polled[0].revents == 0) continue;
    RayletToClient message;
    if (!Receive(fd, &message)) exit(0);
    if (mode == "template-crashes") {
      fprintf(stderr, "template crashes\n");
      abort();
    }
    Fork(fd, message.fork(), mode);
  }
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "exits") {
    printf("first line\nusage: give a file name\n");
    return 0;
  }
  if (mode == "crashes") {
    fprintf(stderr, "about to crash\n");
    abort();
  }
  if (mode == "hangs") {
    fprintf(stderr, "reading the universe\n");
    pause();
  }
  if (Variable("TROUPE_WORKER_KIND") == "template") BeTemplate(mode);
  BeWorker(troupe::ProcessId::FromHex(Variable("TROUPE_PROCESS_ID"))->value, Variable("TROUPE_COOKIE"));
}
