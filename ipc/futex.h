// futex(2): sleep while a word has a value. Shared between processes; the kernel keeps no state of it, so a process
// that is killed while it waits or wakes leaves nothing behind.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>

namespace troupe::ipc {

// Sleeps while `word` is `seen`, at most `timeout` (not negative). May return early for no reason.
inline void FutexWait(std::atomic<std::uint32_t>* word, std::uint32_t seen, std::chrono::nanoseconds timeout) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timespec limit{static_cast<time_t>(seconds.count()), static_cast<long>((timeout - seconds).count())};
  syscall(SYS_futex, word, FUTEX_WAIT, seen, &limit, nullptr, 0);
}

// Wakes everyone who sleeps on `word`.
inline void FutexWakeAll(std::atomic<std::uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace troupe::ipc
