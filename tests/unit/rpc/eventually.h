// Eventually: something that happens on another thread, and that a test waits for.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "loop_thread.h"

namespace troupe::rpc {

// Copies are one and the same. A callback that may run after the test's function has returned holds a copy, never a
// reference.
template <class T>
class Eventually {
 public:
  void Set(T value) const {
    std::lock_guard lock(state_->mutex);
    state_->values.push_back(std::move(value));
    state_->changed.notify_all();
  }

  // The first value that was set. A failure of the test, and a default value, when none comes.
  T Get() const {
    const std::vector<T> values = Get(1);
    return values.empty() ? T() : values.front();
  }
  // All values, once there are `count`. A failure of the test when there are not.
  std::vector<T> Get(std::size_t count) const {
    std::unique_lock lock(state_->mutex);
    EXPECT_TRUE(state_->changed.wait_for(lock, kPatience, [&] { return state_->values.size() >= count; }))
        << "waited in vain for value " << count << " of which " << state_->values.size() << " came";
    return state_->values;
  }

  std::size_t count() const {
    std::lock_guard lock(state_->mutex);
    return state_->values.size();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<T> values;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace troupe::rpc
