#include "troupe/ids.h"

#include <sys/random.h>

#include <cstdlib>

namespace troupe::internal {

std::uint64_t RandomU64() {
  std::uint64_t value = 0;
  while (value == 0) {
    if (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) std::abort();
  }
  return value;
}

}  // namespace troupe::internal
