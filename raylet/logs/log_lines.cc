#include "raylet/logs/log_lines.h"

#include <algorithm>

namespace troupe::raylet {

void LineRate::Refill(MonotonicTime now) {
  const double seconds = std::chrono::duration<double>(now - filled_).count();
  filled_ = now;
  const auto fill = [seconds](double level, std::uint64_t rate) {
    return std::min(static_cast<double>(rate), level + seconds * static_cast<double>(rate));
  };
  lines_ = fill(lines_, lines_per_second_);
  bytes_ = fill(bytes_, bytes_per_second_);
}

bool LineRate::Take(std::size_t bytes) {
  const double cost = static_cast<double>(std::min<std::uint64_t>(bytes, bytes_per_second_));
  if (lines_ < 1 || bytes_ < cost) return false;
  lines_ -= 1;
  bytes_ -= cost;
  return true;
}

}  // namespace troupe::raylet
