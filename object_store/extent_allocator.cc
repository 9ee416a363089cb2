#include "object_store/extent_allocator.h"

#include <iterator>
#include <limits>

#include "common/check.h"

namespace troupe::store {

std::optional<std::uint64_t> ExtentAllocator::Rounded(std::uint64_t size) {
  const std::uint64_t granule = size < kLarge ? kSmallGranule : kLargeGranule;
  if (size > std::numeric_limits<std::uint64_t>::max() - (granule - 1)) return std::nullopt;
  return (size + granule - 1) / granule * granule;
}

ExtentAllocator::ExtentAllocator(std::uint64_t capacity) : capacity_(capacity), free_(capacity) {
  TROUPE_CHECK(capacity % kLargeGranule == 0);
  if (capacity > 0) AddHole(0, capacity);
}

std::optional<std::uint64_t> ExtentAllocator::Allocate(std::uint64_t size) {
  TROUPE_CHECK(size > 0);
  const auto rounded = Rounded(size);
  if (!rounded) return std::nullopt;
  // Aligning a large object may cost a hole up to kLargeGranule - 1 bytes, so the smallest may not do.
  for (auto it = by_size_.lower_bound({*rounded, 0}); it != by_size_.end(); ++it) {
    const auto [hole_size, hole] = *it;
    const std::uint64_t end = hole + hole_size;
    const std::uint64_t offset = size < kLarge ? hole : (end - *rounded) / kLargeGranule * kLargeGranule;
    if (offset < hole) continue;
    RemoveHole(hole, hole_size);
    if (offset > hole) AddHole(hole, offset - hole);
    if (offset + *rounded < end) AddHole(offset + *rounded, end - offset - *rounded);
    free_ -= *rounded;
    return offset;
  }
  return std::nullopt;
}

void ExtentAllocator::Free(std::uint64_t offset, std::uint64_t size) {
  const std::uint64_t rounded = Rounded(size).value_or(0);
  TROUPE_CHECK(rounded > 0 && rounded <= capacity_ && offset <= capacity_ - rounded);
  std::uint64_t start = offset;
  std::uint64_t end = offset + rounded;

  const auto next = by_offset_.lower_bound(offset);
  if (next != by_offset_.begin()) {
    const auto [before, before_size] = *std::prev(next);
    TROUPE_CHECK(before + before_size <= offset);
    if (before + before_size == offset) start = before;
  }
  if (next != by_offset_.end()) {
    const auto [after, after_size] = *next;
    TROUPE_CHECK(after >= end);
    if (after == end) {
      end = after + after_size;
      RemoveHole(after, after_size);
    }
  }
  if (start < offset) RemoveHole(start, offset - start);
  AddHole(start, end - start);
  free_ += rounded;
}

void ExtentAllocator::AddHole(std::uint64_t offset, std::uint64_t size) {
  by_offset_.emplace(offset, size);
  by_size_.emplace(size, offset);
}

void ExtentAllocator::RemoveHole(std::uint64_t offset, std::uint64_t size) {
  by_offset_.erase(offset);
  by_size_.erase({size, offset});
}

}  // namespace troupe::store
