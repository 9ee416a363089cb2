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
  std::string program;         // the path of what it runs; for people
  bool log_to_driver = false;  // drivers only
};

// "WORKER 1f3a (pid 4242, program /usr/bin/hello)", for people.
std::string NameOf(const ClientInfo& info);

}  // namespace troupe::raylet
