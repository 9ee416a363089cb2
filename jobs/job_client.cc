#include "troupe/job_client.h"

#include <algorithm>
#include <filesystem>
#include <thread>
#include <utility>

#include "common/utf8.h"
#include "jobs/head_connection.h"
#include "jobs/job_details.h"
#include "jobs/package_upload.h"
#include "proto/head.pb.h"
#include "troupe/ids.h"

namespace troupe {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPatience(30'000);  // with a head that cannot be reached
constexpr milliseconds kRetryPause(250);
constexpr milliseconds kLongestWait(5'000);  // of the head's
constexpr std::uint32_t kMaxLogBytes = 1u << 20;

JobError::Code CodeOf(StatusCode code) {
  switch (code) {
    case StatusCode::kInvalidArgument: return JobError::Code::kInvalid;
    case StatusCode::kNotFound: return JobError::Code::kNotFound;
    case StatusCode::kAlreadyExists: return JobError::Code::kExists;
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded: return JobError::Code::kUnreachable;
    case StatusCode::kUnauthenticated:
    case StatusCode::kPermissionDenied: return JobError::Code::kRefused;
    default: return JobError::Code::kFailed;
  }
}

template <class T>
T ValueOrThrow(Result<T> result) {
  if (!result.ok()) throw JobError(CodeOf(result.status().code()), result.status().message());
  return *std::move(result);
}

// Repeats `call` while the head cannot be reached.
template <class Call>
auto Patiently(const Call& call) {
  for (const auto give_up = Clock::now() + kPatience;;) {
    try {
      return call();
    } catch (const JobError& error) {
      if (error.code() != JobError::Code::kUnreachable || Clock::now() >= give_up) throw;
    }
    std::this_thread::sleep_for(kRetryPause);
  }
}

}  // namespace

struct JobClient::Core {
  std::unique_ptr<jobs::HeadConnection> head;

  JobDetails Get(const std::string& submission_id, milliseconds wait) const {
    pb::GetJobRequest request;
    request.set_submission(Utf8(submission_id));
    request.set_wait_ms(static_cast<std::uint32_t>(wait.count()));
    return jobs::FromProto(
        ValueOrThrow(head->Call<pb::JobInfo>("GetJob", request, jobs::HeadConnection::kTimeout + wait)));
  }

  Result<pb::LogChunk> ReadLog(const std::string& submission_id, std::uint64_t offset, std::uint32_t max_bytes,
                               milliseconds wait) const {
    wait = std::clamp(wait, milliseconds(0), kLongestWait);
    pb::ReadLogRequest request;
    request.set_source(pb::ReadLogRequest::SUBMISSION);
    request.set_submission(Utf8(submission_id));
    request.set_offset(offset);
    request.set_max_bytes(std::min(max_bytes, kMaxLogBytes));
    request.set_wait_ms(static_cast<std::uint32_t>(wait.count()));
    TROUPE_ASSIGN_OR_RETURN(pb::LogChunk chunk,
                            head->Call<pb::LogChunk>("ReadLog", request, jobs::HeadConnection::kTimeout + wait));
    if (!chunk.error().empty()) return NotFound(chunk.error());
    return chunk;
  }
};

JobClient::JobClient(const std::string& address, const std::string& token_file)
    : core_(std::make_unique<Core>(Core{ValueOrThrow(jobs::HeadConnection::Open(address, token_file))})) {}
JobClient::~JobClient() = default;
JobClient::JobClient(JobClient&&) noexcept = default;
JobClient& JobClient::operator=(JobClient&&) noexcept = default;

std::string JobClient::Submit(const SubmitOptions& options) {
  std::vector<std::string> argv = options.argv;
  pb::SubmitJobRequest request;
  if (!options.program.empty()) {
    request.set_package(ValueOrThrow(jobs::UploadProgram(*core_->head, options.program)));
    if (argv.empty()) argv.emplace_back();
    argv[0] = "bin/" + std::filesystem::path(options.program).filename().string();
  }
  if (argv.empty() || argv[0].empty()) {
    throw JobError(JobError::Code::kInvalid, "a job needs a program: give argv[0], or a program to ship");
  }
  request.mutable_argv()->Assign(argv.begin(), argv.end());
  request.set_submission(options.submission_id.empty() ? "job-" + JobId::Random().Hex() : Utf8(options.submission_id));
  request.set_name_space(Utf8(options.name_space));
  request.mutable_environment()->insert(options.environment.begin(), options.environment.end());
  for (const auto& [name, value] : options.metadata) (*request.mutable_metadata())[Utf8(name)] = Utf8(value);
  auto reply = core_->head->Call<pb::SubmitJobReply>("SubmitJob", request);
  // The head keeps a package that no job has named for some seconds; this process may have stood still for longer.
  if (reply.status().code() == StatusCode::kFailedPrecondition && !options.program.empty()) {
    request.set_package(ValueOrThrow(jobs::UploadProgram(*core_->head, options.program)));
    reply = core_->head->Call<pb::SubmitJobReply>("SubmitJob", request);
  }
  return ValueOrThrow(std::move(reply)).job().submission();
}

JobDetails JobClient::Status(const std::string& submission_id) const { return core_->Get(submission_id, {}); }

JobDetails JobClient::Wait(const std::string& submission_id, std::optional<milliseconds> timeout) const {
  const auto begin = Clock::now();
  JobDetails job = Status(submission_id);
  while (!IsFinal(job.state)) {
    milliseconds wait = kLongestWait;
    if (timeout) wait = std::min(wait, std::chrono::duration_cast<milliseconds>(*timeout - (Clock::now() - begin)));
    if (wait.count() <= 0) break;
    job = Patiently([&] { return core_->Get(submission_id, wait); });
  }
  return job;
}

JobLog JobClient::Logs(const std::string& submission_id, std::uint64_t offset, std::uint32_t max_bytes,
                       milliseconds wait) const {
  pb::LogChunk chunk = ValueOrThrow(core_->ReadLog(submission_id, offset, max_bytes, wait));
  JobLog log{.data = std::move(*chunk.mutable_data()), .end = chunk.end()};
  log.next_offset = chunk.offset() + log.data.size();
  return log;
}

void JobClient::TailLogs(const std::string& submission_id, const std::function<bool(std::string_view)>& on_output,
                         std::uint64_t offset) const {
  constexpr milliseconds kPause(200);
  (void)Status(submission_id);
  for (bool ended = false;;) {
    const auto chunk = core_->ReadLog(submission_id, offset, kMaxLogBytes, kLongestWait);
    if (chunk.ok()) {
      if (!chunk->data().empty() && !on_output(chunk->data())) return;
      offset = chunk->offset() + chunk->data().size();
      if (chunk->end()) return;
      continue;
    }
    // There is no log before the driver runs, nor where it never ran or its node has died; the job's state tells.
    const JobDetails job = Patiently([&] { return core_->Get(submission_id, kPause); });
    if (std::exchange(ended, IsFinal(job.state)) && ended) return;
  }
}

JobDetails JobClient::Stop(const std::string& submission_id) const {
  pb::StopJobRequest request;
  request.set_submission(Utf8(submission_id));
  return jobs::FromProto(ValueOrThrow(core_->head->Call<pb::JobInfo>("StopJob", request)));
}

std::vector<JobDetails> JobClient::List(bool submissions_only) const {
  pb::ListJobsRequest request;
  request.set_submissions_only(submissions_only);
  const auto reply = ValueOrThrow(core_->head->Call<pb::ListJobsReply>("ListJobs", request));
  std::vector<JobDetails> list;
  for (const pb::JobInfo& job : reply.jobs()) list.push_back(jobs::FromProto(job));
  return list;
}

const std::string& JobClient::address() const { return core_->head->address(); }

}  // namespace troupe
