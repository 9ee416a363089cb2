// Job: what the head keeps of one run of a driver.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "head/environment.h"

namespace troupe::head {

inline bool HasEnded(const pb::JobInfo& job) {
  return job.state() == pb::JobInfo::SUCCEEDED || job.state() == pb::JobInfo::FAILED ||
         job.state() == pb::JobInfo::STOPPED;
}

// The part of a job that JobClient submitted.
struct Submission {
  pb::SubmitJobRequest request;
  NodeId node;             // that runs the driver; none while no node is there
  bool confirmed = false;  // the node has begun to run it
  bool joined = false;     // a driver has registered as this job
};

struct Job {
  JobId id;
  std::uint64_t sequence = 0;  // order of registration
  pb::JobInfo info;
  Address driver;
  std::optional<Submission> submission;
  // The job's actors and leases are gone, and raylets were told this state; a submission's driver may still run and
  // exit with any status.
  std::optional<pb::JobInfo::State> released;
  bool stopping = false;     // its driver is being ended, as somebody asked
  bool told_in_use = false;  // raylets were told that detached actors need its workers
  MonotonicTime released_at{};
  TimerId verdict = 0;  // waits for the raylet to say how the driver ended

  struct Waiter {
    std::uint64_t id;
    Reply<pb::JobInfo> reply;
    TimerId timer;
  };
  std::vector<Waiter> waiters;  // for its end

  bool ended() const { return HasEnded(info); }
};

// Checks foreign requests; INVALID_ARGUMENT names the field.
Status CheckRegistration(const pb::RegisterJobRequest& request);
Status CheckSubmission(const pb::SubmitJobRequest& request);

// "prog a b", cut to what a person reads.
std::string Entrypoint(const std::vector<std::string>& argv);

// What a driver's wait status means: exit code (128 + signal when killed), and why it failed if it did.
struct DriverEnd {
  int exit_code;
  std::string failure;
};
DriverEnd ReadWaitStatus(int wait_status);

// Whether `package` can be the name of a package: 64 hexadecimal digits.
bool IsPackageName(const std::string& package);

}  // namespace troupe::head
