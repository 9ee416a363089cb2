// Until when a node counts as alive at the head, as its raylet writes it and its workers read it, in place. The layout
// is in docs/ring-layout.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "common/status.h"
#include "ipc/shared_region.h"

namespace troupe::ipc {

// CLOCK_BOOTTIME, as an event loop's clock.
using BootTime = std::chrono::duration<std::int64_t, std::nano>;
BootTime BootTimeNow();

// The raylet's side: the only writer.
class NodeLeaseOwner {
 public:
  // Over from the beginning. The errors of SharedRegion::Create.
  static Result<NodeLeaseOwner> Create(const std::string& name);
  NodeLeaseOwner(NodeLeaseOwner&&) noexcept = default;
  NodeLeaseOwner& operator=(NodeLeaseOwner&&) = delete;
  ~NodeLeaseOwner();  // removes the name

  void Set(BootTime until);  // one store
  const std::string& name() const { return region_.name(); }

 private:
  explicit NodeLeaseOwner(SharedRegion region) : region_(std::move(region)) {}

  SharedRegion region_;
};

// A worker's side, mapped read-only. Any thread.
class NodeLeaseView {
 public:
  // The errors of SharedRegion::Open; FailedPrecondition when the region holds no lease of this version.
  static Result<NodeLeaseView> Open(const std::string& name);

  BootTime until() const;

 private:
  explicit NodeLeaseView(SharedRegion region) : region_(std::move(region)) {}

  SharedRegion region_;
};

}  // namespace troupe::ipc
