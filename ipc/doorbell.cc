#include "ipc/doorbell.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

#include "ipc/doorbell_layout.h"
#include "ipc/fence.h"
#include "ipc/futex.h"

namespace troupe::ipc {

Status CreateDoorbellRegion(const std::string& name) {
  TROUPE_ASSIGN_OR_RETURN(const SharedRegion region, SharedRegion::Create(name, sizeof(DoorbellLayout)));
  auto* layout = new (region.data()) DoorbellLayout{};
  layout->version = kDoorbellVersion;
  layout->magic = kDoorbellMagic;
  return OkStatus();
}

Result<Doorbell> Doorbell::Open(const std::string& name) {
  TROUPE_ASSIGN_OR_RETURN(SharedRegion region, SharedRegion::Open(name, Access::kReadWrite, sizeof(DoorbellLayout)));
  Doorbell bell(std::move(region));
  if (bell.layout()->magic != kDoorbellMagic || bell.layout()->version != kDoorbellVersion) {
    return FailedPrecondition("shared memory '" + name + "' holds no doorbell of version " +
                              std::to_string(kDoorbellVersion) + "; do all processes run the same release?");
  }
  return bell;
}

DoorbellLayout* Doorbell::layout() const { return reinterpret_cast<DoorbellLayout*>(region_.data()); }

void Doorbell::Ring() const {
  SeqCstFence();
  DoorbellLayout* bell = layout();
  if (bell->sleeping.load(std::memory_order_relaxed) == 0) return;
  // Whoever takes the flag wakes all; others need not, and a burst of messages to a process that is waking up costs one
  // system call. The flag before the word: a waiter reads the word before it sets the flag, so that one whose flag was
  // taken here holds an old word and does not fall asleep.
  if (bell->sleeping.exchange(0, std::memory_order_acq_rel) != 0) RingAlways();
}

void Doorbell::RingAlways() const {
  layout()->word.fetch_add(1, std::memory_order_acq_rel);
  FutexWakeAll(&layout()->word);
}

// Counts the sleepers in private memory: a count that peers could write to would stay wrong once scribbled over.
struct OwnDoorbell::Waiters {
  std::mutex mutex;
  int count = 0;
};

OwnDoorbell::OwnDoorbell(Doorbell bell) : bell_(std::move(bell)), waiters_(std::make_unique<Waiters>()) {}
OwnDoorbell::~OwnDoorbell() = default;

Result<std::unique_ptr<OwnDoorbell>> OwnDoorbell::Open(const std::string& name) {
  TROUPE_ASSIGN_OR_RETURN(Doorbell bell, Doorbell::Open(name));
  return std::unique_ptr<OwnDoorbell>(new OwnDoorbell(std::move(bell)));
}

std::uint32_t OwnDoorbell::Prepare() {
  std::uint32_t word;
  {
    const std::lock_guard lock(waiters_->mutex);
    ++waiters_->count;
    word = bell_.layout()->word.load(std::memory_order_acquire);
    bell_.layout()->sleeping.store(1, std::memory_order_release);
  }
  SeqCstFence();
  return word;
}

void OwnDoorbell::Wait(std::uint32_t word, std::chrono::nanoseconds timeout) {
  timeout = std::clamp<std::chrono::nanoseconds>(timeout, std::chrono::nanoseconds::zero(), kDoorbellTimeout);
  FutexWait(&bell_.layout()->word, word, timeout);
}

void OwnDoorbell::Finish() {
  const std::lock_guard lock(waiters_->mutex);
  if (--waiters_->count == 0) bell_.layout()->sleeping.store(0, std::memory_order_relaxed);
}

}  // namespace troupe::ipc
