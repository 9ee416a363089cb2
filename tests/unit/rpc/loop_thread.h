// LoopThread: an event loop on a thread of its own, for tests that need a real one.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <thread>

#include "common/asio_event_loop.h"

namespace troupe::rpc {

// What never happens on a machine of any speed has not happened after this. Less than what ctest gives a test.
constexpr std::chrono::seconds kPatience{60};

class LoopThread {
 public:
  LoopThread() : thread_([this] { loop_.Run(); }) {
    Sync([] {});
  }
  ~LoopThread() {
    loop_.Stop();
    thread_.join();
  }

  AsioEventLoop& loop() { return loop_; }

  // Runs `work` on the loop and waits for it.
  void Sync(std::function<void()> work) {
    std::promise<void> done;
    loop_.Post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  // Asks on the loop, again and again, whether it `happened`; false when it does not.
  bool Until(const std::function<bool()>& happened) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    bool yes = false;
    do {
      Sync([&] { yes = happened(); });
      if (!yes) std::this_thread::yield();
    } while (!yes && std::chrono::steady_clock::now() < deadline);
    return yes;
  }

 private:
  AsioEventLoop loop_;
  std::thread thread_;
};

}  // namespace troupe::rpc
