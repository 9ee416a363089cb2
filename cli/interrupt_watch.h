// InterruptWatch: calls a function at SIGINT and SIGTERM, in a thread, where it may do anything.
#pragma once

#include <signal.h>

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

namespace troupe::cli {

// While it lives the two signals do nothing else, provided that every other thread blocks them: those that the calling
// thread makes meanwhile do, and it is to be made before the others.
class InterruptWatch {
 public:
  // `on_interrupt` gets how many there have been; it runs in the watch's thread, which the destructor waits for.
  explicit InterruptWatch(std::function<void(int count)> on_interrupt) : on_interrupt_(std::move(on_interrupt)) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    thread_ = std::thread([this] { Watch(); });
  }
  ~InterruptWatch() {
    stop_ = true;
    thread_.join();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  int count() const { return count_; }

 private:
  void Watch() {
    constexpr timespec kGlance{.tv_sec = 0, .tv_nsec = 50'000'000};
    while (!stop_) {
      if (sigtimedwait(&signals_, nullptr, &kGlance) > 0) on_interrupt_(++count_);
    }
  }

  std::function<void(int)> on_interrupt_;
  sigset_t signals_;
  sigset_t before_;
  std::atomic<bool> stop_{false};
  std::atomic<int> count_{0};
  std::thread thread_;
};

}  // namespace troupe::cli
