// The records of WorkerPool, private to its two source files.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "raylet/workers/job_template.h"
#include "raylet/workers/watched_process.h"
#include "raylet/workers/worker_pool.h"

namespace troupe::raylet {

struct WorkerPool::Worker {
  ProcessId id;
  JobId job;
  State state = State::kStarting;
  bool forked = false;
  bool registered = false;  // OnRegister() came; still kStarting until on_started has run
  bool ended = false;       // only the cause is still awaited
  bool spent = false;       // not to be handed out again
  pid_t pid = 0;            // 0: forked and not yet known
  std::string cookie;       // empty once used
  std::string kill_reason;
  TimerId timer = 0;  // of the state: start, idle or cause timeout
  std::unique_ptr<WatchedProcess> process;

  WorkerProcess public_view() const { return {.process = id, .job = job, .pid = pid}; }
};

struct WorkerPool::Waiting {
  Ticket ticket;
  std::function<void(Result<WorkerProcess>)> done;
  std::optional<Status> error;  // set: deliver this
};

struct WorkerPool::Job {
  JobId id;
  pb::Program program;
  std::unique_ptr<JobTemplate> program_template;
  std::deque<Waiting> waiting;
  std::vector<ProcessId> idle;  // used from the back: the warmest first
  std::size_t starting = 0;
  std::size_t workers = 0;      // in any state
  std::size_t forking_for = 0;  // of those that wait, at the last look
  int failures = 0;             // starts that failed in a row for reasons that may pass
  TimerId package_timer = 0;    // set: waits for the program's package
  std::size_t spare = 0;        // workers to keep ready beyond those that it waits for
  bool ended = false;
  bool noted = false;  // its user was told why it cannot fork
};

}  // namespace troupe::raylet
