// AsioEventLoop: the EventLoop of real programs, over boost::asio::io_context.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <thread>
#include <unordered_map>

#include "common/event_loop.h"

namespace troupe {

// Run() on one thread; Stop() from any thread makes it return. Timers that have not fired by then never do.
class AsioEventLoop : public EventLoop {
 public:
  AsioEventLoop();
  ~AsioEventLoop() override;

  // Runs until Stop(). The calling thread becomes the loop's thread.
  void Run();
  void Stop();

  void Post(std::function<void()> work) override;
  TimerId After(std::chrono::nanoseconds delay, std::function<void()> work) override;
  void Cancel(TimerId timer) override;
  MonotonicTime Now() const override;
  bool InLoop() const override { return std::this_thread::get_id() == thread_.load(); }

  // For sockets and descriptors that live on this loop.
  boost::asio::io_context& context() { return context_; }

 private:
  struct Timer;

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::atomic<std::thread::id> thread_{};
  TimerId last_timer_ = 0;
  std::unordered_map<TimerId, std::unique_ptr<Timer>> timers_;
};

}  // namespace troupe
