// WatchedProcess: one process named by a pidfd, so that its end is seen at once and no stranger with a reused pid is
// ever signalled.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "common/status.h"
#include "raylet/workers/process.h"

namespace troupe::raylet {

// Loop thread only. After its destruction no callback follows and the process lives on; a child of ours is still reaped
// by the loop when it ends.
class WatchedProcess {
 public:
  // The wait status, or nullopt when the process was not our child, so that another process collected its status.
  using OnExit = std::function<void(std::optional<int> wait_status)>;

  // Takes a child from Spawn(). `on_exit` runs once, from the loop.
  WatchedProcess(boost::asio::io_context& context, SpawnedProcess process, OnExit on_exit);
  ~WatchedProcess();
  WatchedProcess(const WatchedProcess&) = delete;
  WatchedProcess& operator=(const WatchedProcess&) = delete;

  // A process that something else started. NotFound when it has ended and been reaped, or when `parent` is given and is
  // not its parent: then the pid has been reused. Pass 0 for any parent.
  static Result<SpawnedProcess> Find(pid_t pid, pid_t parent);

  // Whether an object of this kind, in this process, has still to collect the end of `pid`.
  static bool Watches(pid_t pid);

  pid_t pid() const;

  // NotFound when the process has ended.
  Status Signal(int signal);
  // The process group led by the process, which must have been started with one of its own.
  Status SignalGroup(int signal);

  // Waits for the end and reaps; true when the process has ended. Blocks up to `limit`; for shutting down only. The
  // exit callback does not run for an end seen here.
  bool WaitEnded(std::chrono::milliseconds limit);

 private:
  struct State;
  static void Wait(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;  // shared with the pending wait, which reaps the child even when nobody watches
};

}  // namespace troupe::raylet
