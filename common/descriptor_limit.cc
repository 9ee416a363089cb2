#include "common/descriptor_limit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace troupe {

void RaiseDescriptorLimit() {
  constexpr rlim_t kEnough = 1 << 20;  // programs that walk through all numbers would walk for long
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min(limit.rlim_max, kEnough);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  setrlimit(RLIMIT_NOFILE, &limit);
}

DescriptorUse LookAtDescriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const int free = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (free >= 0) close(free);
  return {.open = free >= 0 ? static_cast<std::uint64_t>(free) : limit.rlim_cur, .limit = limit.rlim_cur};
}

}  // namespace troupe
