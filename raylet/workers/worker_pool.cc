#include "raylet/workers/worker_pool.h"

#include <algorithm>

#include "common/logging.h"
#include "raylet/programs/job_table.h"
#include "raylet/workers/worker_pool_state.h"

namespace troupe::raylet {
namespace {

constexpr int kStartAttempts = 3;
constexpr std::chrono::milliseconds kKillLimit{2'000};

std::chrono::milliseconds Remaining(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

}  // namespace

WorkerPool::WorkerPool(EventLoop& loop, boost::asio::io_context& context, Options options, Events events,
                       ProgramCache& cache)
    : loop_(loop),
      context_(context),
      options_(std::move(options)),
      events_(std::move(events)),
      cache_(cache),
      self_(std::make_shared<WorkerPool*>(this)) {}

WorkerPool::~WorkerPool() = default;

WorkerPool::Job* WorkerPool::FindJob(JobId id) {
  const auto job = jobs_.find(id);
  return job == jobs_.end() ? nullptr : job->second.get();
}

WorkerPool::Job& WorkerPool::JobOf(const pb::JobInfo& info) {
  TROUPE_CHECK(loop_.InLoop());
  const JobId id{info.id()};
  auto& job = jobs_[id];
  if (!job) {
    job = std::make_unique<Job>();
    job->id = id;
    job->ended = JobEnded(info);
    job->program_template = std::make_unique<JobTemplate>(
        loop_, context_, options_, cache_, id,
        JobTemplate::Events{
            .on_ready = [this, id](bool can_fork) { OnTemplateReady(id, can_fork); },
            .on_failed = [this, id](const Status& why, bool retry) { OnTemplateFailed(id, why, retry); }});
  }
  if (info.has_program()) job->program = info.program();
  return *job;
}

void WorkerPool::AddJob(const pb::JobInfo& info) {
  if (stopped_) return;
  Job& job = JobOf(info);
  loop_.Cancel(std::exchange(job.package_timer, 0));
  const auto origin = NodeId::FromBytes(job.program.origin());
  if (!job.ended && origin == options_.node && !job.program_template->exec_only()) {
    job.program_template->Start(job.program);
  }
  SchedulePump();
}

void WorkerPool::RemoveJob(JobId id) {
  TROUPE_CHECK(loop_.InLoop());
  Job* job = FindJob(id);
  if (job == nullptr) return;
  job->ended = true;
  FailWaiting(*job, Cancelled("job " + id.Hex() + " has ended"));
  std::vector<ProcessId> surplus;
  for (const auto& [process, worker] : workers_) {
    if (worker->job == id && worker->state != State::kHandedOut) surplus.push_back(process);
  }
  for (ProcessId process : surplus) Kill(process, "its job ended");
  SchedulePump();
}

WorkerPool::Ticket WorkerPool::Acquire(const pb::JobInfo& info, std::function<void(Result<WorkerProcess>)> done) {
  const Ticket ticket = ++last_ticket_;
  std::optional<Status> error;
  if (stopped_) error = Cancelled("the raylet is stopping");
  JobOf(info).waiting.push_back({.ticket = ticket, .done = std::move(done), .error = std::move(error)});
  SchedulePump();
  return ticket;
}

void WorkerPool::CancelAcquire(Ticket ticket) {
  TROUPE_CHECK(loop_.InLoop());
  for (auto& [id, job] : jobs_) {
    std::erase_if(job->waiting, [ticket](const Waiting& waiting) { return waiting.ticket == ticket; });
  }
  SchedulePump();
}

// Hand-outs happen in a turn of their own, so that no callback runs inside a call and a ticket can be withdrawn until
// its worker is really given.
void WorkerPool::SchedulePump() {
  if (std::exchange(pump_scheduled_, true)) return;
  loop_.Post(Guarded([](WorkerPool& pool) { pool.Pump(); }));
}

void WorkerPool::Pump() {
  pump_scheduled_ = false;
  std::vector<JobId> ids;
  for (const auto& [id, job] : jobs_) ids.push_back(id);
  for (JobId id : ids) {
    while (DeliverOne(id)) {
    }
    // Callbacks may have changed anything.
    Job* job = FindJob(id);
    if (job == nullptr) continue;
    if (!stopped_ && !suspended_) StartMissing(*job);
    if (!IsUnneeded(*job)) continue;
    LogsEnded({job->program_template->LogName()});
    jobs_.erase(id);
  }
}

bool WorkerPool::DeliverOne(JobId id) {
  Job* job = FindJob(id);
  if (job == nullptr || job->waiting.empty()) return false;
  auto next = std::find_if(job->waiting.begin(), job->waiting.end(), [](const Waiting& w) { return w.error; });
  const bool failed = next != job->waiting.end();
  if (!failed) {
    if (job->idle.empty() || suspended_) return false;
    next = job->waiting.begin();
  }
  const Waiting waiting = std::move(*next);
  job->waiting.erase(next);
  if (failed) {
    waiting.done(*waiting.error);
    return true;
  }
  Worker& worker = *FindWorker(job->idle.back());
  LeaveIdle(worker);
  worker.state = State::kHandedOut;
  job->spare = std::max(job->spare, options_.keep_idle_per_job);
  waiting.done(worker.public_view());
  return true;
}

void WorkerPool::StartMissing(Job& job) {
  // Somebody waits for a fork: the next time there shall be enough.
  if (job.spare > 0 && job.waiting.size() > job.forking_for) {
    job.spare = std::max(job.spare, std::min(2 * job.spare, options_.max_idle_per_job));
  }
  job.forking_for = job.waiting.size();
  const std::size_t keep = job.ended ? 0 : job.spare;
  const std::size_t have = job.idle.size() + job.starting;
  if (job.waiting.size() + keep <= have) return;
  std::size_t missing = job.waiting.size() + keep - have;
  JobTemplate& program = *job.program_template;
  if (!program.can_fork() && !program.exec_only()) {
    // Spare workers alone are no reason to start a template again that has just failed.
    if (!job.waiting.empty()) program.Start(job.program);
    return;
  }
  for (; missing > 0 && starting_ < options_.max_starting; --missing) {
    const Status started = StartWorker(job);
    if (!started.ok()) return StartFailed(job.id, started, false);
  }
}

bool WorkerPool::IsUnneeded(const Job& job) const { return job.ended && job.waiting.empty() && job.workers == 0; }

void WorkerPool::FailWaiting(Job& job, const Status& why) {
  loop_.Cancel(std::exchange(job.package_timer, 0));
  for (Waiting& waiting : job.waiting) {
    if (!waiting.error) waiting.error = why;
  }
  SchedulePump();
}

void WorkerPool::OnTemplateReady(JobId id, bool can_fork) {
  Job* job = FindJob(id);
  TROUPE_CHECK(job != nullptr);  // it owns the template
  if (!can_fork && !std::exchange(job->noted, true)) {
    const std::string note = "program " + job->program.path() +
                             " already runs threads when it calls troupe::Init, so its workers start by exec (some "
                             "10 ms each) instead of fork (under 1 ms); make threads after Init to change that";
    spdlog::info("job {}: {}", id.Hex(), note);
    if (events_.on_note) loop_.Post(Guarded([id, note](WorkerPool& pool) { pool.events_.on_note(id, note); }));
  }
  SchedulePump();
}

void WorkerPool::OnTemplateFailed(JobId id, const Status& why, bool retry) {
  Job* job = FindJob(id);
  TROUPE_CHECK(job != nullptr);
  // Forks that were asked for and are not known to have happened never will be. The rest live on by themselves.
  std::vector<ProcessId> lost;
  for (const auto& [process, worker] : workers_) {
    if (worker->job == id && worker->forked && worker->state == State::kStarting && !worker->process) {
      lost.push_back(process);
    }
  }
  for (ProcessId process : lost) Remove(process);
  const bool elsewhere = NodeId::FromBytes(job->program.origin()) != options_.node;
  const bool looked_without_package = elsewhere && job->program_template->program().package().empty();
  if (why.code() == StatusCode::kUnavailable && looked_without_package) {
    // The package may have become known while the answer was on its way.
    if (!job->program.package().empty()) return SchedulePump();
    if (!job->program.unpackable().empty()) return FailWaiting(*job, why);
    return AwaitPackage(*job, why);
  }
  StartFailed(id, why, retry);
}

// The origin packs the program while we are asked for a worker; AddJob() brings the package's name.
void WorkerPool::AwaitPackage(Job& job, const Status& why) {
  if (job.package_timer != 0) return;
  job.package_timer = loop_.After(options_.start_timeout, Guarded([id = job.id, why](WorkerPool& pool) {
                                    Job* late = pool.FindJob(id);
                                    if (late == nullptr) return;
                                    late->package_timer = 0;
                                    pool.FailWaiting(*late, why);
                                  }));
}

void WorkerPool::StartFailed(JobId id, const Status& why, bool retry) {
  spdlog::warn("job {}: {}", id.Hex(), why.message());
  Job* job = FindJob(id);
  if (job == nullptr) return;
  if (retry && ++job->failures < kStartAttempts) return SchedulePump();
  job->failures = 0;
  FailWaiting(*job, why);
}

void WorkerPool::LogsEnded(std::vector<std::string> names, std::chrono::nanoseconds after) {
  if (!events_.on_logs_ended) return;
  loop_.After(after, Guarded([names = std::move(names)](WorkerPool& pool) { pool.events_.on_logs_ended(names); }));
}

JobTemplate* WorkerPool::TemplateOf(pid_t pid) {
  for (const auto& [id, job] : jobs_) {
    if (pid > 0 && job->program_template->pid() == pid) return job->program_template.get();
  }
  return nullptr;
}

Status WorkerPool::OnTemplateConnected(pid_t pid, const std::string& cookie, SendToTemplate send) {
  TROUPE_CHECK(loop_.InLoop());
  JobTemplate* program = TemplateOf(pid);
  if (program == nullptr || !program->AcceptsCookie(cookie)) {
    return PermissionDenied("process " + std::to_string(pid) + " is no template that this raylet started");
  }
  program->OnConnected(std::move(send));
  return OkStatus();
}

Status WorkerPool::OnTemplateMessage(pid_t pid, const pb::ClientToRaylet& message) {
  TROUPE_CHECK(loop_.InLoop());
  JobTemplate* program = TemplateOf(pid);
  if (program == nullptr) return InvalidArgument("process " + std::to_string(pid) + " is no template");
  switch (message.body_case()) {
    case pb::ClientToRaylet::kTemplateReady: program->OnReady(message.template_ready().threads()); break;
    case pb::ClientToRaylet::kTemplateForked: OnForked(message.template_forked(), pid); break;
    case pb::ClientToRaylet::kChildExited: OnChildExited(message.child_exited(), pid); break;
    default: return InvalidArgument("template " + std::to_string(pid) + " sent what templates do not send");
  }
  return OkStatus();
}

void WorkerPool::OnTemplateClosed(pid_t pid) {
  TROUPE_CHECK(loop_.InLoop());
  if (JobTemplate* program = TemplateOf(pid)) program->OnClosed();
}

std::vector<pb::WorkerInfo> WorkerPool::List() const {
  std::vector<pb::WorkerInfo> list;
  const auto add = [&](ProcessId process, pid_t pid, JobId job, pb::WorkerInfo::Kind kind, const char* state) {
    pb::WorkerInfo& info = list.emplace_back();
    info.set_id(process.value);
    info.set_node(options_.node.Bytes());
    info.set_pid(pid);
    info.set_job(job.value);
    info.set_kind(kind);
    info.set_state(state);
  };
  for (const auto& [id, worker] : workers_) {
    const bool starting = worker->state == State::kStarting;
    const char* state = starting ? "starting" : worker->state == State::kHandedOut ? "leased" : "idle";
    add(id, worker->pid, worker->job, pb::WorkerInfo::WORKER, state);
  }
  for (const auto& [id, job] : jobs_) {
    const JobTemplate& program = *job->program_template;
    if (program.pid() != 0) {
      add({}, program.pid(), id, pb::WorkerInfo::TEMPLATE, program.can_fork() ? "idle" : "starting");
    }
  }
  return list;
}

void WorkerPool::Suspend(const std::string& reason) {
  suspended_ = true;
  std::vector<ProcessId> all;
  for (const auto& [id, worker] : workers_) all.push_back(id);
  for (const ProcessId id : all) Kill(id, reason);
}

void WorkerPool::Resume() {
  suspended_ = false;
  SchedulePump();
}

void WorkerPool::KillAll() {
  stopped_ = true;
  const auto deadline = std::chrono::steady_clock::now() + kKillLimit;
  for (auto& [id, job] : jobs_) FailWaiting(*job, Cancelled("the raylet is stopping"));
  // Templates first: they fork no more workers then.
  for (auto& [id, job] : jobs_) job->program_template->StopAndWait(Remaining(deadline));
  for (auto& [id, worker] : workers_) {
    loop_.Cancel(worker->timer);
    if (worker->process) (void)worker->process->Signal(SIGKILL);  // NotFound: has ended
  }
  for (auto& [id, worker] : workers_) {
    if (worker->process && !worker->process->WaitEnded(Remaining(deadline))) {
      spdlog::warn("worker process {} does not end after SIGKILL", worker->pid);
    }
  }
  workers_.clear();
  starting_ = 0;
  for (auto& [id, job] : jobs_) {
    job->idle.clear();
    job->starting = job->workers = 0;
  }
}

}  // namespace troupe::raylet
