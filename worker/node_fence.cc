#include "worker/node_fence.h"

#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace troupe::worker {
namespace {

// The lease may become shorter, when a head that was seen to have ended comes back, but never shorter than this.
constexpr ipc::BootTime kLongestSleep = std::chrono::seconds(1);

// Not by way of exit(), which runs user code.
[[noreturn]] void Die() {
  constexpr std::string_view kWhy =
      "troupe: this node has lost the head for longer than its lease, and its actors may start elsewhere; this worker "
      "ends\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kWhy.data(), kWhy.size());
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

}  // namespace

Result<std::unique_ptr<NodeFence>> NodeFence::Start(const std::string& region) {
  TROUPE_ASSIGN_OR_RETURN(ipc::NodeLeaseView lease, ipc::NodeLeaseView::Open(region));
  std::unique_ptr<NodeFence> fence(new NodeFence(std::move(lease)));
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // the thread takes none of the program's signals
  fence->thread_ = std::thread([self = fence.get()] { self->Watch(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return fence;
}

NodeFence::~NodeFence() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void NodeFence::Watch() {
  prctl(PR_SET_NAME, "fence");
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const ipc::BootTime left = lease_.until() - ipc::BootTimeNow();
    if (left <= ipc::BootTime::zero()) Die();
    wake_.wait_for(lock, std::min(left, kLongestSleep));
  }
}

void NodeFence::Check() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  const std::int64_t tick = now.tv_sec * 1'000'000'000 + now.tv_nsec;
  if (tick == std::exchange(last_check_, tick)) return;
  if (ipc::BootTimeNow() >= lease_.until()) Die();
}

}  // namespace troupe::worker
