// The bytes of a ring in shared memory: one producer, one consumer, records of variable length. Specified in
// docs/ring-layout.md.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/status.h"

namespace troupe::ipc {

inline constexpr std::uint64_t kRingMagic = 0x31474e5250555254;  // "TRUPRNG1"
inline constexpr std::uint32_t kRingVersion = 2;
inline constexpr std::uint64_t kMinRingCapacity = 4 * 1024;
inline constexpr std::uint64_t kMaxRingCapacity = 1ULL << 30;
inline constexpr std::uint64_t kMaxRecordPayload = 132 * 1024;  // 128 KiB of data and room for a message's own header
inline constexpr std::uint64_t kRecordAlignment = 8;
inline constexpr std::uint16_t kPadRecord = 0xffff;  // a type that no caller may use
// Far enough apart that the prefetcher, which fetches lines in pairs, does not tie the two sides together.
inline constexpr std::size_t kRingLine = 128;

// Positions count bytes since the ring was made and never wrap (2^64). The space in use is [head, tail).
struct RingHeader {
  alignas(kRingLine) std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t header_bytes;
  std::uint64_t capacity;  // bytes of data after this header; a power of two

  alignas(kRingLine) std::atomic<std::uint64_t> tail;          // written by the producer
  alignas(kRingLine) std::atomic<std::uint64_t> head;          // written by the consumer
  std::atomic<std::uint64_t> mark;                             // by the consumer: what its user has the producer know
  alignas(kRingLine) std::atomic<std::uint32_t> space_wanted;  // 1: set by a producer that found no space
};

struct RecordHeader {
  std::uint32_t length;  // of header and payload, without the padding to the next record
  std::uint16_t type;
  std::uint16_t flags;  // zero
  std::uint64_t sequence;
};

static_assert(std::endian::native == std::endian::little, "both sides read the words as they lie");
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(RingHeader) == 4 * kRingLine && offsetof(RingHeader, tail) == kRingLine &&
              offsetof(RingHeader, head) == 2 * kRingLine && offsetof(RingHeader, mark) == 2 * kRingLine + 8 &&
              offsetof(RingHeader, space_wanted) == 3 * kRingLine);
static_assert(sizeof(RecordHeader) == 16 && offsetof(RecordHeader, sequence) == 8);

// The header's first word, as it is stored and loaded: whole, so that no peer can change half of it in between.
constexpr std::uint64_t RecordWord(std::uint32_t length, std::uint16_t type) {
  return length | static_cast<std::uint64_t>(type) << 32;
}

constexpr std::uint64_t AlignRecord(std::uint64_t bytes) {
  return (bytes + kRecordAlignment - 1) & ~(kRecordAlignment - 1);
}

// The largest payload that a ring of `capacity` takes: so small that a record and the padding before it always fit an
// empty ring whose head is published late.
constexpr std::uint64_t MaxRecordPayload(std::uint64_t capacity) {
  return capacity / 4 < kMaxRecordPayload ? capacity / 4 : kMaxRecordPayload;
}

// The memory that a ring takes.
constexpr std::uint64_t RingBytes(std::uint64_t capacity) { return sizeof(RingHeader) + capacity; }

// InvalidArgument unless `capacity` is a power of two from kMinRingCapacity to kMaxRingCapacity.
Status CheckRingCapacity(std::uint64_t capacity);

// Makes an empty ring in `memory`, which is aligned to kRingLine and of RingBytes(capacity) or more.
Status FormatRing(std::span<std::byte> memory, std::uint64_t capacity);

// A ring as one side sees it: what was read from shared memory is checked once, here, and not read again.
struct RingView {
  RingHeader* header = nullptr;
  std::byte* data = nullptr;
  std::uint64_t capacity = 0;

  // FailedPrecondition: the memory holds no ring of this version, or one larger than the memory.
  static Result<RingView> Attach(std::span<std::byte> memory);
};

}  // namespace troupe::ipc
