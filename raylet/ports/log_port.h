// LogPort: the output files of this node's processes, as the raylet's core sees them.
#pragma once

#include <functional>

#include "proto/head.pb.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Loop thread. What workers print comes by RayletCore::OnOutput.
class LogPort {
 public:
  virtual ~LogPort() = default;

  // Follows a worker's output from its first byte.
  virtual void Watch(ProcessId worker) = 0;
  // Sends what the worker has printed so far within the call, but for what a flood left on the disk.
  virtual void Flush(ProcessId worker) = 0;
  // The worker has ended: sends what its files still hold, then runs `done`, now or later.
  virtual void Unwatch(ProcessId worker, std::function<void()> done) = 0;
  // Reads part of a log. `reply` runs once, later; its `request` is left to the caller.
  virtual void Read(const pb::ReadLogRequest& request, std::function<void(pb::LogChunk)> reply) = 0;
};

}  // namespace troupe::raylet
