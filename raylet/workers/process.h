// Starting child processes, and saying how a process ended.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/status.h"

namespace troupe::raylet {

// What to run and in which surroundings. The child gets /dev/null as standard input, default signal dispositions, an
// empty signal mask, and none of the parent's other descriptors.
struct SpawnOptions {
  std::string program;                   // path of the file to execute; never searched for in PATH
  std::vector<std::string> argv;         // argv[0] included
  std::vector<std::string> environment;  // "NAME=value", the whole of it
  std::string directory;                 // working directory; empty: the parent's
  std::string stdout_path;               // appended to; made with mode 0600. Empty: /dev/null
  std::string stderr_path;               // may equal stdout_path
  // The kernel kills the child (SIGKILL) when the thread that called Spawn() ends, so call it on one that stays.
  bool die_with_parent = true;
  bool own_process_group = false;  // its process group id is its pid
};

// A child that runs. Whoever holds it owns `pidfd` and must reap the child (WatchedProcess does both).
struct SpawnedProcess {
  pid_t pid = 0;
  int pidfd = -1;
  bool leads_group = false;  // what is left of its process group is killed when it ends
};

// Starts a program. Blocks until it executes or has failed to (about a millisecond). Any thread that outlives the
// child. Errors name the program and the step: NotFound (no such program or directory), PermissionDenied (not
// executable), ResourceExhausted (processes, descriptors, memory), otherwise what errno says.
Result<SpawnedProcess> Spawn(const SpawnOptions& options);

// How a process ended.
struct ExitCause {
  bool known = false;
  int wait_status = 0;  // as of waitpid(2), when known
  std::string text;     // "exited with status 1", "killed by signal 11 (SIGSEGV)"
};

ExitCause DescribeExit(int wait_status);

// For processes that somebody else reaped.
ExitCause UnknownExit();

// The raylet's own environment without its TROUPE_ variables: what every process it starts begins with.
std::vector<std::string> InheritedEnvironment();

// "NAME=value" replacing an earlier entry of the same name.
void SetVariable(const std::string& name, const std::string& value, std::vector<std::string>* environment);

// Puts `path` before what LD_LIBRARY_PATH already holds; nothing for an empty path.
void PrependLibraryPath(const std::string& path, std::vector<std::string>* environment);

}  // namespace troupe::raylet
