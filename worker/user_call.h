// Runs one function of the user's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "client/runtime_impl.h"
#include "troupe/internal/runtime.h"

namespace troupe::worker {

struct UserCall {
  const internal::Function* function = nullptr;      // that has an `invoke`
  void* instance = nullptr;                          // of a method
  std::span<const std::byte> values;                 // the arguments given by value
  std::vector<internal::ResolvedArgument> resolved;  // the others
};

// What a call gave: a serialised result, or an error.
struct UserResult {
  internal::Payload value;
  std::optional<ErrorInfo> error;
  bool exit = false;  // ExitActor
};

// To be called when user code returns, with ForkGeneration() from before it ran. A child that user code forked and that
// comes back to us has its parent's rings and locks and would answer its calls: it ends here.
void EndFork(std::uint32_t generation);

// With the thread as `state` says. `lock`, on the runtime's mutex, is held before and after, and not meanwhile.
UserResult RunUserCall(std::unique_lock<std::mutex>& lock, const UserCall& call,
                       const client::RuntimeImpl::ThreadState& state);

}  // namespace troupe::worker
