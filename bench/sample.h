// Sample: how long some operations took, and what that comes to.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

namespace troupe::bench {

using Clock = std::chrono::steady_clock;

// Times of single operations or of equal batches, in microseconds for each operation.
class Sample {
 public:
  // `took` for `operations` of them.
  void Add(Clock::duration took, std::size_t operations = 1) {
    const double us = std::chrono::duration<double, std::micro>(took).count();
    per_operation_us_.push_back(us / static_cast<double>(operations));
    total_us_ += us;
    operations_ += operations;
  }

  // Operations per second over everything.
  double Rate() const { return total_us_ > 0 ? static_cast<double>(operations_) * 1e6 / total_us_ : 0; }
  // The smallest time that at least `fraction` of the entries do not exceed.
  double PercentileUs(double fraction) const {
    if (per_operation_us_.empty()) return 0;
    std::vector<double> sorted = per_operation_us_;
    const auto index =
        std::min(sorted.size() - 1, static_cast<std::size_t>(fraction * static_cast<double>(sorted.size())));
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(index), sorted.end());
    return sorted[index];
  }

 private:
  std::vector<double> per_operation_us_;
  double total_us_ = 0;
  std::size_t operations_ = 0;
};

// Repeats `batch`, which does `operations` operations, for about `seconds` after a warm-up of a tenth of that.
// `progress` (may be empty) is told the fraction done.
inline Sample Measure(double seconds, std::size_t operations, const std::function<void()>& batch,
                      const std::function<void(double)>& progress = {}) {
  const auto limit = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const auto warm = Clock::now() + limit / 10;
  do batch();
  while (Clock::now() < warm);
  Sample sample;
  const auto start = Clock::now();
  auto told = start;
  for (auto now = start; now - start < limit;) {
    const auto before = now;
    batch();
    now = Clock::now();
    sample.Add(now - before, operations);
    if (progress && now - told > std::chrono::milliseconds(100)) {
      progress(std::chrono::duration<double>(now - start) / std::chrono::duration<double>(limit));
      told = now = Clock::now();
    }
  }
  return sample;
}

}  // namespace troupe::bench
