#include "object_store/store_view.h"

#include <unistd.h>

#include <utility>

#include "object_store/shared_segment.h"

namespace troupe::store {
namespace {

Status Contradiction(const Extent& extent, const char* what) {
  return InvalidArgument("extent of " + std::to_string(extent.size) + " bytes at " + std::to_string(extent.offset) +
                         " of a segment of " + std::to_string(extent.segment_size) + " bytes " + what);
}

// The name is not printed when it is wrong: it may hold anything.
Status CheckExtent(const Extent& extent) {
  if (!IsSegmentName(extent.segment)) return Contradiction(extent, "names no segment");
  if (extent.size > extent.segment_size || extent.offset > extent.segment_size - extent.size) {
    return Contradiction(extent, "does not lie within it");
  }
  return OkStatus();
}

}  // namespace

StoreView::StoreView() : process_(::getpid()) {}

StoreView::~StoreView() {
  if (::getpid() == process_) return;
  // A forked child has none of the mappings: something else may lie at their addresses by now.
  for (Cache* cache : {&readable_, &writable_}) {
    for (auto& [name, mapping] : *cache) static_cast<void>(mapping.release());
  }
}

Result<std::span<std::byte>> StoreView::MapWritable(const Extent& extent) { return Map(extent, true); }

Result<std::span<const std::byte>> StoreView::MapReadable(const Extent& extent) {
  TROUPE_ASSIGN_OR_RETURN(const std::span<std::byte> bytes, Map(extent, false));
  return std::span<const std::byte>(bytes);
}

Result<std::span<std::byte>> StoreView::Map(const Extent& extent, bool writable) {
  if (extent == Extent{}) return std::span<std::byte>();
  TROUPE_RETURN_IF_ERROR(CheckExtent(extent));
  const std::lock_guard lock(mutex_);
  Cache& cache = writable ? writable_ : readable_;
  auto it = cache.find(extent.segment);
  if (it == cache.end()) {
    TROUPE_ASSIGN_OR_RETURN(auto mapping, Mapping::Open(extent.segment, extent.segment_size, writable));
    it = cache.emplace(extent.segment, std::move(mapping)).first;
  }
  const std::span<std::byte> segment = it->second->bytes();
  if (segment.size() != extent.segment_size) {
    return DataLoss("segment " + extent.segment + " is mapped with " + std::to_string(segment.size()) +
                    " bytes where an extent says " + std::to_string(extent.segment_size));
  }
  return segment.subspan(extent.offset, extent.size);
}

void StoreView::Forget(const std::string& segment) {
  const std::lock_guard lock(mutex_);
  readable_.erase(segment);
  writable_.erase(segment);
}

std::size_t StoreView::mappings() const {
  const std::lock_guard lock(mutex_);
  return readable_.size() + writable_.size();
}

}  // namespace troupe::store
