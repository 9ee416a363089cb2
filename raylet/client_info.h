// ClientInfo: what the raylet knows of a process that registered.
#pragma once

#include <sys/types.h>

#include <string>

#include "proto/common.pb.h"
#include "troupe/ids.h"

namespace troupe::raylet {

struct ClientInfo {
  ProcessId process;
  pb::WorkerInfo::Kind kind = pb::WorkerInfo::KIND_UNSPECIFIED;
  pid_t pid = 0;
  JobId job;
  std::string name_space;
  std::string doorbell;        // shared-memory name; empty for templates
  bool log_to_driver = false;  // drivers only
};

}  // namespace troupe::raylet
