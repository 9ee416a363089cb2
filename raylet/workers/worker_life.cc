// The life of one worker in WorkerPool: start, registration, idleness, end.
#include <signal.h>

#include <algorithm>

#include "common/descriptor_limit.h"
#include "common/logging.h"
#include "raylet/workers/cookie.h"
#include "raylet/workers/worker_command.h"
#include "raylet/workers/worker_pool.h"
#include "raylet/workers/worker_pool_state.h"

namespace troupe::raylet {
namespace {

constexpr std::uint64_t kDescriptorsPerWorker = 4;  // its connection, its pidfd, its two logs
constexpr std::uint64_t kSpareDescriptors = 32;     // for drivers, other nodes, packages

}  // namespace

WorkerPool::Worker* WorkerPool::FindWorker(ProcessId id) {
  const auto worker = workers_.find(id);
  return worker == workers_.end() ? nullptr : worker->second.get();
}

// Without this the worker could not be accepted when it connects, and would be waited for.
Status WorkerPool::CheckDescriptors() const {
  const DescriptorUse use = LookAtDescriptors();
  if (use.HasRoom(kSpareDescriptors + (starting_ + 1) * kDescriptorsPerWorker)) return OkStatus();
  return ResourceExhausted("node " + options_.node.Hex().substr(0, 8) + " cannot take another worker: its raylet has " +
                           std::to_string(use.open) + " descriptors open and may have " + std::to_string(use.limit) +
                           "; start it with a higher limit (ulimit -Hn, or LimitNOFILE= of its service)");
}

Status WorkerPool::StartWorker(Job& job) {
  TROUPE_RETURN_IF_ERROR(CheckDescriptors());
  auto owned = std::make_unique<Worker>();
  Worker& worker = *owned;
  worker.id = ProcessId::Random();
  worker.job = job.id;
  worker.cookie = NewCookie();
  worker.forked = job.program_template->can_fork();
  for (const bool is_stderr : {false, true}) {
    if (events_.on_new_log) events_.on_new_log(WorkerLogName(worker.id, is_stderr));
  }
  if (worker.forked) {
    pb::ForkRequest request;
    request.set_process(worker.id.value);
    request.set_cookie(worker.cookie);
    request.set_stdout_path(WorkerLogPath(options_.session_dir, worker.id, false));
    request.set_stderr_path(WorkerLogPath(options_.session_dir, worker.id, true));
    job.program_template->Fork(request);
  } else {
    TROUPE_RETURN_IF_ERROR(ExecWorker(job, worker));
  }
  worker.timer =
      loop_.After(options_.start_timeout, Guarded([id = worker.id](WorkerPool& pool) { pool.OnStartTimeout(id); }));
  ++starting_;
  ++job.starting;
  ++job.workers;
  workers_.emplace(worker.id, std::move(owned));
  return OkStatus();
}

Status WorkerPool::ExecWorker(const Job& job, Worker& worker) {
  const LocalProgram& local = job.program_template->local();
  TROUPE_ASSIGN_OR_RETURN(const SpawnedProcess process,
                          Spawn(WorkerCommand(job.program, local, job.id, worker.id, worker.cookie, options_)));
  Watch(worker, process);
  return OkStatus();
}

void WorkerPool::Watch(Worker& worker, SpawnedProcess process) {
  worker.pid = process.pid;
  worker.process = std::make_unique<WatchedProcess>(
      context_, process, [this, id = worker.id](std::optional<int> status) { OnProcessEnded(id, status); });
}

// A template runs the job's program, which may say anything: it is heard about its own job's workers only.
bool WorkerPool::IsForkOf(const Worker& worker, pid_t template_pid) {
  return worker.forked && FindJob(worker.job)->program_template->pid() == template_pid;
}

void WorkerPool::OnForked(const pb::TemplateForked& forked, pid_t template_pid) {
  const ProcessId id{forked.process()};
  Worker* worker = FindWorker(id);
  // It may have registered first, over its own connection, or be given up.
  if (worker == nullptr || !IsForkOf(*worker, template_pid) || worker->process) return;
  if (forked.pid() <= 0) {
    const JobId job = worker->job;
    Remove(id);
    return StartFailed(job, ResourceExhausted("no worker could be forked: " + forked.error()), true);
  }
  worker->pid = forked.pid();
  const auto process = WatchedProcess::Find(forked.pid(), template_pid);
  // When it has ended already, the template's next message says how.
  if (process.ok()) Watch(*worker, *process);
}

void WorkerPool::OnChildExited(const pb::TemplateChildExited& exited, pid_t template_pid) {
  const auto found = std::find_if(workers_.begin(), workers_.end(), [&](const auto& entry) {
    return entry.second->pid == exited.pid() && IsForkOf(*entry.second, template_pid);
  });
  if (exited.pid() > 0 && found != workers_.end()) Finish(found->first, DescribeExit(exited.wait_status()));
}

Result<WorkerProcess> WorkerPool::OnRegister(ProcessId id, pid_t pid, const std::string& cookie) {
  TROUPE_CHECK(loop_.InLoop());
  const Status refused = PermissionDenied("process " + std::to_string(pid) +
                                          " is no worker that this raylet started, or is no longer wanted");
  Worker* worker = FindWorker(id);
  if (worker == nullptr || !CookieMatches(worker->cookie, cookie)) return refused;
  if (worker->pid != 0 && worker->pid != pid) return refused;
  if (!worker->process) {
    const Job* job = FindJob(worker->job);
    const auto process = WatchedProcess::Find(pid, job == nullptr ? 0 : job->program_template->pid());
    if (!process.ok()) return refused;
    Watch(*worker, *process);
  }
  worker->cookie.clear();
  worker->registered = true;
  loop_.Cancel(std::exchange(worker->timer, 0));
  loop_.Post(Guarded([id](WorkerPool& pool) { pool.OnRegistered(id); }));
  return worker->public_view();
}

void WorkerPool::OnRegistered(ProcessId id) {
  Worker* worker = FindWorker(id);
  if (worker == nullptr || worker->state != State::kStarting || worker->ended) return;
  Job& job = *FindJob(worker->job);
  job.failures = 0;
  --job.starting;
  --starting_;
  MakeIdle(*worker, false);  // those that have run something come first
  const WorkerProcess view = worker->public_view();
  if (events_.on_started) events_.on_started(view);
  SchedulePump();
}

void WorkerPool::MakeIdle(Worker& worker, bool first_choice) {
  worker.state = State::kIdle;
  auto& idle = FindJob(worker.job)->idle;
  idle.insert(first_choice ? idle.end() : idle.begin(), worker.id);
  if (!events_.ask_exit) return;
  worker.timer =
      loop_.After(options_.idle_timeout, Guarded([id = worker.id](WorkerPool& pool) { pool.OnIdleTimeout(id); }));
}

void WorkerPool::LeaveIdle(Worker& worker) {
  loop_.Cancel(std::exchange(worker.timer, 0));
  std::erase(FindJob(worker.job)->idle, worker.id);
}

void WorkerPool::OnIdleTimeout(ProcessId id) {
  Worker* worker = FindWorker(id);
  if (worker == nullptr || worker->state != State::kIdle) return;
  Job& job = *FindJob(worker->job);
  // It was not needed for that long.
  job.spare = std::max(job.spare / 2, std::min(job.spare, options_.keep_idle_per_job));
  const std::size_t keep = job.ended ? 0 : job.spare;
  if (job.idle.size() <= keep) {
    worker->timer = loop_.After(options_.idle_timeout, Guarded([id](WorkerPool& pool) { pool.OnIdleTimeout(id); }));
    return;
  }
  LeaveIdle(*worker);
  AskToExit(*worker);
}

void WorkerPool::AskToExit(Worker& worker) {
  worker.state = State::kRetiring;
  if (events_.ask_exit) events_.ask_exit(worker.public_view());
}

// Whether the worker is in that state and here to stay.
bool WorkerPool::TakeBack(Worker* worker, State from) {
  TROUPE_CHECK(loop_.InLoop());
  if (worker == nullptr || worker->state != from) return false;
  if (worker->ended || !worker->kill_reason.empty()) return false;  // its end is on the way to us
  if (!FindJob(worker->job)->ended) return true;
  Kill(worker->id, "its job ended");
  return false;
}

void WorkerPool::Release(ProcessId id) {
  Worker* worker = FindWorker(id);
  if (!TakeBack(worker, State::kHandedOut)) return;
  MakeIdle(*worker, true);
  SchedulePump();
}

void WorkerPool::Retire(ProcessId id) {
  Worker* worker = FindWorker(id);
  if (!TakeBack(worker, State::kHandedOut)) return;
  worker->spent = true;
  AskToExit(*worker);
  SchedulePump();
}

void WorkerPool::OnExitDeclined(ProcessId id) {
  Worker* worker = FindWorker(id);
  if (!TakeBack(worker, State::kRetiring)) return;
  if (!worker->spent) {
    MakeIdle(*worker, false);
    return SchedulePump();
  }
  loop_.Cancel(worker->timer);
  worker->timer = loop_.After(options_.idle_timeout, Guarded([id](WorkerPool& pool) {
                                if (Worker* spent = pool.FindWorker(id)) pool.AskToExit(*spent);
                              }));
}

void WorkerPool::Kill(ProcessId id, const std::string& reason) {
  TROUPE_CHECK(loop_.InLoop());
  Worker* worker = FindWorker(id);
  if (worker == nullptr) return;
  if (worker->state == State::kIdle) {
    LeaveIdle(*worker);
    worker->state = State::kRetiring;
  }
  if (worker->process) (void)worker->process->Signal(SIGKILL);  // NotFound: its end is on the way to us
  if (worker->state == State::kStarting) {
    Remove(id);  // nobody knows of it; a fork still to come is refused when it registers, and exits
    return SchedulePump();
  }
  worker->kill_reason = reason;
}

void WorkerPool::OnStartTimeout(ProcessId id) {
  Worker* worker = FindWorker(id);
  if (worker == nullptr || worker->state != State::kStarting) return;
  if (worker->process) (void)worker->process->Signal(SIGKILL);  // NotFound: it has just ended
  const auto removed = Remove(id);
  const Job& job = *FindJob(removed->job);
  StartFailed(
      removed->job,
      FailedPrecondition("worker " + id.Hex() + " of program " + job.program.path() +
                         " did not come to troupe::Init within " + std::to_string(options_.start_timeout.count()) +
                         " ms" + EndOfLog(WorkerLogPath(options_.session_dir, id, true))),
      false);
}

void WorkerPool::OnProcessEnded(ProcessId id, std::optional<int> wait_status) {
  if (wait_status) return Finish(id, DescribeExit(*wait_status));
  Worker* worker = FindWorker(id);
  if (worker == nullptr) return;
  // Its template has the status and is about to tell us.
  worker->ended = true;
  loop_.Cancel(worker->timer);
  if (worker->state == State::kIdle) {
    LeaveIdle(*worker);
    worker->state = State::kRetiring;
  }
  worker->timer =
      loop_.After(options_.cause_timeout, Guarded([id](WorkerPool& pool) { pool.Finish(id, UnknownExit()); }));
}

std::unique_ptr<WorkerPool::Worker> WorkerPool::Remove(ProcessId id) {
  const auto found = workers_.find(id);
  TROUPE_CHECK(found != workers_.end());
  std::unique_ptr<Worker> worker = std::move(found->second);
  workers_.erase(found);
  if (events_.on_removed) loop_.Post(Guarded([](WorkerPool& pool) { pool.events_.on_removed(); }));
  loop_.Cancel(worker->timer);
  Job& job = *FindJob(worker->job);
  --job.workers;
  if (worker->state == State::kIdle) LeaveIdle(*worker);
  if (worker->state == State::kStarting) {
    --job.starting;
    --starting_;
    // A fork that has been asked for makes its files when it comes, even if it is refused then.
    LogsEnded({WorkerLogName(id, false), WorkerLogName(id, true)}, options_.late_fork);
  }
  return worker;
}

void WorkerPool::Finish(ProcessId id, ExitCause cause) {
  if (FindWorker(id) == nullptr) return;
  const auto worker = Remove(id);
  SchedulePump();
  if (worker->state == State::kStarting) {
    const std::string program = FindJob(worker->job)->program.path();
    const bool killed = !cause.known || (cause.wait_status & 0x7f) == SIGKILL;
    return StartFailed(
        worker->job,
        FailedPrecondition("worker " + id.Hex() + " of program " + program + " " + cause.text + " before it was ready" +
                           EndOfLog(WorkerLogPath(options_.session_dir, id, true))),
        killed || worker->registered);
  }
  if (!worker->kill_reason.empty()) cause.text = "killed by its raylet: " + worker->kill_reason;
  if (!events_.on_exit) return;
  loop_.Post(Guarded([view = worker->public_view(), cause = std::move(cause)](WorkerPool& pool) {
    pool.events_.on_exit(view, cause);
  }));
}

}  // namespace troupe::raylet
