// Channel: two processes of one machine, joined by a ring in each direction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "common/status.h"
#include "ipc/doorbell.h"
#include "ipc/ring_consumer.h"
#include "ipc/ring_producer.h"
#include "ipc/shared_region.h"

namespace troupe::ipc {

enum class Side { kA, kB };

// Most pairs of processes exchange little: their rings are small at first (12 KiB for the whole channel), and larger
// ones take their place when traffic shows the need (client/peer_channel.h).
inline constexpr std::uint64_t kFirstRingCapacity = 4 * 1024;
inline constexpr std::uint64_t kGrownRingCapacity = 256 * 1024;

// Makes the region of a channel, with `ring_capacity` bytes each way, for its two sides to open. Removing the name is
// up to the caller. The errors of SharedRegion::Create and CheckRingCapacity.
Status CreateChannelRegion(const std::string& name, std::uint64_t ring_capacity);

// One side of a channel. Reading and writing are independent: each is for one thread at a time, and the two may run at
// once. Nothing here blocks. Whoever waits sleeps on its own doorbell (ipc/doorbell.h), which the other side rings
// after it wrote a record or freed space that was waited for.
class Channel {
 public:
  // Opens side `side` of the channel `name`; `peer` is the other process's doorbell. NotFound: no such region.
  // FailedPrecondition: it is no channel of this version, or that side of it has been used before.
  static Result<Channel> Open(const std::string& name, Side side, Doorbell peer);

  // Sends one record of the joined `parts`, at most max_record() bytes, and wakes the peer if it sleeps. False when the
  // ring is full: the peer will ring our doorbell when it has made space. False for ever once poisoned().
  bool TryWrite(std::uint16_t type, std::span<const std::span<const std::byte>> parts);
  bool TryWrite(std::uint16_t type, std::span<const std::byte> payload) { return TryWrite(type, {&payload, 1}); }

  // Takes the next record, if any, and wakes the peer if it waits for the space.
  ReadResult TryRead(Record* out);

  // Whether TryRead would return something else than kNone. For the reading thread.
  bool Readable() const { return consumer_.Readable(); }

  // A number for the peer, which reads it from peer_mark() of its side, also once this process is dead. Any thread.
  void SetMark(std::uint64_t mark) { consumer_.SetMark(mark); }
  std::uint64_t peer_mark() const { return producer_.mark(); }

  // Whether the peer broke the protocol; the channel is of no use any more. Any thread.
  bool poisoned() const { return producer_.poisoned() || consumer_.poisoned(); }

  // The largest payload of a record, in bytes.
  std::uint64_t max_record() const { return producer_.max_record(); }

  const std::string& name() const { return region_.name(); }

 private:
  Channel(SharedRegion region, Doorbell peer, RingProducer producer, RingConsumer consumer);

  SharedRegion region_;
  Doorbell peer_;
  // Apart, so that the reading and the writing thread do not share a line.
  alignas(kRingLine) RingProducer producer_;
  alignas(kRingLine) RingConsumer consumer_;
};

}  // namespace troupe::ipc
