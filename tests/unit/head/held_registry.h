// A registry in memory whose commits take as long as the test says, and that dies when the test says.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "head/registry.h"

namespace troupe::head {

class HeldRegistry : public MemoryRegistry {
 public:
  void Commit(std::vector<RowChange> changes, std::function<void()> committed) override {
    if (dead_) return;
    if (++commits_ == dies_at) {
      dead_ = true;
      if (dies_after_writing) MemoryRegistry::Commit(std::move(changes), [] {});
      return;
    }
    if (!hold) return MemoryRegistry::Commit(std::move(changes), std::move(committed));
    held_.push_back([this, changes = std::move(changes), committed = std::move(committed)] {
      MemoryRegistry::Commit(changes, committed);
    });
  }
  // The first of those that wait.
  void CommitOne() {
    const auto commit = std::move(held_.front());
    held_.pop_front();
    commit();
  }
  void CommitAll() {
    while (!held_.empty()) CommitOne();
  }
  std::size_t held() const { return held_.size(); }
  // Of all heads that have used it.
  std::uint64_t commits() const { return commits_; }
  bool dead() const { return dead_; }
  // For the next head: what was not committed is gone.
  void Revive() {
    held_.clear();
    dead_ = false;
  }

  bool hold = false;
  std::uint64_t dies_at = 0;        // this commit, counted from 1, is not answered, nor is any after it
  bool dies_after_writing = false;  // it is there, though

 private:
  std::deque<std::function<void()>> held_;
  std::uint64_t commits_ = 0;
  bool dead_ = false;
};

}  // namespace troupe::head
