#include "troupe/internal/runtime_access.h"

#include <atomic>
#include <utility>

#include "troupe/init.h"
#include "troupe/internal/throw.h"

namespace troupe {
namespace internal {
namespace {

// Read by every call, so without a lock; the owner beside it changes only in Init and Shutdown.
std::atomic<Runtime*> current = nullptr;

// Never destroyed: refs of static storage may outlive main().
std::shared_ptr<Runtime>& Owner() {
  static auto& owner = *new std::shared_ptr<Runtime>;
  return owner;
}

}  // namespace

std::shared_ptr<Runtime> SetRuntime(std::shared_ptr<Runtime> runtime) {
  current.store(runtime.get(), std::memory_order_release);
  return std::exchange(Owner(), std::move(runtime));
}

Runtime& Runtime::Get() {
  Runtime* const runtime = current.load(std::memory_order_acquire);
  if (runtime == nullptr) ThrowUsage("this process has joined no cluster; call troupe::Init first");
  return *runtime;
}

bool Runtime::IsInitialized() { return current.load(std::memory_order_acquire) != nullptr; }

}  // namespace internal

bool IsInitialized() { return internal::Runtime::IsInitialized(); }

}  // namespace troupe
