#include "ipc/node_lease.h"

#include <time.h>

#include <new>
#include <utility>

#include "common/check.h"
#include "ipc/node_lease_layout.h"

namespace troupe::ipc {

BootTime BootTimeNow() {
  timespec now{};
  TROUPE_CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

Result<NodeLeaseOwner> NodeLeaseOwner::Create(const std::string& name) {
  TROUPE_ASSIGN_OR_RETURN(SharedRegion region, SharedRegion::Create(name, sizeof(NodeLeaseLayout)));
  auto* layout = new (region.data()) NodeLeaseLayout{};
  layout->version = kNodeLeaseVersion;
  layout->magic = kNodeLeaseMagic;
  return NodeLeaseOwner(std::move(region));
}

NodeLeaseOwner::~NodeLeaseOwner() {
  if (!region_.name().empty()) SharedRegion::Unlink(region_.name());  // empty: moved away
}

void NodeLeaseOwner::Set(BootTime until) {
  reinterpret_cast<NodeLeaseLayout*>(region_.data())->until_ns.store(until.count(), std::memory_order_release);
}

Result<NodeLeaseView> NodeLeaseView::Open(const std::string& name) {
  TROUPE_ASSIGN_OR_RETURN(SharedRegion region, SharedRegion::Open(name, Access::kReadOnly, sizeof(NodeLeaseLayout)));
  const auto* layout = reinterpret_cast<const NodeLeaseLayout*>(region.data());
  if (layout->magic != kNodeLeaseMagic || layout->version != kNodeLeaseVersion) {
    return FailedPrecondition("shared memory '" + name + "' holds no node lease of version " +
                              std::to_string(kNodeLeaseVersion) + "; do all processes run the same release?");
  }
  return NodeLeaseView(std::move(region));
}

BootTime NodeLeaseView::until() const {
  return BootTime(reinterpret_cast<const NodeLeaseLayout*>(region_.data())->until_ns.load(std::memory_order_acquire));
}

}  // namespace troupe::ipc
