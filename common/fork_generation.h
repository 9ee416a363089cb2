// ForkGeneration: tells a process that was forked what it must not touch.
#pragma once

#include <atomic>
#include <cstdint>

namespace troupe {

namespace internal {
extern std::atomic<std::uint32_t> fork_generation;
}

// How often the memory of this process has been copied by fork(2) since the program started. What connects a process to
// others belongs to the one that made it: a fork has a copy of its locks, which threads it has no copy of may hold, and
// the very same sockets and shared memory. Who keeps the generation that it was made in can tell. Any thread; costs one
// load.
inline std::uint32_t ForkGeneration() { return internal::fork_generation.load(std::memory_order_relaxed); }

}  // namespace troupe
