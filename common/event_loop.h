// EventLoop: the one thread that owns a daemon's state, and the clock that state sees.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace troupe {

// Time since some fixed start, never set back; counts while the machine is suspended (CLOCK_BOOTTIME).
using MonotonicTime = std::chrono::duration<std::int64_t, std::nano>;

// Names a timer so that it can be cancelled; 0 is no timer.
using TimerId = std::uint64_t;

// Runs posted functions one after another on one thread. Tests use ManualEventLoop (common/manual_event_loop.h),
// programs AsioEventLoop (common/asio_event_loop.h).
class EventLoop {
 public:
  virtual ~EventLoop() = default;

  // Runs `work` on the loop's thread, after everything posted before. Any thread; never blocks.
  virtual void Post(std::function<void()> work) = 0;

  // Runs `work` on the loop's thread once `delay` has passed. Loop thread only.
  virtual TimerId After(std::chrono::nanoseconds delay, std::function<void()> work) = 0;

  // Stops a timer that has not fired; unknown ids are ignored. Loop thread only.
  virtual void Cancel(TimerId timer) = 0;

  // Now, on the loop's clock. Any thread.
  virtual MonotonicTime Now() const = 0;

  // Whether the calling thread is the loop's. State classes assert it.
  virtual bool InLoop() const = 0;
};

}  // namespace troupe
