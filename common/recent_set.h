// RecentSet: the last things of a kind that never ends.
#pragma once

#include <cstddef>
#include <deque>
#include <unordered_set>

namespace troupe {

// A set that forgets what was added first once it is full. No locks.
template <class T>
class RecentSet {
 public:
  // `bound` > 0.
  explicit RecentSet(std::size_t bound) : bound_(bound) {}

  // Whether it was not there.
  bool Insert(const T& value) {
    if (!set_.insert(value).second) return false;
    order_.push_back(value);
    if (order_.size() > bound_) {
      set_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }
  bool Contains(const T& value) const { return set_.contains(value); }
  std::size_t size() const { return order_.size(); }

 private:
  const std::size_t bound_;
  std::unordered_set<T> set_;
  std::deque<T> order_;
};

}  // namespace troupe
