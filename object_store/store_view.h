// StoreView: a client's mappings of the node's object store.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>

#include "common/status.h"
#include "object_store/extent.h"

namespace troupe::store {

class Mapping;

// Turns extents into memory. Each segment is mapped once per kind of access, whole, and stays mapped until Forget()
// or the end of the view. Any thread. Never blocks on another process; the first use of a segment costs a few system
// calls. In a forked child neither the mappings nor the view may be used; destroying the view there is harmless.
class StoreView {
 public:
  StoreView();
  ~StoreView();
  StoreView(const StoreView&) = delete;
  StoreView& operator=(const StoreView&) = delete;

  // The bytes of an extent that StoreOwner::Create gave to this process; valid for writing until it seals or aborts
  // the object. InvalidArgument when the extent contradicts itself or its name is none of a segment, NotFound
  // when the segment is gone, DataLoss when the segment is not of the size that the extent says, PermissionDenied
  // when it belongs to another user, ResourceExhausted when the process has no mappings or descriptors left.
  Result<std::span<std::byte>> MapWritable(const Extent& extent);

  // The bytes of a sealed extent, valid while this process pins the object. The memory cannot be written through
  // this mapping, nor made writable. Errors as MapWritable.
  Result<std::span<const std::byte>> MapReadable(const Extent& extent);

  // Unmaps a segment; ignored when it is not mapped. No span of it may be in use.
  void Forget(const std::string& segment);

  // Number of mappings held now.
  std::size_t mappings() const;

 private:
  using Cache = std::unordered_map<std::string, std::unique_ptr<Mapping>>;
  Result<std::span<std::byte>> Map(const Extent& extent, bool writable);

  const pid_t process_;
  mutable std::mutex mutex_;
  Cache readable_;
  Cache writable_;
};

}  // namespace troupe::store
