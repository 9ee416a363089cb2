// JobTable: which drivers run, which were submitted to run, and how they ended.
//
//   a driver by hand:  RUNNING -> SUCCEEDED | FAILED | STOPPED
//   a submission:      PENDING (waits for a node, or for the driver's process) -> RUNNING -> the same
//
// What a job holds in the cluster goes when its driver does; a submission's state is final when its process's exit
// status is known.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "head/environment.h"
#include "head/facts.h"
#include "head/job.h"

namespace troupe::head {

// Loop thread only. Keeps the last 10 000 jobs that ended, and all whose program a detached actor still needs.
class JobTable {
 public:
  struct Events {
    std::function<void(JobId)> released;                // its actors must end
    std::function<void(const pb::JobInfo&)> broadcast;  // every raylet must know
    std::function<std::optional<NodeId>()> node_for_driver;
  };
  static constexpr const char* kStopped = "it was stopped";
  static constexpr std::size_t kEndedKept = 10'000;
  static constexpr std::size_t kMaxWaiters = 10'000;
  static constexpr std::chrono::milliseconds kLongestWait{5'000};

  JobTable(Environment& environment, const Facts& facts, Events events);
  ~JobTable();

  // The jobs of an earlier start of the head. Before anything else. DATA_LOSS names the job.
  Status Restore(const Rows& rows);

  // --- What clients ask for. Answers are given at once, and what is answered may not be committed yet: who asks from
  // outside gives a reply that is held (Commits).
  // Idempotent by the driver's address. Joins the submission that it names. INVALID_ARGUMENT, NOT_FOUND for an unknown
  // submission, FAILED_PRECONDITION for one that has ended or a driver that has.
  void Register(const pb::RegisterJobRequest& request, Reply<pb::JobInfo> reply);
  // The driver is done; `reason` says why not in good order. NOT_FOUND; nothing for a job that has ended.
  Status Finish(JobId job, const std::string& reason);
  // Idempotent by submission id; ALREADY_EXISTS when that id was submitted with another content. Whether the package
  // is there is the caller's to check.
  void Submit(const pb::SubmitJobRequest& request, Reply<pb::JobInfo> reply);
  // NOT_FOUND. Replies later, by `wait_ms` at most, when the job has not ended.
  void Get(const pb::GetJobRequest& request, Reply<pb::JobInfo> reply);
  // Has the driver ended by its raylet; the job has ended when that has come about, or at once when no node runs its
  // driver yet. NOT_FOUND; nothing for a job that has ended.
  void Stop(const pb::StopJobRequest& request, Reply<pb::JobInfo> reply);
  pb::ListJobsReply List(const pb::ListJobsRequest& request) const;

  // --- What happens.
  void OnDriverUpdate(const NodeId& node, const pb::DriverUpdate& update);
  void OnPackaged(const pb::JobProgramPackaged& packaged);
  void ProcessEnded(ProcessId process);
  void LastActorDied(JobId job);
  void NodeJoined(const NodeId& node);
  void NodeDied(const NodeId& node, const std::string& reason);

  const Job* Get(JobId job) const;
  const pb::JobInfo* Find(JobId job) const;
  bool IsOver(JobId job) const;  // has ended, or its driver has; also for an unknown one
  // Of the jobs that are not over, and of those whose program an actor that is not dead still needs.
  std::set<std::string> NeededPackages() const;
  // The node that runs, or ran, the submission's driver; NOT_FOUND.
  Result<NodeId> NodeOf(const std::string& submission) const;
  std::uint32_t running() const;
  std::vector<pb::Demand> Demands() const;  // submitted programs that no node runs yet

 private:
  Result<Job*> FindJob(JobId id, const std::string& submission);
  Job& Add(Job job);
  void JoinSubmission(Job& job, const pb::RegisterJobRequest& request);
  void BindDriver(Job& job, const pb::RegisterJobRequest& request);
  void RunDriver(Job& job);
  void SendStopDriver(const Job& job);
  static NodeId DriverNode(const Job& job);  // none for a submission that no node runs yet
  // Takes away what the job has in the cluster; `state` is what raylets are told.
  void Release(Job& job, pb::JobInfo::State state);
  // What raylets are told of a job that has been released: they keep its workers while detached actors need them.
  pb::JobInfo Released(const Job& job) const;
  void End(Job& job, pb::JobInfo::State state, const std::string& message);
  void Forget();
  void AwaitVerdict(Job& job);
  void Changed(const Job& job);  // its row is written

  Environment& environment_;
  const Facts& facts_;
  const Events events_;
  std::unordered_map<JobId, std::unique_ptr<Job>> jobs_;
  std::map<std::uint64_t, JobId> order_;
  std::map<std::string, JobId> by_submission_;
  std::unordered_map<ProcessId, JobId> by_driver_;
  std::deque<JobId> ended_;
  std::uint64_t last_ = 0;  // of order_ and of waiters
  std::size_t waiters_ = 0;
};

}  // namespace troupe::head
