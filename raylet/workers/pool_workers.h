// PoolWorkers: the worker pool as leases and actors see it.
#pragma once

#include <string>
#include <utility>

#include "raylet/workers/worker_pool.h"
#include "raylet/workers/worker_source.h"

namespace troupe::raylet {

class PoolWorkers : public WorkerSource {
 public:
  explicit PoolWorkers(WorkerPool& pool) : pool_(pool) {}

  Ticket Acquire(const pb::JobInfo& job, std::function<void(Result<WorkerProcess>)> done) override {
    return pool_.Acquire(job, std::move(done));
  }
  void CancelAcquire(Ticket ticket) override { pool_.CancelAcquire(ticket); }
  void Release(ProcessId worker) override { pool_.Release(worker); }
  void Retire(ProcessId worker) override { pool_.Retire(worker); }
  void Kill(ProcessId worker, std::string reason) override { pool_.Kill(worker, reason); }

 private:
  WorkerPool& pool_;
};

}  // namespace troupe::raylet
