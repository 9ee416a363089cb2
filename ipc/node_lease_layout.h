// The bytes of a node lease in shared memory (docs/ring-layout.md).
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace troupe::ipc {

inline constexpr std::uint64_t kNodeLeaseMagic = 0x3145534c50555254;  // "TRUPLSE1"
inline constexpr std::uint32_t kNodeLeaseVersion = 2;

struct NodeLeaseLayout {
  std::uint64_t magic = 0;
  std::uint32_t version = 0;
  std::uint32_t reserved = 0;
  std::atomic<std::int64_t> until_ns = 0;  // on CLOCK_BOOTTIME
  pthread_mutex_t raylet{};                // robust; held by the raylet. Its first word is what the kernel writes to
};

static_assert(offsetof(NodeLeaseLayout, until_ns) == 16);
static_assert(offsetof(NodeLeaseLayout, raylet) == 24);
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

}  // namespace troupe::ipc
