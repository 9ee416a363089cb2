// WorkerLogs: the real LogPort: output files are followed while their processes live, and kept or deleted afterwards.
#pragma once

#include <functional>
#include <utility>

#include "raylet/logs/log_keeper.h"
#include "raylet/logs/log_monitor.h"
#include "raylet/ports/log_port.h"
#include "raylet/workers/worker_command.h"

namespace troupe::raylet {

// Loop thread. Both arguments outlive it.
class WorkerLogs : public LogPort {
 public:
  WorkerLogs(LogMonitor& monitor, LogKeeper& keeper) : monitor_(monitor), keeper_(keeper) {}

  void Watch(ProcessId worker) override { monitor_.Watch(worker); }
  void Flush(ProcessId worker) override { monitor_.Flush(worker); }
  void Unwatch(ProcessId worker, std::function<void()> done) override {
    monitor_.Unwatch(worker, [&keeper = keeper_, worker, done = std::move(done)] {
      done();
      keeper.OnEnded({WorkerLogName(worker, false), WorkerLogName(worker, true)});
    });
  }
  void Read(const pb::ReadLogRequest& request, std::function<void(pb::LogChunk)> reply) override {
    monitor_.Read(request, std::move(reply));
  }

 private:
  LogMonitor& monitor_;
  LogKeeper& keeper_;
};

}  // namespace troupe::raylet
