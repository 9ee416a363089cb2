// LoopThread: an event loop on a thread of its own, for tests that need a real one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "common/asio_event_loop.h"

namespace troupe::rpc {

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

 private:
  AsioEventLoop loop_;
  std::thread thread_;
};

// Something that a test waits for, ten seconds at most.
template <class T>
class Eventually {
 public:
  void Set(T value) {
    std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  // The first value that was set; a default one when none is in time.
  T Get() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [this] { return !values_.empty(); });
    return values_.empty() ? T() : values_.front();
  }
  std::size_t count() {
    std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

}  // namespace troupe::rpc
