#include "object_store/segment_pool.h"

#include <algorithm>

#include "common/check.h"
#include "object_store/shared_segment.h"

namespace troupe::store {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kLargeSegmentUnit = 2 << 20;  // a huge page
constexpr std::uint64_t kFirstSegment = 1 << 20;
constexpr std::uint64_t kFirstFraction = 16;

std::uint64_t RoundUp(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }
std::uint64_t RoundDown(std::uint64_t value, std::uint64_t unit) { return value / unit * unit; }

}  // namespace

SegmentPool::~SegmentPool() {
  for (const auto& [name, segment] : segments_) UnlinkSegment(name);
}

Result<Extent> SegmentPool::Allocate(ProcessId writer, std::uint64_t size) {
  if (size == 0) return Extent{};
  if (size > options_.capacity) return Full(size);
  if (auto placed = Place(writer, size)) return *std::move(placed);
  TROUPE_ASSIGN_OR_RETURN(const auto added, AddSegment(writer, size));
  const std::string name = added->first;
  const Extent extent = PlaceIn(added, *added->second.space.Allocate(size), size);
  Reserve(name, added->second.space.capacity());
  if (!segments_.contains(name)) return last_failure_;
  return extent;
}

void SegmentPool::Free(const Extent& extent) {
  if (extent.size == 0) return;
  const auto it = segments_.find(extent.segment);
  TROUPE_CHECK(it != segments_.end());
  ExtentAllocator& space = it->second.space;
  const std::uint64_t before = space.used();
  space.Free(extent.offset, extent.size);
  used_ -= before - space.used();
  if (it->second.empty()) RetireEmptyUntil(options_.warm_limit);
}

void SegmentPool::EndLeases(ProcessId writer) {
  for (auto& [name, segment] : segments_) {
    if (segment.lease == writer) segment.lease.reset();
  }
}

// Large segments hold one large object, so that a small one that stays does not keep all of it; nor does an
// object take one of more than twice its size.
bool SegmentPool::Suits(const Segment& segment, std::uint64_t size) const {
  const ExtentAllocator& space = segment.space;
  if (space.capacity() <= options_.segment_size) return space.largest_hole() >= size;
  return size > options_.segment_size && segment.empty() && size <= space.capacity() && space.capacity() / 2 <= size;
}

// First where the writer may write anyway, then in warm empty segments, last between the objects of dead writers.
std::optional<Extent> SegmentPool::Place(ProcessId writer, std::uint64_t size) {
  enum Choice { kOwn, kEmpty, kHoles };
  for (const Choice choice : {kOwn, kEmpty, kHoles}) {
    for (auto it = segments_.begin(); it != segments_.end(); ++it) {
      Segment& segment = it->second;
      if (choice == kOwn ? segment.lease != writer : segment.lease.has_value()) continue;
      if ((choice == kEmpty && !segment.empty()) || !Suits(segment, size)) continue;
      const auto offset = segment.space.Allocate(size);
      if (!offset) continue;
      segment.lease = writer;
      return PlaceIn(it, *offset, size);
    }
  }
  return std::nullopt;
}

Extent SegmentPool::PlaceIn(Segments::iterator it, std::uint64_t offset, std::uint64_t size) {
  used_ += *ExtentAllocator::Rounded(size);
  return {it->first, it->second.space.capacity(), offset, size};
}

Result<SegmentPool::Segments::iterator> SegmentPool::AddSegment(ProcessId writer, std::uint64_t size) {
  const std::uint64_t bytes = SizeForSegment(writer, size);
  if (bytes == 0) return Full(size);
  const std::uint64_t others = reserved_ - EmptyBytes();
  RetireEmptyUntil(options_.capacity - bytes - others);

  const std::string name = SegmentName(options_.name_prefix, instance_, next_number_++);
  reserved_ += bytes;
  return segments_.emplace(name, Segment{ExtentAllocator(bytes), writer, false}).first;
}

void SegmentPool::Reserve(const std::string& name, std::uint64_t bytes) {
  memory_.Reserve(name, bytes, [weak = std::weak_ptr(self_), name](const Status& status) {
    if (const auto self = weak.lock()) (*self)->OnReserved(name, status);
  });
}

void SegmentPool::OnReserved(const std::string& name, const Status& status) {
  const auto it = segments_.find(name);
  TROUPE_CHECK(it != segments_.end() && !it->second.ready);
  const std::uint64_t bytes = it->second.space.capacity();
  if (status.code() == StatusCode::kResourceExhausted && EmptyBytes() > 0) {
    RetireEmptyUntil(0);  // the machine has less than the capacity promises: what is kept warm helps more here
    return Reserve(name, bytes);
  }
  if (status.ok()) {
    it->second.ready = true;
  } else {
    reserved_ -= bytes;
    used_ -= it->second.space.used();
    segments_.erase(it);
    last_failure_ = status;
  }
  events_.on_settled(name, status);
  RetireEmptyUntil(options_.warm_limit);  // its writer may have died meanwhile
}

bool SegmentPool::Ready(const Extent& extent) const {
  if (extent.size == 0) return true;
  const auto it = segments_.find(extent.segment);
  return it != segments_.end() && it->second.ready;
}

// 0 when `size` does not fit even without the empty segments. A writer begins with a small segment and then gets as
// much as it has already, because reserving memory takes time and many writers need little; and at most a quarter of
// what is left, so that the first ones do not take all of a small store.
std::uint64_t SegmentPool::SizeForSegment(ProcessId writer, std::uint64_t size) const {
  const std::uint64_t room = options_.capacity - (reserved_ - EmptyBytes());
  const std::uint64_t least = RoundUp(size, kPage);
  if (least > room) return 0;
  if (size > options_.segment_size) {
    const std::uint64_t wanted = RoundUp(size, kLargeSegmentUnit);
    return wanted <= room ? wanted : least;
  }
  const std::uint64_t first = std::max(kFirstSegment, options_.segment_size / kFirstFraction);
  const std::uint64_t wanted = std::min(options_.segment_size, std::max(RoundUp(first, kPage), LeasedBytes(writer)));
  return std::max(least, std::min(wanted, RoundDown(room / 4, kPage)));
}

std::uint64_t SegmentPool::LeasedBytes(ProcessId writer) const {
  std::uint64_t bytes = 0;
  for (const auto& [name, segment] : segments_) {
    if (segment.lease == writer) bytes += segment.space.capacity();
  }
  return bytes;
}

std::uint64_t SegmentPool::EmptyBytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, segment] : segments_) {
    if (segment.empty()) bytes += segment.space.capacity();
  }
  return bytes;
}

// Unleased segments go first: to lose a leased one costs its writer the mapping, too.
void SegmentPool::RetireEmptyUntil(std::uint64_t empty_bytes) {
  std::uint64_t left = EmptyBytes();
  for (const bool leased : {false, true}) {
    for (auto it = segments_.begin(); it != segments_.end() && left > empty_bytes;) {
      if (!it->second.empty() || it->second.lease.has_value() != leased) {
        ++it;
        continue;
      }
      left -= it->second.space.capacity();
      reserved_ -= it->second.space.capacity();
      const std::string name = it->first;
      it = segments_.erase(it);
      memory_.Release(name, [weak = std::weak_ptr(self_), name] {
        if (const auto self = weak.lock()) (*self)->events_.on_retired(name);
      });
    }
  }
}

Status SegmentPool::Full(std::uint64_t size) const {
  return ResourceExhausted("the object store has no room for " + std::to_string(size) + " bytes: objects take " +
                           std::to_string(used_) + ", segments " + std::to_string(reserved_) + " of its capacity of " +
                           std::to_string(options_.capacity) +
                           " bytes; drop references to objects, or start the node with a larger object store");
}

}  // namespace troupe::store
