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

// The raylet's side: the only writer. The thread that creates it destroys it: when that thread ends, it was the
// raylet's end.
class NodeLeaseOwner {
 public:
  // Over from the beginning. The errors of SharedRegion::Create.
  static Result<NodeLeaseOwner> Create(const std::string& name);
  NodeLeaseOwner(NodeLeaseOwner&&) noexcept = default;
  NodeLeaseOwner& operator=(NodeLeaseOwner&&) = delete;
  ~NodeLeaseOwner();  // removes the name; raylet_lives() of the views is false from now on

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
  // Whether its owner is there still: one load. The kernel itself says no for a process that is killed, before it
  // closes any of that process's connections: whoever has seen the raylet's end by one of these, sees it here.
  bool raylet_lives() const;

 private:
  explicit NodeLeaseView(SharedRegion region) : region_(std::move(region)) {}

  SharedRegion region_;
};

}  // namespace troupe::ipc
