// Runs functions of the user's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "client/runtime_impl.h"
#include "common/fork_generation.h"
#include "troupe/internal/runtime.h"
#include "worker/current_exception.h"

namespace troupe::worker {

// To be called when user code returns, with ForkGeneration() from before it ran. A child that user code forked and that
// comes back to us has its parent's rings and locks and would answer its calls: it ends here.
void EndFork(std::uint32_t generation);

// Runs `code` with the thread as `state` says, and returns what it threw. `lock`, on the runtime's mutex, is held
// before and after, and not meanwhile.
template <class Code>
std::optional<ErrorInfo> RunUserCode(std::unique_lock<std::mutex>& lock, const client::RuntimeImpl::ThreadState& state,
                                     Code&& code) {
  lock.unlock();
  const client::RuntimeImpl::ThreadState outer = client::RuntimeImpl::SetThread(state);
  const std::uint32_t generation = ForkGeneration();
  std::optional<ErrorInfo> error;
  try {
    code();
  } catch (...) {
    error = DescribeCurrentException();
  }
  EndFork(generation);
  client::RuntimeImpl::SetThread(outer);
  lock.lock();
  return error;
}

struct UserCall {
  const internal::Function* function = nullptr;      // that has an `invoke`
  void* instance = nullptr;                          // of a method
  std::span<const std::byte> values;                 // the arguments given by value
  std::vector<internal::ResolvedArgument> resolved;  // the others
};

// What a call came to, beside the results that it has written.
struct UserOutcome {
  std::optional<ErrorInfo> error;  // what was written is of no use then
  bool exit = false;               // ExitActor
};

// As RunUserCode.
UserOutcome RunUserCall(std::unique_lock<std::mutex>& lock, const UserCall& call,
                        const client::RuntimeImpl::ThreadState& state, internal::ResultSink& results);

inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace troupe::worker
