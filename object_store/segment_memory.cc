#include "object_store/segment_memory.h"

#include "object_store/shared_segment.h"

namespace troupe::store {

void DirectMemory::Reserve(const std::string& name, std::uint64_t size, std::function<void(const Status&)> done) {
  Status made = MakeSegment(name);
  if (made.ok()) made = ReserveRange(name, 0, size);
  done(made);
}

void DirectMemory::Release(const std::string& name, std::function<void()> done) {
  RemoveSegment(name);
  done();
}

}  // namespace troupe::store
