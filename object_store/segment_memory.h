// SegmentMemory: the memory of a store's segments, which the kernel takes long to give and to take back.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/status.h"

namespace troupe::store {

// One thread, the store's; callbacks run there, too, within the call or later. The kernel clears 1.5 to 5 GiB in a
// second, so an implementation for a thread that must not block does the work on another.
class SegmentMemory {
 public:
  virtual ~SegmentMemory() = default;

  // Makes the segment and reserves its memory, or leaves nothing behind; errors as MakeSegment() and ReserveRange().
  virtual void Reserve(const std::string& name, std::uint64_t size, std::function<void(const Status&)> done) = 0;

  // Takes back the memory of a segment that has been reserved, also from those who still map it, and removes it. What
  // Reserve() is asked for afterwards is reserved after that, so that the machine never holds both.
  virtual void Release(const std::string& name, std::function<void()> done) = 0;
};

// Does everything within the call.
class DirectMemory : public SegmentMemory {
 public:
  void Reserve(const std::string& name, std::uint64_t size, std::function<void(const Status&)> done) override;
  void Release(const std::string& name, std::function<void()> done) override;
};

}  // namespace troupe::store
