// SeqCstFence(): a full memory fence that ThreadSanitizer accepts.
#pragma once

#include <atomic>

#if defined(__SANITIZE_THREAD__)
#define TROUPE_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TROUPE_THREAD_SANITIZER 1
#endif
#endif

namespace troupe::ipc {

// Orders every earlier store of this thread before every later load. ThreadSanitizer knows no fences (GCC refuses them
// under it), so there an atomic exchange of a shared word stands in, which is a full fence on the machines it runs on.
inline void SeqCstFence() {
#ifdef TROUPE_THREAD_SANITIZER
  static std::atomic<int> word{0};
  word.exchange(0, std::memory_order_seq_cst);
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

}  // namespace troupe::ipc
