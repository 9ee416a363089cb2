// SlowMemory: memory that comes when a test says so.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "object_store/segment_memory.h"
#include "object_store/shared_segment.h"

namespace troupe::store {

// Does what it is asked for, in order, when the test says so.
class SlowMemory : public SegmentMemory {
 public:
  void Reserve(const std::string& name, std::uint64_t size, std::function<void(const Status&)> done) override {
    log.push_back("reserve");
    work_.push_back([=, this] {
      if (!failure.ok()) return done(failure);
      Status made = MakeSegment(name);
      done(made.ok() ? ReserveRange(name, 0, size) : made);
    });
  }
  void Release(const std::string& name, std::function<void()> done) override {
    log.push_back("release");
    work_.push_back([=] {
      RemoveSegment(name);
      done();
    });
  }

  void DoOne() {
    ASSERT_FALSE(work_.empty());
    std::exchange(work_.front(), {})();
    work_.pop_front();
  }
  bool idle() const { return work_.empty(); }

  Status failure;
  std::vector<std::string> log;

 private:
  std::deque<std::function<void()>> work_;
};

}  // namespace troupe::store
