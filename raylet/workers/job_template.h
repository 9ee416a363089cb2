// JobTemplate: a job's template process on this node, the loaded program that workers are forked from.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/event_loop.h"
#include "common/status.h"
#include "proto/client.pb.h"
#include "raylet/programs/program_cache.h"
#include "raylet/workers/process.h"
#include "raylet/workers/watched_process.h"
#include "raylet/workers/worker_pool.h"

namespace troupe::raylet {

// Loop thread only; callbacks come from the loop, never from inside a call. States:
//
//   none --Start--> locating --> starting --OnReady--> ready        (can fork)
//     ^                |            |            \---> exec only    (had threads: is killed, each worker is an exec)
//     +----- any end: on_failed ----+------- ready
class JobTemplate {
 public:
  // `retry`: the failure says nothing about the program (killed from outside, or after it had been ready).
  struct Events {
    std::function<void(bool can_fork)> on_ready;
    std::function<void(const Status& why, bool retry)> on_failed;
  };

  JobTemplate(EventLoop& loop, boost::asio::io_context& context, const WorkerPool::Options& options,
              ProgramCache& cache, JobId job, Events events);
  // Kills the process.
  ~JobTemplate();
  JobTemplate(const JobTemplate&) = delete;
  JobTemplate& operator=(const JobTemplate&) = delete;

  // Locates the program and starts it, unless that is under way or done.
  void Start(const pb::Program& program);
  // Kills the process and goes back to none; no callback follows.
  void Stop();
  // The same, and waits for the process to end. Blocks.
  void StopAndWait(std::chrono::milliseconds limit);

  bool starting() const { return state_ == State::kLocating || state_ == State::kStarting; }
  bool can_fork() const { return state_ == State::kReady; }
  bool exec_only() const { return state_ == State::kExecOnly; }
  pid_t pid() const { return process_ ? process_->pid() : 0; }
  // As it was when Start() was last called.
  const pb::Program& program() const { return program_; }
  // Of the file in <session_dir>/logs that it writes to.
  std::string LogName() const;
  // Once exec_only().
  const LocalProgram& local() const { return local_; }

  bool AcceptsCookie(const std::string& cookie) const;
  void OnConnected(WorkerPool::SendToTemplate send) { send_ = std::move(send); }
  void OnReady(std::uint32_t threads);
  void OnClosed();
  // Only while can_fork().
  void Fork(const pb::ForkRequest& request);

 private:
  enum class State { kNone, kLocating, kStarting, kReady, kExecOnly };

  void OnLocated(Result<LocalProgram> local);
  void OnExit(std::optional<int> wait_status);
  void OnTimeout();
  void Fail(const Status& why, bool retry);
  std::string LogPath() const;

  EventLoop& loop_;
  boost::asio::io_context& context_;
  const WorkerPool::Options& options_;
  ProgramCache& cache_;
  const JobId job_;
  const Events events_;
  State state_ = State::kNone;
  pb::Program program_;
  LocalProgram local_;
  std::string cookie_;
  WorkerPool::SendToTemplate send_;
  std::unique_ptr<WatchedProcess> process_;
  TimerId timer_ = 0;
  std::uint64_t start_ = 0;             // counts Start()s, so that answers to an earlier one are ignored
  std::shared_ptr<JobTemplate*> self_;  // what callbacks hold weakly: gone with this
};

}  // namespace troupe::raylet
