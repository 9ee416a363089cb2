// TROUPE_CHECK: ends the process when one of our own invariants is broken. Never for what a peer, a user,
// the operating system or a disk did: those get a Status.
#pragma once

namespace troupe::internal {
// Prints "FILE:LINE: check failed: CONDITION" with a stack trace to standard error and aborts.
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);
}  // namespace troupe::internal

#define TROUPE_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::troupe::internal::CheckFailed(#condition, __FILE__, __LINE__))
