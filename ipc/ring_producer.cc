#include "ipc/ring_producer.h"

#include <cstring>

#include "common/check.h"
#include "ipc/fence.h"

namespace troupe::ipc {

namespace {

void StoreWord(std::byte* at, std::uint64_t word) {
  std::atomic_ref(*reinterpret_cast<std::uint64_t*>(at)).store(word, std::memory_order_relaxed);
}

}  // namespace

Result<RingProducer> RingProducer::Attach(std::span<std::byte> memory) {
  TROUPE_ASSIGN_OR_RETURN(RingView ring, RingView::Attach(memory));
  if (ring.header->tail.load(std::memory_order_acquire) != 0) {
    return FailedPrecondition("ring: it has been written to already; make a fresh one");
  }
  return RingProducer(ring);
}

RingProducer::RingProducer(RingProducer&& other) noexcept
    : ring_(other.ring_),
      tail_(other.tail_),
      head_(other.head_),
      sequence_(other.sequence_),
      poisoned_(other.poisoned()) {}

RingProducer& RingProducer::operator=(RingProducer&& other) noexcept {
  ring_ = other.ring_;
  tail_ = other.tail_;
  head_ = other.head_;
  sequence_ = other.sequence_;
  poisoned_.store(other.poisoned(), std::memory_order_relaxed);
  return *this;
}

bool RingProducer::TryWrite(std::uint16_t type, std::span<const std::span<const std::byte>> parts) {
  TROUPE_CHECK(type != kPadRecord);
  std::uint64_t length = sizeof(RecordHeader);
  for (const auto& part : parts) length += part.size();
  TROUPE_CHECK(length - sizeof(RecordHeader) <= max_record());
  if (poisoned()) return false;

  const std::uint64_t bytes = AlignRecord(length);
  std::uint64_t offset = tail_ & (ring_.capacity - 1);
  const std::uint64_t to_end = ring_.capacity - offset;
  const std::uint64_t pad = bytes <= to_end ? 0 : to_end;
  if (!HasSpace(pad + bytes) && !AwaitSpace(pad + bytes)) return false;
  if (pad != 0) {
    StoreWord(ring_.data + offset, RecordWord(static_cast<std::uint32_t>(pad), kPadRecord));
    offset = 0;
  }
  WriteRecord(offset, length, type, parts);
  tail_ += pad + bytes;
  ring_.header->tail.store(tail_, std::memory_order_release);
  return true;
}

// Reads the consumer's head; a head that goes back, overtakes the tail or lies askew poisons the ring.
bool RingProducer::LoadHead() {
  const std::uint64_t head = ring_.header->head.load(std::memory_order_acquire);
  if (head - head_ > tail_ - head_ || head % kRecordAlignment != 0) {
    poisoned_.store(true, std::memory_order_relaxed);
    return false;
  }
  head_ = head;
  return true;
}

bool RingProducer::AwaitSpace(std::uint64_t bytes) {
  if (!LoadHead()) return false;
  if (HasSpace(bytes)) return true;
  // Ask, then look again: either we see the head that the consumer publishes now, or it sees that we ask.
  ring_.header->space_wanted.store(1, std::memory_order_relaxed);
  SeqCstFence();
  return LoadHead() && HasSpace(bytes);
}

void RingProducer::WriteRecord(std::uint64_t offset, std::uint64_t length, std::uint16_t type,
                               std::span<const std::span<const std::byte>> parts) {
  std::byte* at = ring_.data + offset;
  StoreWord(at, RecordWord(static_cast<std::uint32_t>(length), type));
  StoreWord(at + offsetof(RecordHeader, sequence), sequence_++);
  at += sizeof(RecordHeader);
  for (const auto& part : parts) {
    if (part.empty()) continue;
    std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
}

}  // namespace troupe::ipc
