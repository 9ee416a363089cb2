// SegmentPool: the segments of one store, their leases and the ranges taken in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/status.h"
#include "object_store/extent.h"
#include "object_store/extent_allocator.h"
#include "object_store/segment_memory.h"
#include "troupe/ids.h"

namespace troupe::store {

struct SegmentPoolOptions {
  std::string name_prefix;
  std::uint64_t capacity = 0;      // bytes; multiple of a page
  std::uint64_t segment_size = 0;  // bytes; multiple of a page, at most the capacity
  std::uint64_t warm_limit = 0;    // bytes of empty segments kept
};

// Each segment is leased to one writer at a time, until that writer is dead or the segment, empty, is unlinked: a
// live process that could once write to a segment may still do so. Objects larger than `segment_size` get a segment
// of their own. A new segment takes part at once, but its memory may come later: until then it is not ready, and nobody
// may touch what lies in it. One thread.
class SegmentPool {
 public:
  struct Events {
    // The memory of a segment has come; or it will not, and the segment has gone with everything in it.
    std::function<void(const std::string& segment, const Status&)> on_settled;
    // An empty segment has been removed: whoever maps it should let go.
    std::function<void(const std::string& segment)> on_retired;
  };

  // `memory` outlives the pool.
  SegmentPool(SegmentPoolOptions options, SegmentMemory& memory, Events events)
      : options_(std::move(options)),
        memory_(memory),
        events_(std::move(events)),
        self_(std::make_shared<SegmentPool*>(this)) {}
  ~SegmentPool();  // unlinks all segments
  SegmentPool(const SegmentPool&) = delete;
  SegmentPool& operator=(const SegmentPool&) = delete;

  // `size` bytes in a segment leased to `writer`, which may not be ready; the empty extent when `size` is 0.
  // ResourceExhausted when the capacity does not have them, or the machine is known not to.
  Result<Extent> Allocate(ProcessId writer, std::uint64_t size);

  // Returns what Allocate gave.
  void Free(const Extent& extent);

  // `writer` is dead: its segments can be leased again.
  void EndLeases(ProcessId writer);

  // Whether the segment of an extent has its memory.
  bool Ready(const Extent& extent) const;

  std::uint64_t reserved() const { return reserved_; }
  std::uint64_t used() const { return used_; }
  std::size_t segments() const { return segments_.size(); }

 private:
  struct Segment {
    ExtentAllocator space;
    std::optional<ProcessId> lease;
    bool ready = false;

    // While its memory is being reserved a segment is no place to take room from.
    bool empty() const { return ready && space.used() == 0; }
  };
  using Segments = std::map<std::string, Segment>;

  bool Suits(const Segment& segment, std::uint64_t size) const;
  std::optional<Extent> Place(ProcessId writer, std::uint64_t size);
  Extent PlaceIn(Segments::iterator it, std::uint64_t offset, std::uint64_t size);
  Result<Segments::iterator> AddSegment(ProcessId writer, std::uint64_t size);
  std::uint64_t SizeForSegment(ProcessId writer, std::uint64_t size) const;
  std::uint64_t LeasedBytes(ProcessId writer) const;
  std::uint64_t EmptyBytes() const;
  void Reserve(const std::string& name, std::uint64_t bytes);
  void OnReserved(const std::string& name, const Status& status);
  void RetireEmptyUntil(std::uint64_t empty_bytes);
  Status Full(std::uint64_t size) const;

  const SegmentPoolOptions options_;
  SegmentMemory& memory_;
  const Events events_;
  const std::uint64_t instance_ = internal::RandomU64();
  std::uint64_t next_number_ = 0;
  Segments segments_;
  std::uint64_t reserved_ = 0;
  std::uint64_t used_ = 0;
  Status last_failure_;
  std::shared_ptr<SegmentPool*> self_;  // what waits for memory holds weakly: gone with this
};

}  // namespace troupe::store
