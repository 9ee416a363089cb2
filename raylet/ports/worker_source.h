// WorkerSource: where leases and actors get their worker processes from.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/status.h"
#include "proto/common.pb.h"
#include "raylet/ports/worker_process.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// The part of the worker pool that leases and actors use; an interface so that tests need no processes. Loop thread.
class WorkerSource {
 public:
  using Ticket = std::uint64_t;  // 0: none
  virtual ~WorkerSource() = default;

  // Hands `done` an idle worker of the job, exclusively, now or later, once; or why its program cannot be started here.
  virtual Ticket Acquire(const pb::JobInfo& job, std::function<void(Result<WorkerProcess>)> done) = 0;
  // `done` will not be called. Ignored when it has been.
  virtual void CancelAcquire(Ticket ticket) = 0;
  // A task worker that may be handed out again.
  virtual void Release(ProcessId worker) = 0;
  // One that must not be handed out again: it is asked to exit, as often as others still need what it owns.
  virtual void Retire(ProcessId worker) = 0;
  // Kills the worker; its exit is reported as any other.
  virtual void Kill(ProcessId worker, const std::string& reason) = 0;
};

}  // namespace troupe::raylet
