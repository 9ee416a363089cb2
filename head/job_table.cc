// JobTable: what happens to jobs.
#include "head/job_table.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "head/convert.h"
#include "head/job_row.h"
#include "head/row_reader.h"

namespace troupe::head {
namespace {

// The news that a driver's process has gone and the word how it ended come by different ways.
constexpr std::chrono::milliseconds kVerdictWait{500};
// A raylet that reconnects is told again what ended this recently.
constexpr std::chrono::seconds kTellAgain{60};

}  // namespace

JobTable::JobTable(Environment& environment, const Facts& facts, Events events)
    : environment_(environment), facts_(facts), events_(std::move(events)) {
  environment_.commits.Keep(Table::kJobs, [this](const std::string& key) -> std::optional<std::string> {
    auto it = jobs_.find(JobId::FromHex(key).value_or(JobId{}));
    if (it == jobs_.end()) return std::nullopt;
    return ToRow(*it->second).SerializeAsString();
  });
}

JobTable::~JobTable() {
  for (auto& [id, job] : jobs_) {
    environment_.loop.Cancel(job->verdict);
    for (const Job::Waiter& waiter : job->waiters) environment_.loop.Cancel(waiter.timer);
  }
}

void JobTable::Release(Job& job, pb::JobInfo::State state) {
  if (job.released) return;
  job.released = state;
  job.released_at = environment_.loop.Now();
  events_.released(job.id);  // first: what raylets are told depends on which actors are left
  job.told_in_use = facts_.JobInUse(job.id);
  Changed(job);
  events_.broadcast(Released(job));
}

pb::JobInfo JobTable::Released(const Job& job) const {
  pb::JobInfo told = job.info;
  if (!job.ended()) told.set_state(*job.released);
  told.set_in_use(facts_.JobInUse(job.id));
  return told;
}

void JobTable::LastActorDied(JobId id) {
  auto it = jobs_.find(id);
  if (it == jobs_.end() || !it->second->told_in_use) return;
  Job& job = *it->second;
  job.told_in_use = false;
  job.released_at = environment_.loop.Now();
  Changed(job);
  events_.broadcast(Released(job));
}

void JobTable::End(Job& job, pb::JobInfo::State state, const std::string& message) {
  if (job.ended()) return;
  environment_.loop.Cancel(job.verdict);
  job.verdict = 0;
  job.info.set_state(state);
  job.info.set_ended_ms(environment_.wall_ms());
  if (!message.empty()) job.info.set_message(message);
  spdlog::info("job {} ended: {}{}{}", job.id.Hex(), pb::JobInfo::State_Name(state), message.empty() ? "" : ", ",
               message);
  const JobId id = job.id;
  Changed(job);
  Release(job, state);
  ended_.push_back(id);
  for (Job::Waiter& waiter : std::exchange(job.waiters, {})) {
    --waiters_;
    environment_.loop.Cancel(waiter.timer);
    waiter.reply(job.info);
  }
  Forget();
}

void JobTable::Forget() {
  for (std::size_t looked_at = ended_.size(); looked_at > 0 && ended_.size() > kEndedKept; --looked_at) {
    const JobId id = ended_.front();
    ended_.pop_front();
    if (facts_.JobInUse(id)) {
      ended_.push_back(id);
      continue;
    }
    const Job& job = *jobs_.at(id);
    if (job.submission) by_submission_.erase(job.info.submission());
    by_driver_.erase(job.driver.process);
    order_.erase(job.sequence);
    jobs_.erase(id);
    environment_.commits.Changed(Table::kJobs, id.Hex());
  }
}

Status JobTable::Finish(JobId id, const std::string& reason) {
  TROUPE_ASSIGN_OR_RETURN(Job * job, FindJob(id, ""));
  if (job->ended()) return OkStatus();
  auto state = reason.empty() ? pb::JobInfo::SUCCEEDED : pb::JobInfo::FAILED;
  if (job->stopping) state = pb::JobInfo::STOPPED;
  if (job->submission) {
    job->info.set_message(reason);
    Release(*job, state);  // how it ended is for its exit status to say
  } else {
    End(*job, state, job->stopping ? kStopped : reason);
  }
  return OkStatus();
}

void JobTable::ProcessEnded(ProcessId process) {
  auto it = by_driver_.find(process);
  if (it == by_driver_.end()) return;
  Job& job = *jobs_.at(it->second);
  if (job.ended()) return;
  Release(job, job.stopping ? pb::JobInfo::STOPPED : pb::JobInfo::FAILED);
  if (job.submission || job.verdict != 0) return;
  if (job.stopping) return End(job, pb::JobInfo::STOPPED, kStopped);
  AwaitVerdict(job);
}

void JobTable::AwaitVerdict(Job& job) {
  job.verdict = environment_.loop.After(kVerdictWait, [this, id = job.id] {
    End(*jobs_.at(id), pb::JobInfo::FAILED, "its driver's process ended without finishing the job");
  });
}

void JobTable::OnDriverUpdate(const NodeId& node, const pb::DriverUpdate& update) {
  auto it = by_submission_.find(update.submission());
  if (it == by_submission_.end()) return;
  Job& job = *jobs_.at(it->second);
  if (job.ended() || job.submission->node != node) return;
  job.submission->confirmed = true;
  Changed(job);
  if (!update.error().empty()) {
    return End(job, pb::JobInfo::FAILED, "its driver could not be started: " + update.error());
  }
  if (!update.ended()) {
    if (!job.submission->joined) job.info.set_driver_pid(update.pid());
    if (job.info.state() == pb::JobInfo::PENDING) job.info.set_started_ms(environment_.wall_ms());
    job.info.set_state(pb::JobInfo::RUNNING);
    return;
  }
  const DriverEnd end = ReadWaitStatus(update.wait_status());
  job.info.set_exit_code(end.exit_code);
  if (job.stopping) return End(job, pb::JobInfo::STOPPED, kStopped);
  End(job, end.failure.empty() ? pb::JobInfo::SUCCEEDED : pb::JobInfo::FAILED, end.failure);
}

void JobTable::OnPackaged(const pb::JobProgramPackaged& packaged) {
  auto it = jobs_.find(JobId{packaged.job()});
  if (it == jobs_.end()) return;
  Job& job = *it->second;
  if (packaged.error().empty() && !IsPackageName(packaged.package())) {
    spdlog::warn("job {}: '{}' is not the name of a package", job.id.Hex(), packaged.package().substr(0, 80));
    return;
  }
  if (packaged.error().empty()) {
    job.info.mutable_program()->set_package(packaged.package());
  } else {
    spdlog::warn("job {}: its program could not be packaged: {}", job.id.Hex(), packaged.error());
    job.info.mutable_program()->set_unpackable(packaged.error());
    job.info.set_message("its program could not be packaged: " + packaged.error());
  }
  Changed(job);
  events_.broadcast(job.released ? Released(job) : job.info);
}

void JobTable::NodeJoined(const NodeId& node) {
  for (const auto& [order, id] : order_) {
    Job& job = *jobs_.at(id);
    if (job.released && environment_.loop.Now() - job.released_at < kTellAgain) {
      pb::HeadToNode message;
      *message.mutable_job_update()->mutable_job() = Released(job);
      environment_.nodes.Send(node, std::move(message));
    }
    if (job.ended()) continue;
    // What was sent to a node that lost its connection may not have arrived; its raylet runs a submission only once.
    const bool waits =
        job.submission && (!job.submission->node || (job.submission->node == node && !job.submission->confirmed));
    if (waits) RunDriver(job);
    if (job.stopping && DriverNode(job) == node) SendStopDriver(job);
  }
}

void JobTable::NodeDied(const NodeId& node, const std::string& reason) {
  std::vector<JobId> lost;
  for (const auto& [id, job] : jobs_) {
    const bool ran_there = job->driver.node == node || (job->submission && job->submission->node == node);
    if (ran_there && !job->ended()) lost.push_back(id);
  }
  for (const JobId& id : lost) {
    End(*jobs_.at(id), pb::JobInfo::FAILED, "its driver's node " + Short(node) + " died: " + reason);
  }
}

void JobTable::RunDriver(Job& job) {
  Submission& submission = *job.submission;
  if (!submission.node) {
    Changed(job);
    const auto node = events_.node_for_driver();
    if (!node) {
      job.info.set_message("waits for a node to run its driver");
      return;
    }
    submission.node = *node;
    job.info.clear_message();
  }
  pb::HeadToNode message;
  pb::RunDriver& run = *message.mutable_run_driver();
  *run.mutable_job() = job.info;
  *run.mutable_argv() = submission.request.argv();
  *run.mutable_environment() = submission.request.environment();
  environment_.nodes.Send(submission.node, std::move(message));
}

void JobTable::SendStopDriver(const Job& job) {
  pb::HeadToNode message;
  message.mutable_stop_driver()->set_submission(job.info.submission());
  if (!job.submission) message.mutable_stop_driver()->set_process(job.driver.process.value);
  message.mutable_stop_driver()->set_reason("the job was stopped");
  environment_.nodes.Send(DriverNode(job), std::move(message));
}

NodeId JobTable::DriverNode(const Job& job) { return job.submission ? job.submission->node : job.driver.node; }

const Job* JobTable::Get(JobId id) const {
  auto it = jobs_.find(id);
  return it == jobs_.end() ? nullptr : it->second.get();
}

const pb::JobInfo* JobTable::Find(JobId id) const {
  const Job* job = Get(id);
  return job == nullptr ? nullptr : &job->info;
}

bool JobTable::IsOver(JobId id) const {
  auto it = jobs_.find(id);
  return it == jobs_.end() || it->second->released.has_value();
}

std::set<std::string> JobTable::NeededPackages() const {
  std::set<std::string> needed;
  for (const auto& [id, job] : jobs_) {
    if (job->released && !facts_.JobInUse(id)) continue;
    needed.insert(job->info.program().package());
    if (job->submission) needed.insert(job->submission->request.package());
  }
  needed.erase("");  // of jobs without one
  return needed;
}

Result<NodeId> JobTable::NodeOf(const std::string& submission) const {
  auto it = by_submission_.find(submission);
  if (it == by_submission_.end()) return NotFound("no job was submitted as '" + submission + "'");
  const NodeId node = jobs_.at(it->second)->submission->node;
  if (!node) return NotFound("job '" + submission + "' has not run on any node yet");
  return node;
}

std::vector<pb::Demand> JobTable::Demands() const {
  std::vector<pb::Demand> demands;
  for (const auto& [id, job] : jobs_) {
    if (!job->submission || job->submission->node || job->ended()) continue;
    pb::Demand& demand = demands.emplace_back();
    demand.set_count(1);
    demand.set_what("job " + job->info.submission());
    demand.set_reason(job->info.message());
  }
  return demands;
}

std::uint32_t JobTable::running() const {
  return static_cast<std::uint32_t>(std::count_if(
      jobs_.begin(), jobs_.end(), [](const auto& job) { return job.second->info.state() == pb::JobInfo::RUNNING; }));
}

void JobTable::Changed(const Job& job) { environment_.commits.Changed(Table::kJobs, job.id.Hex()); }

Status JobTable::Restore(const Rows& rows) {
  TROUPE_RETURN_IF_ERROR(
      ForEachRow<pb::JobRow>(rows, Table::kJobs, [this](const std::string& key, const pb::JobRow& row) -> Status {
        Result<Job> job = FromRow(row);
        if (!job.ok()) return job.status().WithContext("the registry's row of job " + key);
        job->released_at = environment_.loop.Now();  // raylets may have missed it
        if (!order_.emplace(job->sequence, job->id).second) return DataLoss("two jobs bear the number of job " + key);
        if (job->submission) by_submission_[job->info.submission()] = job->id;
        if (job->driver) by_driver_[job->driver.process] = job->id;
        const JobId id = job->id;
        jobs_.emplace(id, std::make_unique<Job>(std::move(job).value()));
        return OkStatus();
      }));
  if (!order_.empty()) last_ = order_.rbegin()->first;
  for (const auto& [order, id] : order_) {
    Job& job = *jobs_.at(id);
    if (job.ended()) ended_.push_back(id);
    if (!job.ended() && job.released && !job.submission) AwaitVerdict(job);
  }
  return OkStatus();
}

}  // namespace troupe::head
