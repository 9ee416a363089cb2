// WorkerPool: the worker processes of this node, started from each job's template, kept while idle, and watched until
// they end.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/event_loop.h"
#include "common/status.h"
#include "proto/client.pb.h"
#include "raylet/ports/worker_port.h"
#include "raylet/programs/program_cache.h"
#include "raylet/workers/process.h"
#include "raylet/workers/watched_process.h"
#include "troupe/ids.h"

namespace troupe::raylet {

class JobTemplate;

// A worker is starting until it registers, then idle or handed out until it ends:
//
//   starting --OnRegister--> idle --Acquire--> handed out
//                             ^ \                  |
//                   Release   |  \--> retiring <---|    (retiring: asked to exit, not handed out; OnExitDeclined makes
//                             +--------------------+     it idle again, unless Retire() made it so)
//
// Loop thread only; callbacks come from the loop and never from inside a call of a method. The loop, the context (the
// loop's own) and the cache must outlive it. Workers get TROUPE_WORKER_KIND, TROUPE_RAYLET_SOCKET, TROUPE_PROCESS_ID,
// TROUPE_COOKIE, TROUPE_OWNER, TROUPE_JOB_ID and TROUPE_NODE_ID in their environment, and never the cluster's token.
class WorkerPool : public WorkerPort {
 public:
  struct Options {
    NodeId node;
    std::string session_dir;            // logs go to <session_dir>/logs, which must exist
    std::string socket_path;            // of the raylet
    std::size_t keep_idle_per_job = 2;  // kept ready once a job has used a worker: nobody waits for a fork
    std::size_t max_idle_per_job = 8;   // at most, when somebody has waited for one nevertheless
    std::size_t max_starting = 8;       // over all jobs
    std::chrono::milliseconds start_timeout{60'000};  // from start to troupe::Init
    std::chrono::milliseconds idle_timeout{60'000};   // until surplus idle workers are asked to exit
    std::chrono::milliseconds cause_timeout{500};     // for a template to say how its child ended
    std::chrono::milliseconds late_fork{5'000};       // for a fork that is not wanted any more to come and go
  };

  // Any of these may be empty.
  struct Events {
    // A worker is no longer one of the pool's, whether it had started or not.
    std::function<void()> on_removed;
    // A worker that had started is gone; once each, whether idle or handed out.
    std::function<void(const WorkerProcess&, const ExitCause&)> on_exit;
    // A worker has registered and is idle. Before it is handed out.
    std::function<void(const WorkerProcess&)> on_started;
    // Send the worker an ExitRequest: it exits, or declines when others need what it owns. Empty: idle workers are
    // never trimmed, and retired ones stay, since killing one would lose that.
    std::function<void(const WorkerProcess&)> ask_exit;
    // Something the job's user should read on the driver, once: why its workers start slowly.
    std::function<void(JobId, const std::string&)> on_note;
    // A worker is about to write to this file in <session_dir>/logs. Runs within the start.
    std::function<void(const std::string& name)> on_new_log;
    // Nobody writes any more to these files in <session_dir>/logs, of templates, and of workers of which on_started did
    // not tell.
    std::function<void(std::vector<std::string> names)> on_logs_ended;
  };

  WorkerPool(EventLoop& loop, boost::asio::io_context& context, Options options, Events events, ProgramCache& cache);
  ~WorkerPool() override;
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void AddJob(const pb::JobInfo& job) override;
  void RemoveJob(JobId job) override;

  // Hands out a registered worker of the job, exclusively, starting one when none is idle. `done` gets the worker, or
  // an error about the program (pb::Error::PROGRAM): FailedPrecondition (it ended, or never called troupe::Init; the
  // end of its log is in the message), NotFound or PermissionDenied (not there, not executable), Unavailable (no
  // package came in start_timeout), ResourceExhausted (processes); or Cancelled (RemoveJob, KillAll).
  Ticket Acquire(const pb::JobInfo& job, std::function<void(Result<WorkerProcess>)> done) override;
  void CancelAcquire(Ticket ticket) override;

  // Takes a handed-out worker back; one of an ended job is killed instead.
  void Release(ProcessId process) override;
  void Retire(ProcessId process) override;
  void OnExitDeclined(ProcessId process) override;
  // Kills the worker (SIGKILL); on_exit follows, with `reason` in its cause. Unknown workers are ignored.
  void Kill(ProcessId process, const std::string& reason) override;

  void Suspend(const std::string& reason) override;
  void Resume() override;

  Result<WorkerProcess> OnRegister(ProcessId process, pid_t pid, const std::string& cookie) override;
  Status OnTemplateConnected(pid_t pid, const std::string& cookie, SendToTemplate send) override;
  Status OnTemplateMessage(pid_t pid, const pb::ClientToRaylet& message) override;
  void OnTemplateClosed(pid_t pid) override;

  // Whether `owner` is a worker of this pool, or a job that it still serves (OwnerMark).
  bool Owns(std::uint64_t owner) const { return workers_.contains(ProcessId{owner}) || jobs_.contains(JobId{owner}); }

  // Workers and templates, in no order. `state` is "starting", "idle" or "leased"; who has a worker knows better which.
  std::vector<pb::WorkerInfo> List() const;
  std::size_t size() const override { return workers_.size(); }

  // Kills every worker and template and fails what waits; nothing starts afterwards. Blocks up to 2 s for the ends; no
  // on_exit follows.
  void KillAll();

 private:
  enum class State { kStarting, kIdle, kHandedOut, kRetiring };
  struct Worker;
  struct Job;
  struct Waiting;

  // Jobs and hand-outs (worker_pool.cc).
  Job& JobOf(const pb::JobInfo& info);
  Job* FindJob(JobId id);
  JobTemplate* TemplateOf(pid_t pid);
  void SchedulePump();
  void Pump();
  bool DeliverOne(JobId id);
  void StartMissing(Job& job);
  bool IsUnneeded(const Job& job) const;
  void FailWaiting(Job& job, const Status& why);
  void OnTemplateReady(JobId id, bool can_fork);
  void OnTemplateFailed(JobId id, const Status& why, bool retry);
  void AwaitPackage(Job& job, const Status& why);
  void StartFailed(JobId id, const Status& why, bool retry);
  void LogsEnded(std::vector<std::string> names, std::chrono::nanoseconds after = {});

  // The life of a worker (worker_life.cc).
  Status CheckDescriptors() const;
  Status StartWorker(Job& job);
  Status ExecWorker(const Job& job, Worker& worker);
  void OnForked(const pb::TemplateForked& forked, pid_t template_pid);
  void OnChildExited(const pb::TemplateChildExited& exited, pid_t template_pid);
  bool IsForkOf(const Worker& worker, pid_t template_pid);
  void OnRegistered(ProcessId id);
  void OnStartTimeout(ProcessId id);
  void OnIdleTimeout(ProcessId id);
  void OnProcessEnded(ProcessId id, std::optional<int> wait_status);
  void Watch(Worker& worker, SpawnedProcess process);
  bool TakeBack(Worker* worker, State from);
  void MakeIdle(Worker& worker, bool first_choice);
  void LeaveIdle(Worker& worker);
  void AskToExit(Worker& worker);
  void Finish(ProcessId id, ExitCause cause);
  std::unique_ptr<Worker> Remove(ProcessId id);
  Worker* FindWorker(ProcessId id);

  // Runs `work(*this)` unless the pool has gone.
  template <class Work>
  auto Guarded(Work work) {
    return [weak = std::weak_ptr(self_), work = std::move(work)] {
      if (const auto self = weak.lock()) work(**self);
    };
  }

  EventLoop& loop_;
  boost::asio::io_context& context_;
  const Options options_;
  const Events events_;
  ProgramCache& cache_;
  std::map<JobId, std::unique_ptr<Job>> jobs_;
  std::unordered_map<ProcessId, std::unique_ptr<Worker>> workers_;
  Ticket last_ticket_ = 0;
  std::size_t starting_ = 0;  // workers in that state
  bool pump_scheduled_ = false;
  bool suspended_ = false;
  bool stopped_ = false;
  std::shared_ptr<WorkerPool*> self_;  // what posted work holds weakly: gone with this
};

}  // namespace troupe::raylet
