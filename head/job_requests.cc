// JobTable: what clients ask for.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "head/convert.h"
#include "head/job_table.h"

namespace troupe::head {

Result<Job*> JobTable::FindJob(JobId id, const std::string& submission) {
  if (!submission.empty()) {
    auto it = by_submission_.find(submission);
    if (it == by_submission_.end()) return NotFound("no job was submitted as '" + submission + "'");
    id = it->second;
  }
  auto it = jobs_.find(id);
  if (it == jobs_.end()) return NotFound("no job has the id " + id.Hex());
  return it->second.get();
}

Job& JobTable::Add(Job job) {
  const JobId id = environment_.new_job_id();
  job.id = id;
  job.info.set_id(id.value);
  if (job.info.name_space().empty()) job.info.set_name_space(id.Hex());
  job.sequence = ++last_;
  order_[job.sequence] = id;
  return *jobs_.emplace(id, std::make_unique<Job>(std::move(job))).first->second;
}

void JobTable::Register(const pb::RegisterJobRequest& request, Reply<pb::JobInfo> reply) {
  if (Status status = CheckRegistration(request); !status.ok()) return reply(status);
  const Address driver = FromProto(request.driver());
  if (auto known = by_driver_.find(driver.process); known != by_driver_.end()) {
    return reply(jobs_.at(known->second)->info);
  }
  if (facts_.ProcessGone(driver.process) || facts_.NodeDeath(driver.node)) {
    return reply(FailedPrecondition("driver process " + driver.process.Hex() + " has ended"));
  }
  if (!request.submission().empty()) {
    Result<Job*> submitted = FindJob({}, request.submission());
    if (!submitted.ok()) return reply(submitted.status());
    if ((*submitted)->ended()) {
      return reply(FailedPrecondition("job '" + request.submission() + "' has ended already"));
    }
    // A submitted script may start more than one driver; those after the first are jobs of their own.
    if (!(*submitted)->submission->joined) {
      JoinSubmission(**submitted, request);
      return reply((*submitted)->info);
    }
  }
  Job job;
  job.info.set_name_space(request.name_space());
  Job& added = Add(std::move(job));
  BindDriver(added, request);
  spdlog::info("job {} began: {}", added.id.Hex(), added.info.entrypoint());
  reply(added.info);
}

void JobTable::JoinSubmission(Job& job, const pb::RegisterJobRequest& request) {
  job.submission->joined = true;
  if (!request.name_space().empty()) job.info.set_name_space(request.name_space());
  const std::string entrypoint = job.info.entrypoint();
  BindDriver(job, request);
  job.info.set_entrypoint(entrypoint);
}

void JobTable::BindDriver(Job& job, const pb::RegisterJobRequest& request) {
  job.driver = FromProto(request.driver());
  by_driver_[job.driver.process] = job.id;
  *job.info.mutable_driver() = request.driver();
  job.info.set_driver_pid(request.pid());
  *job.info.mutable_program() = request.program();
  std::vector<std::string> argv = {request.program().path()};
  argv.insert(argv.end(), request.program().argv().begin(), request.program().argv().end());
  job.info.set_entrypoint(Entrypoint(argv));
  job.info.set_state(pb::JobInfo::RUNNING);
  if (job.info.started_ms() == 0) job.info.set_started_ms(environment_.wall_ms());
  Changed(job);
}

void JobTable::Submit(const pb::SubmitJobRequest& request, Reply<pb::JobInfo> reply) {
  if (Status status = CheckSubmission(request); !status.ok()) return reply(status);
  if (auto known = by_submission_.find(request.submission()); known != by_submission_.end()) {
    const Job& job = *jobs_.at(known->second);
    if (CanonicalBytes(job.submission->request) == CanonicalBytes(request)) return reply(job.info);
    return reply(AlreadyExists("a job with other contents was submitted as '" + request.submission() +
                               "' before; choose another id"));
  }
  Job job;
  job.submission.emplace();
  job.submission->request = request;
  job.info.set_state(pb::JobInfo::PENDING);
  job.info.set_submission(request.submission());
  job.info.set_name_space(request.name_space());
  job.info.set_entrypoint(Entrypoint({request.argv().begin(), request.argv().end()}));
  *job.info.mutable_metadata() = request.metadata();
  job.info.mutable_program()->set_package(request.package());
  Job& added = Add(std::move(job));
  by_submission_[request.submission()] = added.id;
  spdlog::info("job {} was submitted as '{}': {}", added.id.Hex(), request.submission(), added.info.entrypoint());
  RunDriver(added);
  reply(added.info);
}

void JobTable::Get(const pb::GetJobRequest& request, Reply<pb::JobInfo> reply) {
  Result<Job*> found = FindJob(JobId{request.job()}, request.submission());
  if (!found.ok()) return reply(found.status());
  Job& job = **found;
  if (job.ended() || request.wait_ms() == 0 || waiters_ >= kMaxWaiters) return reply(job.info);
  const auto wait = std::min(std::chrono::milliseconds(request.wait_ms()), kLongestWait);
  const std::uint64_t waiter = ++last_;
  const TimerId timer = environment_.loop.After(wait, [this, id = job.id, waiter] {
    Job& waited_for = *jobs_.at(id);
    auto it = std::find_if(waited_for.waiters.begin(), waited_for.waiters.end(),
                           [waiter](const Job::Waiter& candidate) { return candidate.id == waiter; });
    Reply<pb::JobInfo> answer = std::move(it->reply);
    waited_for.waiters.erase(it);
    --waiters_;
    answer(waited_for.info);
  });
  job.waiters.push_back({waiter, std::move(reply), timer});
  ++waiters_;
}

void JobTable::Stop(const pb::StopJobRequest& request, Reply<pb::JobInfo> reply) {
  Result<Job*> found = FindJob(JobId{request.job()}, request.submission());
  if (!found.ok()) return reply(found.status());
  Job& job = **found;
  if (!job.ended()) {
    if (DriverNode(job)) {
      job.stopping = true;
      Changed(job);
      SendStopDriver(job);
    } else {
      End(job, pb::JobInfo::STOPPED, kStopped);
    }
  }
  reply(job.info);
}

pb::ListJobsReply JobTable::List(const pb::ListJobsRequest& request) const {
  pb::ListJobsReply reply;
  for (const auto& [order, id] : order_) {
    const Job& job = *jobs_.at(id);
    if (!request.submissions_only() || job.submission) *reply.add_jobs() = job.info;
  }
  return reply;
}

}  // namespace troupe::head
