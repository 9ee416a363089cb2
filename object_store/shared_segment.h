// Segments as the operating system sees them: named shared memory, reserved, mapped and unlinked.
#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/status.h"

namespace troupe::store {

// 1 to 100 letters, digits, '-' and '_'.
bool IsNamePrefix(std::string_view prefix);

// "PREFIX.INSTANCE.NUMBER": the instance, 16 hexadecimal digits, is one owner's own, so that a client which outlives
// an owner never takes a segment of the next one for one that it has mapped.
std::string SegmentName(std::string_view prefix, std::uint64_t instance, std::uint64_t number);
bool IsSegmentName(std::string_view name);

// Makes an empty segment, for this user only (0600). AlreadyExists when the name is taken.
Status MakeSegment(const std::string& name);

// Reserves the memory of [from, from + size) now, so that a full machine is an error here and never a SIGBUS later.
// ResourceExhausted when there is not enough; the segment is removed then. NotFound when there is none. Blocks while
// the kernel clears the pages.
Status ReserveRange(const std::string& name, std::uint64_t from, std::uint64_t size);

// Gives the memory back at once, also what others map, and removes the name. An absent segment is fine. Who maps it
// sees zeroes from then on. Blocks while the kernel frees the pages.
void RemoveSegment(const std::string& name);

// Removes the name; who has the segment mapped keeps it. An absent name is fine.
void UnlinkSegment(const std::string& name);

// Unlinks this user's segments of any owner with the prefix; gives their number.
Result<std::size_t> UnlinkSegments(std::string_view prefix);

// One mapping of a whole segment; unmapped with the object. Left out of core dumps and of forked children.
class Mapping {
 public:
  // NotFound, DataLoss when its size is not `size`, PermissionDenied when it is another user's, ResourceExhausted.
  static Result<std::unique_ptr<Mapping>> Open(const std::string& name, std::uint64_t size, bool writable);

  // Writing to the bytes of a mapping opened without `writable` faults.
  std::span<std::byte> bytes() const { return {static_cast<std::byte*>(region_.get_address()), region_.get_size()}; }

 private:
  explicit Mapping(boost::interprocess::mapped_region region) : region_(std::move(region)) {}

  boost::interprocess::mapped_region region_;
};

}  // namespace troupe::store
