// WorkerProcess: names one live worker of this node.
#pragma once

#include <sys/types.h>

#include "troupe/ids.h"

namespace troupe::raylet {

struct WorkerProcess {
  ProcessId process;
  JobId job;
  pid_t pid = 0;
};

}  // namespace troupe::raylet
