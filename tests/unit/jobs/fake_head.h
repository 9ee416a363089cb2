// FakeHead: a head in the test's process, as much as JobClient and the command need. Drivers do not run; the test says
// what they print and when they end.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "proto/head.pb.h"
#include "rpc/server.h"
#include "tests/unit/rpc/loop_thread.h"

namespace troupe::test {

inline const std::string kToken(64, 'a');

class FakeHead {
 public:
  explicit FakeHead(int protocol_version = rpc::kProtocolVersion) {
    rpc::ServerOptions options;
    options.credentials = {.token = kToken, .cluster_id = "", .protocol_version = protocol_version};
    server_ = std::make_unique<rpc::Server>(options, loop_.loop());
    AddReads();
    AddJobs();
    const Result<int> port = server_->Start();
    if (!port.ok()) ADD_FAILURE() << port.status().ToString();
    address_ = "127.0.0.1:" + std::to_string(port.ok() ? *port : 0);
  }

  const std::string& address() const { return address_; }
  void Stop() { server_->Stop(); }

  // The state, for the test to set and look at. Only while no call is under way, or under mutex().
  std::mutex& mutex() { return mutex_; }
  pb::Status status;
  std::vector<pb::ActorInfo> actors;
  std::vector<pb::WorkerInfo> workers;
  std::map<std::string, pb::JobInfo> jobs;  // by submission
  std::map<std::string, pb::SubmitJobRequest> submissions;
  std::map<std::string, std::string> packages;  // bytes so far
  std::map<std::string, std::string> logs;      // by submission, or "head", "out", "err", "raylet"
  std::vector<pb::ReadLogRequest> log_requests;
  std::vector<pb::KillActorRequest> kills;
  std::size_t package_chunks = 0;
  std::uint64_t forget_package_at = 0;  // once an upload has come this far the head says it has half
  bool lose_packages = false;           // once, before a job is submitted
  bool run_jobs = true;                 // submitted jobs print "hello\n" and succeed at once
  Status read_log_failure;              // while not OK, in answer to ReadLog

  void End(const std::string& submission, pb::JobInfo::State state, int exit_code) {
    const std::lock_guard lock(mutex_);
    jobs[submission].set_state(state);
    jobs[submission].set_exit_code(exit_code);
    jobs[submission].set_ended_ms(2);
  }

 private:
  template <class Req, class Rep>
  void On(const std::string& method, std::function<Result<Rep>(const Req&)> answer) {
    server_->Handle<Req, Rep>("/troupe.pb.Head/" + method, [this, answer](const rpc::CallInfo&, Req request,
                                                                          std::function<void(Result<Rep>)> reply) {
      const std::lock_guard lock(mutex_);
      reply(answer(request));
    });
  }

  void AddReads() {
    On<pb::GetStatusRequest, pb::Status>("GetStatus", [this](const auto&) { return status; });
    On<pb::ListWorkersRequest, pb::ListWorkersReply>("ListWorkers", [this](const auto&) {
      pb::ListWorkersReply reply;
      for (const auto& worker : workers) *reply.add_workers() = worker;
      return reply;
    });
    On<pb::ListActorsRequest, pb::ListActorsReply>("ListActors", [this](const pb::ListActorsRequest& request) {
      pb::ListActorsReply reply;
      for (const auto& actor : actors) {
        if (!request.all_namespaces() && actor.name_space() != request.name_space()) continue;
        if (request.named_only() && actor.name().empty()) continue;
        if (!request.include_dead() && actor.state() == pb::DEAD) continue;
        *reply.add_actors() = actor;
      }
      reply.set_total(static_cast<std::uint32_t>(reply.actors_size()));
      return reply;
    });
    On<pb::KillActorRequest, pb::ActorReply>("KillActor", [this](const pb::KillActorRequest& request) {
      kills.push_back(request);
      pb::ActorReply reply;
      for (const auto& actor : actors) {
        if (actor.id() == request.id()) *reply.mutable_info() = actor;
      }
      return reply;
    });
    On<pb::ReadLogRequest, pb::LogChunk>("ReadLog", [this](const auto& request) { return ReadLog(request); });
  }

  Result<pb::LogChunk> ReadLog(const pb::ReadLogRequest& request) {
    log_requests.push_back(request);
    if (!read_log_failure.ok()) return std::exchange(read_log_failure, OkStatus());
    std::string key = request.is_stderr() ? "err" : "out";
    bool end = true;
    if (request.source() == pb::ReadLogRequest::SUBMISSION) {
      key = request.submission();
      end = jobs[key].state() > pb::JobInfo::RUNNING;
    } else if (request.source() == pb::ReadLogRequest::HEAD || request.source() == pb::ReadLogRequest::RAYLET) {
      key = request.source() == pb::ReadLogRequest::HEAD ? "head" : "raylet";
      end = false;
    }
    const std::string& log = logs[key];
    const std::size_t most = std::min<std::size_t>(request.max_bytes(), log.size());
    const std::size_t offset = request.tail() ? log.size() - most : std::min<std::size_t>(request.offset(), log.size());
    pb::LogChunk chunk;
    chunk.set_offset(offset);
    chunk.set_data(log.substr(offset, most));
    chunk.set_end(end && offset + chunk.data().size() == log.size());
    return chunk;
  }

  void AddJobs() {
    On<pb::PutPackageRequest, pb::PutPackageReply>("PutPackage", [this](const auto& request) { return Put(request); });
    On<pb::SubmitJobRequest, pb::SubmitJobReply>("SubmitJob", [this](const auto& request) { return Submit(request); });
    On<pb::GetJobRequest, pb::JobInfo>(
        "GetJob", [this](const pb::GetJobRequest& request) { return FindJob(request.submission(), request.job()); });
    On<pb::StopJobRequest, pb::JobInfo>("StopJob", [this](const pb::StopJobRequest& request) -> Result<pb::JobInfo> {
      TROUPE_ASSIGN_OR_RETURN(pb::JobInfo job, FindJob(request.submission(), request.job()));
      job.set_state(pb::JobInfo::STOPPED);
      job.set_exit_code(143);
      jobs[job.submission()] = job;
      return job;
    });
    On<pb::ListJobsRequest, pb::ListJobsReply>("ListJobs", [this](const pb::ListJobsRequest& request) {
      pb::ListJobsReply reply;
      for (const auto& [submission, job] : jobs) {
        if (!request.submissions_only() || !job.submission().empty()) *reply.add_jobs() = job;
      }
      return reply;
    });
  }

  Result<pb::PutPackageReply> Put(const pb::PutPackageRequest& request) {
    std::string& bytes = packages[request.package()];
    if (!request.data().empty() && request.offset() == bytes.size()) {
      bytes += request.data();
      ++package_chunks;
    }
    if (forget_package_at != 0 && bytes.size() >= forget_package_at) {
      bytes.resize(bytes.size() / 2);
      forget_package_at = 0;
    }
    pb::PutPackageReply reply;
    reply.set_have(bytes.size());
    reply.set_complete(bytes.size() == request.total());
    return reply;
  }

  Result<pb::SubmitJobReply> Submit(const pb::SubmitJobRequest& request) {
    if (request.submission() == "taken") return AlreadyExists("a job with other contents was submitted as 'taken'");
    if (std::exchange(lose_packages, false)) packages.clear();
    if (!request.package().empty() && !packages.contains(request.package())) {
      return FailedPrecondition("the head has no package " + request.package() + "; put it first");
    }
    submissions[request.submission()] = request;
    pb::JobInfo& job = jobs[request.submission()];
    job.set_id(jobs.size());
    job.set_submission(request.submission());
    job.set_entrypoint(request.argv(0));
    job.set_started_ms(1);
    *job.mutable_metadata() = request.metadata();
    job.set_state(run_jobs ? pb::JobInfo::SUCCEEDED : pb::JobInfo::RUNNING);
    if (run_jobs) {
      job.set_ended_ms(2);
      logs[request.submission()] = "hello\n";
    }
    pb::SubmitJobReply reply;
    *reply.mutable_job() = job;
    return reply;
  }

  Result<pb::JobInfo> FindJob(const std::string& submission, std::uint64_t id) const {
    for (const auto& [key, job] : jobs) {
      if (submission.empty() ? job.id() == id : key == submission) return job;
    }
    return NotFound("no job was submitted as '" + submission + "'");
  }

  std::mutex mutex_;
  rpc::LoopThread loop_;
  std::unique_ptr<rpc::Server> server_;
  std::string address_;
};

}  // namespace troupe::test
