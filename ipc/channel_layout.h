// The bytes of a channel: this header, the ring from A to B, the ring from B to A. Specified in docs/ring-layout.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ipc/ring_layout.h"

namespace troupe::ipc {

inline constexpr std::uint64_t kChannelMagic = 0x314e484350555254;  // "TRUPCHN1"
inline constexpr std::uint32_t kChannelVersion = 1;

struct alignas(kRingLine) ChannelHeader {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t header_bytes;
  std::uint64_t ring_capacity;  // of each ring
};

static_assert(sizeof(ChannelHeader) == kRingLine && offsetof(ChannelHeader, ring_capacity) == 16);

constexpr std::uint64_t ChannelBytes(std::uint64_t ring_capacity) {
  return sizeof(ChannelHeader) + 2 * RingBytes(ring_capacity);
}

}  // namespace troupe::ipc
