// OwnerMark: how a process, and all that it starts, bears the name of the worker, driver or job that it belongs to.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "troupe/ids.h"

namespace troupe {

// In the environment, TROUPE_OWNER=<node>/<owner>, both in hexadecimal digits: whatever a process starts inherits it,
// however often it forks and daemonises. The system shows the environment that a program was started with, in the
// memory where it was put: a fork that is to bear another name writes there.
struct OwnerMark {
  static constexpr const char* kVariable = "TROUPE_OWNER";

  NodeId node;
  std::uint64_t owner = 0;  // a worker's process id, a job's id, or any that its raylet made up

  std::string Text() const;
};

// Whose the process is; nullopt when it bears no mark, has ended, or is another user's. Any thread.
std::optional<OwnerMark> MarkOf(pid_t pid);

// Whether the process has any environment to bear a mark in: it has none in the middle of execve(2), once it has ended,
// and where it was started with none. Any thread.
bool ShowsEnvironment(pid_t pid);

// Makes this process, and what it starts from now on, its worker's, if it bears a mark.
void TakeMark(std::uint64_t owner);

// Kills (SIGKILL) every process that bears a mark of `node`, again until none is found twice: they may be starting
// others, or a program, and show no mark at that moment. Returns how many it killed. Blocks, `limit` at most. Never a
// process that has reused the id of one that ended.
std::size_t KillMarked(NodeId node, std::chrono::milliseconds limit);

}  // namespace troupe
