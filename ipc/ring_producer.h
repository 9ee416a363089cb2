// RingProducer: the writing side of a ring in shared memory (docs/ring-layout.md).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "ipc/ring_layout.h"

namespace troupe::ipc {

// Writes records, one thread at a time, without locks or system calls. Trusts nothing that the consumer can write: a
// head that cannot be poisons the ring for good. Does not own the memory, which must outlive it.
class RingProducer {
 public:
  // Takes the writing side of the ring in `memory`. FailedPrecondition: there is no such ring, or it has been written
  // to already (a producer cannot resume another's ring).
  static Result<RingProducer> Attach(std::span<std::byte> memory);

  RingProducer(RingProducer&& other) noexcept;
  RingProducer& operator=(RingProducer&& other) noexcept;

  // Writes one record of the joined `parts` and publishes it; type is not kPadRecord, the parts are together at most
  // max_record() bytes. False when there is no space: nothing was written, and the consumer will see that space is
  // wanted when it has freed some (RingConsumer::TakeSpaceWanted). False for ever once poisoned().
  bool TryWrite(std::uint16_t type, std::span<const std::span<const std::byte>> parts);
  bool TryWrite(std::uint16_t type, std::span<const std::byte> payload) { return TryWrite(type, {&payload, 1}); }

  // The largest payload of a record, in bytes.
  std::uint64_t max_record() const { return MaxRecordPayload(ring_.capacity); }

  // What the consumer's SetMark() gave last, 0 before; the word of a process that may write anything. Any thread.
  std::uint64_t mark() const { return ring_.header->mark.load(std::memory_order_acquire); }

  // Whether the consumer's side of the ring was found corrupt. Any thread.
  bool poisoned() const { return poisoned_.load(std::memory_order_relaxed); }

 private:
  explicit RingProducer(RingView ring) : ring_(ring) {}

  bool HasSpace(std::uint64_t bytes) const { return ring_.capacity - (tail_ - head_) >= bytes; }
  bool LoadHead();
  bool AwaitSpace(std::uint64_t bytes);
  void WriteRecord(std::uint64_t offset, std::uint64_t length, std::uint16_t type,
                   std::span<const std::span<const std::byte>> parts);

  RingView ring_;
  std::uint64_t tail_ = 0;
  std::uint64_t head_ = 0;  // as last seen
  std::uint64_t sequence_ = 0;
  std::atomic<bool> poisoned_{false};
};

}  // namespace troupe::ipc
