#include "raylet/objects/memory_thread.h"

#include <algorithm>
#include <utility>

#include "object_store/shared_segment.h"

namespace troupe::raylet {

MemoryThread::~MemoryThread() {
  thread_.reset();
  // The store, which has gone, may have unlinked these before they were made, or left them to this.
  for (const std::string& name : unsettled_) store::UnlinkSegment(name);
}

void MemoryThread::Reserve(const std::string& name, std::uint64_t size, std::function<void(const Status&)> done) {
  unsettled_.insert(name);
  ReserveNext({name, size, 0, std::move(done)});
}

void MemoryThread::ReserveNext(Reservation next) {
  const std::uint64_t part = std::min(next.size - next.from, kPartBytes);
  auto work = [name = next.name, from = next.from, part]() -> Status {
    if (from == 0) TROUPE_RETURN_IF_ERROR(store::MakeSegment(name));
    return store::ReserveRange(name, from, part);
  };
  thread_->Run(std::move(work), [this, next = std::move(next), part](const Status& status) mutable {
    next.from += part;
    if (status.ok() && next.from < next.size) return ReserveNext(std::move(next));
    unsettled_.erase(next.name);
    next.done(status);
  });
}

void MemoryThread::Release(const std::string& name, std::function<void()> done) {
  unsettled_.insert(name);
  thread_->Run(
      [name] {
        store::RemoveSegment(name);
        return true;
      },
      [this, name, done = std::move(done)](bool) {
        unsettled_.erase(name);
        done();
      });
}

}  // namespace troupe::raylet
