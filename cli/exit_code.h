// The exit codes of the troupe command, as docs/cli.md promises them.
#pragma once

#include "common/status.h"

namespace troupe::cli {

enum ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,        // wrong flags or values
  kUnreachable = 3,  // no answer from the cluster, or none runs
  kNotFound = 4,     // no such node, actor, worker, job or session
  kRefused = 5,      // missing or wrong token, another version or cluster
  kInterrupted = 130,
};

ExitCode ExitCodeOf(StatusCode code);

}  // namespace troupe::cli
