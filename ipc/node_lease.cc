#include "ipc/node_lease.h"

#include <linux/futex.h>
#include <time.h>

#include <new>
#include <utility>

#include "common/check.h"
#include "ipc/node_lease_layout.h"

namespace troupe::ipc {
namespace {

// The kernel clears the holder of a robust mutex when the thread that holds it ends, however that happens.
void Hold(pthread_mutex_t* mutex) {
  pthread_mutexattr_t attributes;
  TROUPE_CHECK(pthread_mutexattr_init(&attributes) == 0);
  TROUPE_CHECK(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
  TROUPE_CHECK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
  TROUPE_CHECK(pthread_mutex_init(mutex, &attributes) == 0);
  pthread_mutexattr_destroy(&attributes);
  TROUPE_CHECK(pthread_mutex_lock(mutex) == 0);
}

}  // namespace

BootTime BootTimeNow() {
  timespec now{};
  TROUPE_CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

Result<NodeLeaseOwner> NodeLeaseOwner::Create(const std::string& name) {
  TROUPE_ASSIGN_OR_RETURN(SharedRegion region, SharedRegion::Create(name, sizeof(NodeLeaseLayout)));
  auto* layout = new (region.data()) NodeLeaseLayout{};
  Hold(&layout->raylet);
  layout->version = kNodeLeaseVersion;
  layout->magic = kNodeLeaseMagic;
  return NodeLeaseOwner(std::move(region));
}

NodeLeaseOwner::~NodeLeaseOwner() {
  if (region_.name().empty()) return;  // moved away
  // The memory goes, and the thread's list of what it holds must not lead there.
  TROUPE_CHECK(pthread_mutex_unlock(&reinterpret_cast<NodeLeaseLayout*>(region_.data())->raylet) == 0);
  SharedRegion::Unlink(region_.name());
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

// Not by pthread_mutex_trylock, which writes.
bool NodeLeaseView::raylet_lives() const {
  const auto* layout = reinterpret_cast<const NodeLeaseLayout*>(region_.data());
  return (__atomic_load_n(&layout->raylet.__data.__lock, __ATOMIC_ACQUIRE) & FUTEX_TID_MASK) != 0;
}

}  // namespace troupe::ipc
