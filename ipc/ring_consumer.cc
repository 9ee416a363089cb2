#include "ipc/ring_consumer.h"

#include <algorithm>
#include <cstring>

#include "ipc/fence.h"

namespace troupe::ipc {

namespace {

std::uint64_t LoadWord(std::byte* at) {
  return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(at)).load(std::memory_order_relaxed);
}

std::uint32_t Length(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
std::uint16_t Type(std::uint64_t word) { return static_cast<std::uint16_t>(word >> 32); }

}  // namespace

std::byte* Record::Reserve(std::size_t bytes) {
  if (bytes > capacity_) {
    capacity_ = std::bit_ceil(std::max<std::size_t>(bytes, 256));
    buffer_ = std::make_unique_for_overwrite<std::byte[]>(capacity_);
  }
  payload = {buffer_.get(), bytes};
  return buffer_.get();
}

Result<RingConsumer> RingConsumer::Attach(std::span<std::byte> memory) {
  TROUPE_ASSIGN_OR_RETURN(RingView ring, RingView::Attach(memory));
  if (ring.header->head.load(std::memory_order_acquire) != 0) {
    return FailedPrecondition("ring: it has been read from already; make a fresh one");
  }
  return RingConsumer(ring);
}

RingConsumer::RingConsumer(RingConsumer&& other) noexcept
    : ring_(other.ring_),
      head_(other.head_),
      tail_(other.tail_),
      published_(other.published_),
      sequence_(other.sequence_),
      gave_back_(other.gave_back_),
      poisoned_(other.poisoned()) {}

RingConsumer& RingConsumer::operator=(RingConsumer&& other) noexcept {
  ring_ = other.ring_;
  head_ = other.head_;
  tail_ = other.tail_;
  published_ = other.published_;
  sequence_ = other.sequence_;
  gave_back_ = other.gave_back_;
  poisoned_.store(other.poisoned(), std::memory_order_relaxed);
  return *this;
}

ReadResult RingConsumer::TryRead(Record* out) {
  if (poisoned()) return ReadResult::kCorrupt;
  if (head_ == tail_) {
    if (!LoadTail()) return Poison();
    if (head_ == tail_) return ReadResult::kNone;
  }
  std::uint64_t word = LoadWord(ring_.data + (head_ & (ring_.capacity - 1)));
  if (Type(word) == kPadRecord && !SkipPad(&word)) return Poison();
  return ReadRecord(word, out) ? ReadResult::kRecord : Poison();
}

ReadResult RingConsumer::Poison() {
  poisoned_.store(true, std::memory_order_relaxed);
  return ReadResult::kCorrupt;
}

// Reads the producer's tail. False when it went back, or claims space that was never given back, or lies askew.
bool RingConsumer::LoadTail() {
  const std::uint64_t tail = ring_.header->tail.load(std::memory_order_acquire);
  if (tail - head_ > ring_.capacity - (head_ - published_) || tail % kRecordAlignment != 0) return false;
  tail_ = tail;
  return true;
}

// A pad fills the ring to its end exactly, and is never published without the record after it.
bool RingConsumer::SkipPad(std::uint64_t* word) {
  const std::uint64_t pad = ring_.capacity - (head_ & (ring_.capacity - 1));
  if (*word != RecordWord(static_cast<std::uint32_t>(pad), kPadRecord) || tail_ - head_ <= pad) return false;
  head_ += pad;
  *word = LoadWord(ring_.data);
  return Type(*word) != kPadRecord;
}

bool RingConsumer::ReadRecord(std::uint64_t word, Record* out) {
  const std::uint64_t length = Length(word);
  const std::uint64_t bytes = AlignRecord(length);
  const std::uint64_t offset = head_ & (ring_.capacity - 1);
  const bool flags_clear = word == RecordWord(Length(word), Type(word));
  if (!flags_clear || length < sizeof(RecordHeader) ||
      length > sizeof(RecordHeader) + MaxRecordPayload(ring_.capacity) || bytes > tail_ - head_ ||
      bytes > ring_.capacity - offset) {
    return false;
  }
  std::byte* at = ring_.data + offset;
  if (LoadWord(at + offsetof(RecordHeader, sequence)) != sequence_) return false;
  ++sequence_;
  const std::size_t payload = length - sizeof(RecordHeader);
  std::byte* to = out->Reserve(payload);
  if (payload != 0) std::memcpy(to, at + sizeof(RecordHeader), payload);
  out->type = Type(word);
  GiveBack(bytes);
  return true;
}

// Publishes the head only once an eighth of the ring has been read: fewer transfers of its line. A producer never waits
// on the rest, because what it needs at most (half) fits into the other seven eighths of an empty ring.
void RingConsumer::GiveBack(std::uint64_t bytes) {
  head_ += bytes;
  if (head_ - published_ < ring_.capacity / 8) return;
  ring_.header->head.store(head_, std::memory_order_release);
  published_ = head_;
  gave_back_ = true;
}

bool RingConsumer::TakeSpaceWanted() {
  if (!gave_back_) return false;
  gave_back_ = false;
  SeqCstFence();
  if (ring_.header->space_wanted.load(std::memory_order_relaxed) == 0) return false;
  ring_.header->space_wanted.store(0, std::memory_order_relaxed);
  return true;
}

}  // namespace troupe::ipc
