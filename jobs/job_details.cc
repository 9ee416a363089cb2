#include "jobs/job_details.h"

#include "troupe/ids.h"

namespace troupe {

const char* JobStateName(JobState state) {
  switch (state) {
    case JobState::kPending: return "PENDING";
    case JobState::kRunning: return "RUNNING";
    case JobState::kSucceeded: return "SUCCEEDED";
    case JobState::kFailed: return "FAILED";
    case JobState::kStopped: return "STOPPED";
  }
  return "UNKNOWN";
}

namespace jobs {
namespace {

JobState StateOf(pb::JobInfo::State state) {
  switch (state) {
    case pb::JobInfo::RUNNING: return JobState::kRunning;
    case pb::JobInfo::SUCCEEDED: return JobState::kSucceeded;
    case pb::JobInfo::FAILED: return JobState::kFailed;
    case pb::JobInfo::STOPPED: return JobState::kStopped;
    default: return JobState::kPending;
  }
}

std::chrono::system_clock::time_point TimeOf(std::int64_t milliseconds) {
  return std::chrono::system_clock::time_point(std::chrono::milliseconds(milliseconds));
}

}  // namespace

JobDetails FromProto(const pb::JobInfo& info) {
  JobDetails details;
  details.submission_id = info.submission();
  if (info.id() != 0) details.job_id = JobId{info.id()}.Hex();
  details.state = StateOf(info.state());
  details.name_space = info.name_space();
  details.entrypoint = info.entrypoint();
  details.message = info.message();
  if (info.has_exit_code()) details.exit_code = info.exit_code();
  details.started = TimeOf(info.started_ms());
  details.ended = TimeOf(info.ended_ms());
  details.metadata = {info.metadata().begin(), info.metadata().end()};
  return details;
}

}  // namespace jobs
}  // namespace troupe
