// Starting, awaiting and ending the daemons (troupe-head, troupe-raylet) as processes of their own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/status.h"

namespace troupe {

struct DaemonOptions {
  std::string program;            // "troupe-head": found by FindProgram()
  std::vector<std::string> args;  // argv[1..]
  std::string log_dir;            // exists; standard output and error go to <log_dir>/<program>.out
  // Passes --parent-pid, so that the daemon ends with this process, whichever of its threads calls.
  bool die_with_parent = false;
};

// A daemon that was started; a plain value, destroying it ends nothing.
struct Daemon {
  std::string program;
  pid_t pid = 0;
  std::uint64_t start_time = 0;     // as in ProcessStartTime()
  std::string output_file;          // what it printed
  std::uint64_t output_offset = 0;  // where this run's output begins in it
};

enum class StopOutcome { kWasGone, kStopped, kKilled };

// All functions here are thread-safe.

// Absolute path of one of Troupe's programs: in $TROUPE_HOME/bin, beside the running executable or in a bin/ beside its
// folder, in a folder that was added, where the build was meant to be installed, or in $PATH. NotFound lists where it
// was looked for. Does not block.
Result<std::string> FindProgram(const std::string& name);

// FindProgram looks in `folder`, too. Before there are threads.
void AddProgramFolder(std::string folder);

// Starts a program in a session of its own (setsid), with nothing but /dev/null as input and a file as output, no other
// descriptors, and default signals: it outlives the caller's shell. The caller stays its parent. Blocks for the exec.
Result<Daemon> StartDaemon(const DaemonOptions& options);

// Waits until the daemon has written `ready_file` (JSON with its own "pid") and returns the text. FailedPrecondition
// with the first lines of the daemon's output when it ends first, InvalidArgument when it ends with exit status 2, for
// a value that it was given; DeadlineExceeded after `timeout`, the daemon still running.
Result<std::string> WaitReady(const Daemon& daemon, const std::string& ready_file, std::chrono::milliseconds timeout);

// Ends process `pid` that started at `start_time`: SIGTERM, and SIGKILL once `timeout` has passed. Never another
// process that has the pid by now. Blocks until it is gone.
Result<StopOutcome> StopDaemon(pid_t pid, std::uint64_t start_time, std::chrono::milliseconds timeout);

// Waits until the process is gone, `timeout` at most (negative: without limit); false when it still runs.
bool WaitGone(pid_t pid, std::uint64_t start_time, std::chrono::milliseconds timeout);

}  // namespace troupe
