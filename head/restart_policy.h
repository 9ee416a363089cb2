// When an actor whose process died may start again.
#pragma once

#include <chrono>

#include "proto/common.pb.h"

namespace troupe::head {

inline constexpr std::chrono::milliseconds kFirstBackOff{100};
inline constexpr std::chrono::milliseconds kLongestBackOff{10'000};

// Whether the budget allows one more restart.
bool MayRestart(const pb::ActorInfo& info);

// How long to wait before the restart that follows the `failures`-th failure in a row (from 1): 100 ms, doubling up to
// 10 s, of which `random` in [0, 1) takes off up to half, so that what died together does not come back together.
std::chrono::nanoseconds BackOff(int failures, double random);

}  // namespace troupe::head
