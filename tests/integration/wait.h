// Waiting for an event of another process, with a deadline that a loaded machine can keep.
#pragma once

#include <chrono>
#include <thread>

namespace troupe::integration {

inline constexpr std::chrono::seconds kDeadline{30};

// Looks until `condition` holds; false once `limit` has passed. For what nobody announces: a process table, a list.
template <class Condition>
bool Eventually(const Condition& condition, std::chrono::nanoseconds limit = kDeadline) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace troupe::integration
