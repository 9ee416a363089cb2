// RingConsumer: the reading side of a ring in shared memory (docs/ring-layout.md).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "ipc/ring_layout.h"

namespace troupe::ipc {

// One record, copied out of the ring. Reuse one for many reads: it keeps its memory. Movable.
struct Record {
  std::uint16_t type = 0;
  std::span<const std::byte> payload;  // valid until the record is read into again or dies

  // Makes room for `bytes` that are then to be written and returns their start; old contents are lost.
  std::byte* Reserve(std::size_t bytes);

 private:
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t capacity_ = 0;
};

enum class ReadResult {
  kNone,     // nothing there
  kRecord,   // *out holds the next record
  kCorrupt,  // the peer wrote what no producer writes; this and all later reads say so
};

// Reads records, one thread at a time, without locks or system calls. Trusts nothing that the producer can write: every
// word is copied once, checked, then used. Does not own the memory, which must outlive it.
class RingConsumer {
 public:
  // Takes the reading side of the ring in `memory`. FailedPrecondition: there is no such ring, or it has been read from
  // already (a consumer cannot resume another's ring).
  static Result<RingConsumer> Attach(std::span<std::byte> memory);

  RingConsumer(RingConsumer&& other) noexcept;
  RingConsumer& operator=(RingConsumer&& other) noexcept;

  // Takes the next record, if any. Records arrive whole, once, in the order written.
  ReadResult TryRead(Record* out);

  // Whether TryRead would return something else than kNone.
  bool Readable() const {
    return head_ != tail_ || ring_.header->tail.load(std::memory_order_acquire) != head_ || poisoned();
  }

  // Whether, since the last call, space was given back that the producer waits for. The caller then rings the
  // producer's doorbell; to be asked after each TryRead. Only a plain load unless space was just given back.
  bool TakeSpaceWanted();

  // A number that the producer can read at any time, also after this process was killed. Any thread; a plain store.
  void SetMark(std::uint64_t mark) { ring_.header->mark.store(mark, std::memory_order_release); }

  // Whether the producer's side of the ring was found corrupt. Any thread.
  bool poisoned() const { return poisoned_.load(std::memory_order_relaxed); }

 private:
  explicit RingConsumer(RingView ring) : ring_(ring) {}

  ReadResult Poison();
  bool LoadTail();
  bool SkipPad(std::uint64_t* word);
  bool ReadRecord(std::uint64_t word, Record* out);
  void GiveBack(std::uint64_t bytes);

  RingView ring_;
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;       // as last seen
  std::uint64_t published_ = 0;  // the head that the producer can see
  std::uint64_t sequence_ = 0;   // of the next record
  bool gave_back_ = false;
  std::atomic<bool> poisoned_{false};
};

}  // namespace troupe::ipc
