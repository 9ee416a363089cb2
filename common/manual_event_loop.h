// ManualEventLoop: an EventLoop for tests, run on the test's thread with a clock moved by hand.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "common/event_loop.h"

namespace troupe {

class ManualEventLoop : public EventLoop {
 public:
  void Post(std::function<void()> work) override { posted_.push_back(std::move(work)); }
  TimerId After(std::chrono::nanoseconds delay, std::function<void()> work) override {
    timers_.emplace(std::pair(now_ + delay, ++last_timer_), std::move(work));
    return last_timer_;
  }
  void Cancel(TimerId timer) override {
    std::erase_if(timers_, [timer](const auto& entry) { return entry.first.second == timer; });
  }
  MonotonicTime Now() const override { return now_; }
  bool InLoop() const override { return true; }

  // Runs what has been posted, and what that posts, until nothing is left.
  void RunPosted() {
    while (!posted_.empty()) {
      auto work = std::move(posted_.front());
      posted_.pop_front();
      work();
    }
  }

  // Moves the clock to now + `delay`, firing timers in order of their time at that time.
  void Advance(std::chrono::nanoseconds delay) {
    const MonotonicTime end = now_ + delay;
    RunPosted();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      auto node = timers_.extract(timers_.begin());
      now_ = std::max(now_, node.key().first);
      node.mapped()();
      RunPosted();
    }
    now_ = end;
  }

 private:
  MonotonicTime now_{0};
  TimerId last_timer_ = 0;
  std::deque<std::function<void()>> posted_;
  std::map<std::pair<MonotonicTime, TimerId>, std::function<void()>> timers_;
};

}  // namespace troupe
