// The process's runtime: set by Init, taken away by Shutdown.
#pragma once

#include <memory>

#include "troupe/internal/runtime.h"

namespace troupe::internal {

// What Runtime::Get() returns from now on; null: nothing. Returns the one before. Keeps `runtime` alive. Not while
// another thread uses the library.
std::shared_ptr<Runtime> SetRuntime(std::shared_ptr<Runtime> runtime);

// Throws UsageError in a process that was forked from one with a runtime: it has a copy of everything but the threads.
void RefuseFork();

}  // namespace troupe::internal
