// The drivers of this node, as the raylet's core sees them: processes of users, and programs that were submitted.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>

#include "common/status.h"
#include "proto/head.pb.h"

namespace troupe::raylet {

// One watched process; destroying it ends the watch.
class DriverProcess {
 public:
  virtual ~DriverProcess() = default;
  // NotFound when the process has ended.
  virtual Status Signal(int signal) = 0;
};

// Loop thread.
class DriverProcesses {
 public:
  virtual ~DriverProcesses() = default;
  // `on_exit` runs once, later. Null when the process has ended already, or cannot be watched.
  virtual std::unique_ptr<DriverProcess> Watch(pid_t pid, std::function<void()> on_exit) = 0;
};

// Loop thread. What becomes of them is reported by RayletCore::OnDriverUpdate.
class SubmittedDrivers {
 public:
  virtual ~SubmittedDrivers() = default;

  // Starts the driver, fetching the job's package first when it has one: then argv[0] is a file of the package, "bin/x"
  // or "x", and otherwise an absolute path or the name of a program in PATH. A submission that runs is not started
  // again. Every failure comes as an update, but that the head cannot be reached for the package: then it waits.
  virtual void Run(const pb::RunDriver& command) = 0;
  // Ends the driver's process group, softly first. A driver that has not started never will. Unknown submissions are
  // ignored.
  virtual void Stop(const pb::StopDriver& command) = 0;
};

}  // namespace troupe::raylet
