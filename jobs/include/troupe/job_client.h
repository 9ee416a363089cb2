// JobClient: runs programs as jobs of a cluster, from outside it: ships the program, follows its output, stops it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "troupe/abi.h"

namespace troupe {

// Why a JobClient could not do what it was asked.
class JobError : public std::runtime_error {
 public:
  enum class Code {
    kInvalid,      // the request makes no sense to anyone: a bad name, a program that is none
    kNotFound,     // no job, file or cluster of that name
    kExists,       // the submission id was used for another job
    kUnreachable,  // no answer from the head; a submission may be sent again with the same id
    kRefused,      // a missing or wrong token, another version or cluster
    kFailed,       // anything else
  };
  JobError(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Code code() const { return code_; }

 private:
  Code code_;
};

enum class JobState { kPending, kRunning, kSucceeded, kFailed, kStopped };

// "PENDING" and so on; for people and JSON.
const char* JobStateName(JobState state);
// Whether the state is final.
inline bool IsFinal(JobState state) { return state != JobState::kPending && state != JobState::kRunning; }

struct JobDetails {
  std::string submission_id;  // empty for a driver that was started by hand
  std::string job_id;         // 16 hexadecimal digits
  JobState state = JobState::kPending;
  std::string name_space;
  std::string entrypoint;                         // the command line, for people
  std::string message;                            // why it failed
  std::optional<int> exit_code;                   // the program's own, 128 + signal when it was killed; none while
                                                  // it runs, when it never started or nobody saw it end
  std::chrono::system_clock::time_point started;  // the epoch: not yet
  std::chrono::system_clock::time_point ended;
  std::map<std::string, std::string> metadata;
};

struct SubmitOptions {
  std::vector<std::string> argv = {};                   // as main() gets it; argv[0] may be empty with `program`
  std::string program = {};                             // path on this machine, shipped with the libraries it needs;
                                                        // empty: argv[0] names a program that the node has
  std::string submission_id = {};                       // 1 to 128 letters, digits, '_', '-', '.'; empty: a new one
  std::string name_space = {};                          // empty: one of the job's own
  std::map<std::string, std::string> environment = {};  // over the node's own
  std::map<std::string, std::string> metadata = {};     // kept with the job
};

// A piece of a job's output, both streams in one.
struct JobLog {
  std::string data;
  std::uint64_t next_offset = 0;  // where to read on
  bool end = false;               // the job ended and this is the last of it
};

// Thread-safe: any call may be made while another waits. Calls block for the head's answer, 10 s at most where nothing
// else is said, and throw JobError. Destroying a client ends nothing.
class JobClient {
 public:
  // `address`: HOST:PORT of a head or a session folder of this machine; empty: $TROUPE_ADDRESS, else the newest cluster
  // that runs here. `token_file`: empty: $TROUPE_TOKEN_FILE, else ~/.troupe/token. Does not yet connect.
  explicit JobClient(const std::string& address = {}, const std::string& token_file = {});
  ~JobClient();
  JobClient(JobClient&&) noexcept;
  JobClient& operator=(JobClient&&) noexcept;

  // Ships the program, unless the cluster has it already (as long as that takes; what was sent before an interruption
  // is not sent again), and has it run. Returns the submission id. Idempotent by submission_id.
  std::string Submit(const SubmitOptions& options);

  JobDetails Status(const std::string& submission_id) const;

  // Waits until the job's state is final, `timeout` at most (none: without limit); the details tell. Rides out a head
  // that cannot be reached for up to 30 s.
  JobDetails Wait(const std::string& submission_id, std::optional<std::chrono::milliseconds> timeout = {}) const;

  // What the job printed, from byte `offset`: up to `max_bytes` (1 MiB at most), waiting up to `wait` (5 s at most) for
  // the first of it. Empty when there is none.
  JobLog Logs(const std::string& submission_id, std::uint64_t offset = 0, std::uint32_t max_bytes = 1u << 20,
              std::chrono::milliseconds wait = {}) const;

  // Hands `on_output` what the job prints, from byte `offset`, until it has ended and all is read, or on_output returns
  // false. Rides out a head that cannot be reached for up to 30 s.
  void TailLogs(const std::string& submission_id, const std::function<bool(std::string_view)>& on_output,
                std::uint64_t offset = 0) const;

  // SIGTERM to the program's process group, SIGKILL some seconds later. Returns at once; a job that has ended stays as
  // it is.
  JobDetails Stop(const std::string& submission_id) const;

  // The jobs that the head remembers, drivers started by hand included unless `submissions_only`.
  std::vector<JobDetails> List(bool submissions_only = false) const;

  // HOST:PORT of the head.
  const std::string& address() const;

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace troupe
