// SegmentPool: the segments of one store, their leases and the ranges taken in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/status.h"
#include "object_store/extent.h"
#include "object_store/extent_allocator.h"
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
// of their own. One thread.
class SegmentPool {
 public:
  explicit SegmentPool(SegmentPoolOptions options) : options_(std::move(options)) {}
  ~SegmentPool();  // unlinks all segments
  SegmentPool(const SegmentPool&) = delete;
  SegmentPool& operator=(const SegmentPool&) = delete;

  // `size` bytes in a segment leased to `writer`; the empty extent when `size` is 0. ResourceExhausted when neither
  // the capacity nor the machine has them.
  Result<Extent> Allocate(ProcessId writer, std::uint64_t size);

  // Returns what Allocate gave.
  void Free(const Extent& extent);

  // `writer` is dead: its segments can be leased again.
  void EndLeases(ProcessId writer);

  // Names of the segments unlinked since the last call.
  std::vector<std::string> TakeRetired() { return std::exchange(retired_, {}); }

  std::uint64_t reserved() const { return reserved_; }
  std::uint64_t used() const { return used_; }
  std::size_t segments() const { return segments_.size(); }

 private:
  struct Segment {
    ExtentAllocator space;
    std::optional<ProcessId> lease;

    bool empty() const { return space.used() == 0; }
  };
  using Segments = std::map<std::string, Segment>;

  bool Suits(const Segment& segment, std::uint64_t size) const;
  std::optional<Extent> Place(ProcessId writer, std::uint64_t size);
  Extent PlaceIn(Segments::iterator it, std::uint64_t offset, std::uint64_t size);
  Result<Segments::iterator> AddSegment(ProcessId writer, std::uint64_t size);
  std::uint64_t SizeForSegment(ProcessId writer, std::uint64_t size) const;
  std::uint64_t LeasedBytes(ProcessId writer) const;
  std::uint64_t EmptyBytes() const;
  void RetireEmptyUntil(std::uint64_t empty_bytes);
  Status Full(std::uint64_t size) const;

  const SegmentPoolOptions options_;
  const std::uint64_t instance_ = internal::RandomU64();
  std::uint64_t next_number_ = 0;
  Segments segments_;
  std::uint64_t reserved_ = 0;
  std::uint64_t used_ = 0;
  std::vector<std::string> retired_;
};

}  // namespace troupe::store
