// The bytes of a process's doorbell. Specified in docs/ring-layout.md.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace troupe::ipc {

inline constexpr std::uint64_t kDoorbellMagic = 0x314c4c4250555254;  // "TRUPBLL1"
inline constexpr std::uint32_t kDoorbellVersion = 1;

struct DoorbellLayout {
  std::uint64_t magic;
  std::uint32_t version;

  // On a line of their own: peers read `sleeping` after everything they publish.
  alignas(64) std::atomic<std::uint32_t> word;  // grows with each wake-up; what waiters sleep on
  std::atomic<std::uint32_t> sleeping;          // 1: set by a waiter, 0: by whoever wakes all, or the last to leave
  std::uint64_t reserved;
};

static_assert(sizeof(DoorbellLayout) == 128 && offsetof(DoorbellLayout, word) == 64 &&
              offsetof(DoorbellLayout, sleeping) == 68);

}  // namespace troupe::ipc
