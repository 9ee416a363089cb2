#include "ipc/channel.h"

#include <new>
#include <utility>

#include "ipc/channel_layout.h"

namespace troupe::ipc {

namespace {

std::span<std::byte> RingMemory(const SharedRegion& region, std::uint64_t capacity, int index) {
  return region.bytes().subspan(sizeof(ChannelHeader) + static_cast<std::uint64_t>(index) * RingBytes(capacity),
                                RingBytes(capacity));
}

// The capacity that the region's header states, once it is known to fit the region.
Result<std::uint64_t> CheckHeader(const SharedRegion& region) {
  auto* header = reinterpret_cast<ChannelHeader*>(region.data());
  const std::uint64_t capacity = std::atomic_ref(header->ring_capacity).load(std::memory_order_relaxed);
  if (header->magic != kChannelMagic || header->version != kChannelVersion ||
      header->header_bytes != sizeof(ChannelHeader)) {
    return FailedPrecondition("no channel of version " + std::to_string(kChannelVersion) +
                              "; do all processes run the same release?");
  }
  if (Status status = CheckRingCapacity(capacity); !status.ok()) return FailedPrecondition(status.message());
  if (region.size() < ChannelBytes(capacity)) {
    return FailedPrecondition("it has " + std::to_string(region.size()) + " bytes, but its header states rings of " +
                              std::to_string(capacity));
  }
  return capacity;
}

}  // namespace

Status CreateChannelRegion(const std::string& name, std::uint64_t ring_capacity) {
  TROUPE_RETURN_IF_ERROR(CheckRingCapacity(ring_capacity));
  TROUPE_ASSIGN_OR_RETURN(const SharedRegion region, SharedRegion::Create(name, ChannelBytes(ring_capacity)));
  for (int index : {0, 1}) TROUPE_RETURN_IF_ERROR(FormatRing(RingMemory(region, ring_capacity, index), ring_capacity));
  new (region.data()) ChannelHeader{kChannelMagic, kChannelVersion, sizeof(ChannelHeader), ring_capacity};
  return OkStatus();
}

Channel::Channel(SharedRegion region, Doorbell peer, RingProducer producer, RingConsumer consumer)
    : region_(std::move(region)),
      peer_(std::move(peer)),
      producer_(std::move(producer)),
      consumer_(std::move(consumer)) {}

Result<Channel> Channel::Open(const std::string& name, Side side, Doorbell peer) {
  const std::string context = "opening channel '" + name + "'";
  auto region = SharedRegion::Open(name, Access::kReadWrite, ChannelBytes(kMinRingCapacity));
  if (!region.ok()) return region.status().WithContext(context);
  auto capacity = CheckHeader(*region);
  if (!capacity.ok()) return capacity.status().WithContext(context);
  auto producer = RingProducer::Attach(RingMemory(*region, *capacity, side == Side::kA ? 0 : 1));
  if (!producer.ok()) return producer.status().WithContext(context);
  auto consumer = RingConsumer::Attach(RingMemory(*region, *capacity, side == Side::kA ? 1 : 0));
  if (!consumer.ok()) return consumer.status().WithContext(context);
  return Channel(*std::move(region), std::move(peer), *std::move(producer), *std::move(consumer));
}

bool Channel::TryWrite(std::uint16_t type, std::span<const std::span<const std::byte>> parts) {
  if (!producer_.TryWrite(type, parts)) return false;
  peer_.Ring();
  return true;
}

ReadResult Channel::TryRead(Record* out) {
  const ReadResult result = consumer_.TryRead(out);
  if (consumer_.TakeSpaceWanted()) peer_.Ring();
  return result;
}

}  // namespace troupe::ipc
