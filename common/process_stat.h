// What /proc says about a process: enough to tell it from a later one with the same pid.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

struct ProcessStat {
  char state = 0;                // as in proc(5): 'R', 'S', …
  std::uint64_t start_time = 0;  // clock ticks since boot

  bool running() const { return state != 'Z' && state != 'X'; }
};

// nullopt when there is no such process, not even a zombie. Any thread; does not block.
std::optional<ProcessStat> ReadProcessStat(pid_t pid);

// Two processes that get the same text mean the same process by the same pid: they run in one pid namespace of one boot
// of one machine. Empty when that cannot be told.
std::string PidSpace();

}  // namespace troupe
