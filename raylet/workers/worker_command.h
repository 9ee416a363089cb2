// How workers and templates are started: command lines, environments, log files.
#pragma once

#include <string>

#include "proto/common.pb.h"
#include "raylet/programs/program_cache.h"
#include "raylet/workers/process.h"
#include "raylet/workers/worker_pool.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// <session>/logs/worker-<process>.out or .err
// Within <session_dir>/logs.
std::string WorkerLogName(ProcessId process, bool is_stderr);
std::string WorkerLogPath(const std::string& session_dir, ProcessId process, bool is_stderr);

// A template: both outputs go to `log`.
SpawnOptions TemplateCommand(const pb::Program& program, const LocalProgram& local, JobId job,
                             const std::string& cookie, const std::string& log, const WorkerPool::Options& options);

// A worker started without a template.
SpawnOptions WorkerCommand(const pb::Program& program, const LocalProgram& local, JobId job, ProcessId process,
                           const std::string& cookie, const WorkerPool::Options& options);

// The last lines of a log for an error message: "; its log ends with:\n" and the lines, or nothing when there are none.
// Blocks for one short read.
std::string EndOfLog(const std::string& path);

}  // namespace troupe::raylet
