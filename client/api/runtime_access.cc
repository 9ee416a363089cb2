#include "troupe/internal/runtime_access.h"

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "common/fork_generation.h"
#include "troupe/init.h"
#include "troupe/internal/throw.h"

namespace troupe {
namespace internal {
namespace {

// Read by every call, so without a lock; the owner beside it changes only in Init and Shutdown.
std::atomic<Runtime*> current = nullptr;

// Of the process that the runtime belongs to.
std::uint32_t generation = 0;
pid_t owner_pid = 0;

// Never destroyed: refs of static storage may outlive main().
std::shared_ptr<Runtime>& Owner() {
  static auto& owner = *new std::shared_ptr<Runtime>;
  return owner;
}

}  // namespace

std::shared_ptr<Runtime> SetRuntime(std::shared_ptr<Runtime> runtime) {
  generation = ForkGeneration();
  owner_pid = getpid();
  current.store(runtime.get(), std::memory_order_release);
  return std::exchange(Owner(), std::move(runtime));
}

void RefuseFork() {
  if (current.load(std::memory_order_acquire) == nullptr || generation == ForkGeneration()) return;
  ThrowUsage("process " + std::to_string(getpid()) + " is a fork of process " + std::to_string(owner_pid) +
             ", which has joined the cluster, and has no part in it: use the library in the parent, or execute another "
             "program, which calls troupe::Init itself");
}

Runtime& Runtime::Get() {
  Runtime* const runtime = current.load(std::memory_order_acquire);
  if (runtime == nullptr) ThrowUsage("this process has joined no cluster; call troupe::Init first");
  if (generation != ForkGeneration()) RefuseFork();
  return *runtime;
}

bool Runtime::IsInitialized() {
  return current.load(std::memory_order_acquire) != nullptr && generation == ForkGeneration();
}

}  // namespace internal

bool IsInitialized() { return internal::Runtime::IsInitialized(); }

}  // namespace troupe
