// ExtentAllocator: best-fit allocation of ranges within one segment, with its books outside of the segment.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace troupe::store {

// Pure arithmetic; touches no memory of the segment. Sizes below kLarge are rounded up to kSmallGranule and placed at
// the low end of the smallest hole that fits (the lowest such hole); others are rounded up to kLargeGranule and
// placed, so aligned, at the high end, which keeps small objects from splitting the room of large ones. A value type
// without locks; both operations take O(log holes).
class ExtentAllocator {
 public:
  static constexpr std::uint64_t kSmallGranule = 64;
  static constexpr std::uint64_t kLargeGranule = 4096;
  static constexpr std::uint64_t kLarge = 64 << 10;

  // Bytes that an object of `size` takes; nullopt when that exceeds 64 bits.
  static std::optional<std::uint64_t> Rounded(std::uint64_t size);

  // Over [0, capacity); a multiple of kLargeGranule.
  explicit ExtentAllocator(std::uint64_t capacity);

  // The offset of `size` > 0 free bytes, now taken; nullopt when no hole is large enough.
  std::optional<std::uint64_t> Allocate(std::uint64_t size);

  // Returns what Allocate(size) gave at `offset`. Returning anything else aborts.
  void Free(std::uint64_t offset, std::uint64_t size);

  std::uint64_t capacity() const { return capacity_; }
  std::uint64_t used() const { return capacity_ - free_; }
  std::uint64_t largest_hole() const { return by_size_.empty() ? 0 : by_size_.rbegin()->first; }
  std::size_t holes() const { return by_offset_.size(); }

 private:
  void AddHole(std::uint64_t offset, std::uint64_t size);
  void RemoveHole(std::uint64_t offset, std::uint64_t size);

  std::uint64_t capacity_;
  std::uint64_t free_;
  std::map<std::uint64_t, std::uint64_t> by_offset_;           // offset -> size
  std::set<std::pair<std::uint64_t, std::uint64_t>> by_size_;  // (size, offset)
};

}  // namespace troupe::store
