#include "worker/stack_room.h"

#include <sys/resource.h>

#include <algorithm>

namespace troupe::worker {

StackRoom StackRoom::OfMainThread() {
  constexpr std::size_t kUsual = 8 << 20;  // what programs are written for, also where there is no limit
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) != 0) return StackRoom(kUsual);
  return StackRoom(std::min<rlim_t>(limit.rlim_cur, kUsual));
}

}  // namespace troupe::worker
