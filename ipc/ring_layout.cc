#include "ipc/ring_layout.h"

#include <new>
#include <string>

namespace troupe::ipc {

Status CheckRingCapacity(std::uint64_t capacity) {
  if (std::has_single_bit(capacity) && capacity >= kMinRingCapacity && capacity <= kMaxRingCapacity) return OkStatus();
  return InvalidArgument("ring capacity " + std::to_string(capacity) + " is not a power of two from " +
                         std::to_string(kMinRingCapacity) + " to " + std::to_string(kMaxRingCapacity));
}

Status FormatRing(std::span<std::byte> memory, std::uint64_t capacity) {
  TROUPE_RETURN_IF_ERROR(CheckRingCapacity(capacity));
  TROUPE_CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % kRingLine == 0);
  TROUPE_CHECK(memory.size() >= RingBytes(capacity));
  auto* header = new (memory.data()) RingHeader{};
  header->magic = kRingMagic;
  header->version = kRingVersion;
  header->header_bytes = sizeof(RingHeader);
  header->capacity = capacity;
  return OkStatus();
}

Result<RingView> RingView::Attach(std::span<std::byte> memory) {
  TROUPE_CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % kRingLine == 0);
  if (memory.size() < sizeof(RingHeader)) return FailedPrecondition("ring: memory is smaller than its header");
  auto* header = reinterpret_cast<RingHeader*>(memory.data());
  if (header->magic != kRingMagic || header->version != kRingVersion || header->header_bytes != sizeof(RingHeader)) {
    return FailedPrecondition("ring: memory holds no ring of version " + std::to_string(kRingVersion) +
                              "; do all processes run the same release?");
  }
  const std::uint64_t capacity = std::atomic_ref(header->capacity).load(std::memory_order_relaxed);
  if (Status status = CheckRingCapacity(capacity); !status.ok()) return FailedPrecondition(status.message());
  if (memory.size() < RingBytes(capacity)) {
    return FailedPrecondition("ring: capacity " + std::to_string(capacity) + " exceeds its memory of " +
                              std::to_string(memory.size()) + " bytes");
  }
  return RingView{header, memory.data() + sizeof(RingHeader), capacity};
}

}  // namespace troupe::ipc
