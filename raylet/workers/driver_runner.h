// DriverRunner: runs the drivers of submitted jobs on this node and reports how they ended.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/event_loop.h"
#include "common/status.h"
#include "proto/head.pb.h"
#include "raylet/ports/driver_port.h"
#include "raylet/programs/program_cache.h"
#include "raylet/workers/process.h"
#include "raylet/workers/watched_process.h"

namespace troupe::raylet {

// Whether text can name a submission: 1 to 128 letters, digits, '_', '-' and '.', not beginning with '.'. Ids become
// file names.
bool IsSubmissionId(const std::string& text);

// <session>/logs/job-<submission>.log
// Within <session_dir>/logs.
std::string DriverLogName(const std::string& submission);
std::string DriverLogPath(const std::string& session_dir, const std::string& submission);

// Loop thread only; reports come from the loop and never from inside a call. The loop, the context (the loop's own) and
// the cache must outlive it. A driver runs in a process group of its own and in <session>/drivers/<submission>, with
// both output streams in <session>/logs/job-<submission>.log, and with TROUPE_ADDRESS, TROUPE_SUBMISSION_ID and
// TROUPE_NAMESPACE set over the user's environment, and TROUPE_OWNER for what it starts. It is killed when the raylet
// dies.
class DriverRunner : public SubmittedDrivers {
 public:
  struct Options {
    NodeId node = {};
    std::string session_dir;                       // logs/ in it must exist
    std::string address;                           // TROUPE_ADDRESS of the drivers
    std::chrono::milliseconds stop_grace{5'000};   // from SIGTERM to SIGKILL
    std::chrono::milliseconds fetch_again{2'000};  // a package, while the head cannot be asked for it
  };
  // Once with the pid when the driver runs, and once with `ended`, or with `ended` and `error` when it never ran.
  using OnUpdate = std::function<void(const pb::DriverUpdate&)>;

  DriverRunner(EventLoop& loop, boost::asio::io_context& context, Options options, OnUpdate on_update,
               ProgramCache& cache);
  ~DriverRunner() override;
  DriverRunner(const DriverRunner&) = delete;
  DriverRunner& operator=(const DriverRunner&) = delete;

  void Run(const pb::RunDriver& command) override;
  // SIGTERM to the driver's process group, SIGKILL after the grace.
  void Stop(const pb::StopDriver& command) override;

  // Whether the driver is being started or runs.
  bool running(const std::string& submission) const { return drivers_.contains(submission); }

  // Whether `owner` is one of the drivers (OwnerMark).
  bool Owns(std::uint64_t owner) const;

  // Kills every driver's process group; blocks up to 2 s; no updates follow.
  void KillAll();

 private:
  struct Driver;

  void Fetch(const std::string& submission, const std::string& package);
  void Start(const std::string& submission, const Result<PackageUse>& package);  // null without a package
  Result<SpawnOptions> Command(const Driver& driver) const;
  void OnEnded(const std::string& submission, std::optional<int> wait_status);
  void OnGraceOver(const std::string& submission);
  void Fail(const std::string& submission, const std::string& why);
  // Reports in a turn of its own, so that no callback runs inside a call.
  void Report(pb::DriverUpdate update);

  EventLoop& loop_;
  boost::asio::io_context& context_;
  const Options options_;
  const OnUpdate on_update_;
  ProgramCache& cache_;
  std::map<std::string, std::unique_ptr<Driver>> drivers_;  // by submission
  std::shared_ptr<DriverRunner*> self_;                     // what posted work holds weakly: gone with this
};

}  // namespace troupe::raylet
