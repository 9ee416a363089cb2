// ProcessObserver: whoever holds something for processes, and lets go of it when they are over.
#pragma once

#include <sys/types.h>

#include <string>

#include "proto/common.pb.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// A driver or worker that nobody speaks for any more.
struct EndedProcess {
  Address address;
  bool is_local = false;
  // Of a process of this node only.
  pb::WorkerInfo::Kind kind = pb::WorkerInfo::KIND_UNSPECIFIED;
  JobId job;
  pid_t pid = 0;
  std::string reason;

  bool is_worker() const { return is_local && kind == pb::WorkerInfo::WORKER; }
  bool is_driver() const { return is_local && kind == pb::WorkerInfo::DRIVER; }
};

// The parts of a raylet register with ProcessDeaths, which calls them in the order of registration. Loop thread.
class ProcessObserver {
 public:
  virtual ~ProcessObserver() = default;

  // A process is over, of this node or of another. Once for each process of this node, before anybody is told.
  virtual void OnProcessOver(const EndedProcess& /*process*/) {}
  // Nothing of a process of this node can touch the node's memory any more. Once, with its end or later.
  virtual void OnProcessUnmapped(ProcessId /*process*/) {}
  // Another node is over, with all that ran there: of its processes nobody tells one by one.
  virtual void OnNodeOver(NodeId /*node*/, const std::string& /*reason*/) {}
};

}  // namespace troupe::raylet
