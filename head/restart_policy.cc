#include "head/restart_policy.h"

#include <algorithm>

namespace troupe::head {

bool MayRestart(const pb::ActorInfo& info) {
  return info.max_restarts() < 0 || info.restarts() < static_cast<std::uint64_t>(info.max_restarts());
}

std::chrono::nanoseconds BackOff(int failures, double random) {
  std::chrono::nanoseconds delay = kFirstBackOff;
  for (int i = 1; i < failures && delay < kLongestBackOff; ++i) delay *= 2;
  delay = std::min<std::chrono::nanoseconds>(delay, kLongestBackOff);
  return delay - std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(delay.count()) * random / 2));
}

}  // namespace troupe::head
