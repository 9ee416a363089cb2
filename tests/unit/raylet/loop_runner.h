// LoopRunner: an AsioEventLoop that the test's own thread runs until something has happened.
#pragma once

#include <chrono>
#include <functional>

#include "common/asio_event_loop.h"

namespace troupe::test {

class LoopRunner {
 public:
  LoopRunner() {
    loop.Post([this] { loop.Stop(); });
    Run();  // the loop is this thread's from here on
  }

  // Runs the loop until `happened`; false when it does not within `limit`.
  bool Until(const std::function<bool()>& happened, std::chrono::milliseconds limit = std::chrono::seconds(60)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    Check(happened, deadline);
    Run();
    return happened();
  }

  // Runs what is ready now, and what that makes ready.
  void Settle() {
    int turns = 0;
    Until([&] { return ++turns > 20; });
  }

  AsioEventLoop loop;

 private:
  void Check(const std::function<bool()>& happened, std::chrono::steady_clock::time_point deadline) {
    if (happened() || std::chrono::steady_clock::now() >= deadline) return loop.Stop();
    loop.After(std::chrono::microseconds(200), [=, this] { Check(happened, deadline); });
  }

  void Run() {
    loop.Run();
    loop.context().restart();
  }
};

}  // namespace troupe::test
