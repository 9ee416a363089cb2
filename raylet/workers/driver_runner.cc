#include "raylet/workers/driver_runner.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <utility>

#include "common/logging.h"
#include "common/owner_mark.h"
#include "common/utf8.h"
#include "raylet/errors.h"

namespace troupe::raylet {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kKillLimit{2'000};

bool IsIdCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

// "bin/x" or "x" in a package, which holds nothing deeper.
Result<std::string> InPackage(const std::string& package_dir, const std::string& name) {
  const std::string file = name.starts_with("bin/") ? name.substr(4) : name;
  if (file.empty() || file.find('/') != std::string::npos || file == "." || file == "..") {
    return InvalidArgument("'" + name + "' does not name a program of the package: give \"bin/\" and its file name");
  }
  return package_dir + "/bin/" + file;
}

Result<std::string> OnPath(const std::string& name) {
  if (name.starts_with('/')) return name;
  if (name.empty() || name.find('/') != std::string::npos) {
    return InvalidArgument("the program '" + name + "' is neither an absolute path nor a name to look up in PATH");
  }
  const char* path = getenv("PATH");
  std::istringstream directories(path == nullptr ? "/usr/bin:/bin" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::string candidate = directory + "/" + name;
    if (directory.starts_with('/') && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return NotFound("the program '" + name + "' is not in the PATH of this node's raylet");
}

Status SetUserVariables(const pb::RunDriver& command, std::vector<std::string>* environment) {
  for (const auto& [name, value] : command.environment()) {
    if (name.empty() || name.find('=') != std::string::npos || name.find('\0') != std::string::npos ||
        value.find('\0') != std::string::npos) {
      return InvalidArgument("the environment variable '" + name + "' has no valid name or value");
    }
    SetVariable(name, value, environment);
  }
  return OkStatus();
}

}  // namespace

struct DriverRunner::Driver {
  pb::RunDriver command;
  PackageUse package;                       // that it runs from, if any
  std::unique_ptr<WatchedProcess> process;  // null while its package is being fetched
  bool stopping = false;
  TimerId grace_timer = 0;
  const std::uint64_t owner = ProcessId::Random().value;  // what its children bear as OwnerMark
};

bool IsSubmissionId(const std::string& text) {
  return !text.empty() && text.size() <= 128 && text[0] != '.' && std::all_of(text.begin(), text.end(), IsIdCharacter);
}

std::string DriverLogName(const std::string& submission) { return "job-" + submission + ".log"; }

std::string DriverLogPath(const std::string& session_dir, const std::string& submission) {
  return session_dir + "/logs/" + DriverLogName(submission);
}

DriverRunner::DriverRunner(EventLoop& loop, boost::asio::io_context& context, Options options, OnUpdate on_update,
                           ProgramCache& cache)
    : loop_(loop),
      context_(context),
      options_(std::move(options)),
      on_update_(std::move(on_update)),
      cache_(cache),
      self_(std::make_shared<DriverRunner*>(this)) {}

DriverRunner::~DriverRunner() {
  for (auto& [submission, driver] : drivers_) loop_.Cancel(driver->grace_timer);
}

void DriverRunner::Run(const pb::RunDriver& command) {
  TROUPE_CHECK(loop_.InLoop());
  const std::string& submission = command.job().submission();
  if (!IsSubmissionId(submission)) {
    return Fail(submission, "'" + submission + "' is not a submission id: 1 to 128 letters, digits, '_', '-' and '.'");
  }
  auto& driver = drivers_[submission];
  if (driver) return;
  driver = std::make_unique<Driver>();
  driver->command = command;
  const std::string& package = command.job().program().package();
  if (package.empty()) return Start(submission, PackageUse());
  Fetch(submission, package);
}

void DriverRunner::Fetch(const std::string& submission, const std::string& package) {
  cache_.Fetch(package, [weak = std::weak_ptr(self_), submission, package](const Result<PackageUse>& fetched) {
    const auto self = weak.lock();
    if (!self) return;
    const auto found = (*self)->drivers_.find(submission);
    const bool wanted = found != (*self)->drivers_.end() && !found->second->stopping;
    if (!wanted || fetched.ok() || !MayPass(fetched.status())) return (*self)->Start(submission, fetched);
    spdlog::warn("submission {} waits for its package: {}", submission, fetched.status().message());
    (*self)->loop_.After((*self)->options_.fetch_again, [weak, submission, package] {
      if (const auto again = weak.lock()) (*again)->Fetch(submission, package);
    });
  });
}

void DriverRunner::Start(const std::string& submission, const Result<PackageUse>& package) {
  const auto found = drivers_.find(submission);
  if (found == drivers_.end() || found->second->process) return;
  Driver& driver = *found->second;
  if (driver.stopping) return Fail(submission, "stopped before it started");
  if (!package.ok()) return Fail(submission, package.status().message());
  driver.package = *package;
  const auto command = Command(driver);
  if (!command.ok()) return Fail(submission, command.status().message());
  const auto process = Spawn(*command);
  if (!process.ok()) return Fail(submission, process.status().message());
  driver.process = std::make_unique<WatchedProcess>(
      context_, *process, [this, submission](std::optional<int> wait_status) { OnEnded(submission, wait_status); });
  spdlog::info("driver of submission {} runs as process {}", submission, process->pid);
  pb::DriverUpdate update;
  update.set_submission(submission);
  update.set_pid(process->pid);
  Report(std::move(update));
}

Result<SpawnOptions> DriverRunner::Command(const Driver& driver) const {
  const pb::RunDriver& command = driver.command;
  if (command.argv().empty()) return InvalidArgument("the submission has no command line");
  const std::string& submission = command.job().submission();
  SpawnOptions options;
  const std::string& name = command.argv(0);
  TROUPE_ASSIGN_OR_RETURN(options.program,
                          driver.package ? InPackage(driver.package->directory(), name) : OnPath(name));
  options.argv.assign(command.argv().begin(), command.argv().end());
  options.argv[0] = options.program;

  options.directory = options_.session_dir + "/drivers/" + submission;
  std::error_code error;
  fs::create_directories(options.directory, error);
  if (error) return ErrnoStatus(error.value(), "cannot make the driver's directory " + options.directory);

  options.environment = InheritedEnvironment();
  TROUPE_RETURN_IF_ERROR(SetUserVariables(command, &options.environment));
  if (driver.package) PrependLibraryPath(driver.package->directory() + "/lib", &options.environment);
  SetVariable("TROUPE_ADDRESS", options_.address, &options.environment);
  SetVariable("TROUPE_SUBMISSION_ID", submission, &options.environment);
  SetVariable(OwnerMark::kVariable, OwnerMark{options_.node, driver.owner}.Text(), &options.environment);
  if (!command.job().name_space().empty()) {
    SetVariable("TROUPE_NAMESPACE", command.job().name_space(), &options.environment);
  }
  options.stdout_path = options.stderr_path = DriverLogPath(options_.session_dir, submission);
  options.own_process_group = true;
  return options;
}

void DriverRunner::Stop(const pb::StopDriver& command) {
  TROUPE_CHECK(loop_.InLoop());
  const auto found = drivers_.find(command.submission());
  if (found == drivers_.end() || std::exchange(found->second->stopping, true)) return;
  Driver& driver = *found->second;
  if (!driver.process) return;  // Start() looks
  spdlog::info("stopping the driver of submission {}: {}", command.submission(), command.reason());
  (void)driver.process->SignalGroup(SIGTERM);  // NotFound: it has just ended
  driver.grace_timer =
      loop_.After(options_.stop_grace, [weak = std::weak_ptr(self_), submission = command.submission()] {
        if (const auto self = weak.lock()) (*self)->OnGraceOver(submission);
      });
}

void DriverRunner::OnGraceOver(const std::string& submission) {
  const auto found = drivers_.find(submission);
  if (found == drivers_.end()) return;
  found->second->grace_timer = 0;
  spdlog::warn("the driver of submission {} did not end on SIGTERM, so it is killed", submission);
  (void)found->second->process->SignalGroup(SIGKILL);  // NotFound: it has just ended
}

void DriverRunner::OnEnded(const std::string& submission, std::optional<int> wait_status) {
  const auto found = drivers_.find(submission);
  if (found == drivers_.end()) return;
  pb::DriverUpdate update;
  update.set_submission(submission);
  update.set_pid(found->second->process->pid());
  update.set_ended(true);
  if (wait_status) {
    update.set_wait_status(*wait_status);
  } else {
    update.set_error("the driver " + UnknownExit().text);
  }
  loop_.Cancel(found->second->grace_timer);
  drivers_.erase(found);
  Report(std::move(update));
}

void DriverRunner::Fail(const std::string& submission, const std::string& why) {
  drivers_.erase(submission);
  pb::DriverUpdate update;
  update.set_submission(submission);
  update.set_ended(true);
  update.set_error(Utf8(why));
  Report(std::move(update));
}

void DriverRunner::Report(pb::DriverUpdate update) {
  loop_.Post([weak = std::weak_ptr(self_), update = std::move(update)] {
    if (const auto self = weak.lock()) (*self)->on_update_(update);
  });
}

bool DriverRunner::Owns(std::uint64_t owner) const {
  return std::any_of(drivers_.begin(), drivers_.end(),
                     [owner](const auto& entry) { return entry.second->owner == owner; });
}

void DriverRunner::KillAll() {
  const auto deadline = std::chrono::steady_clock::now() + kKillLimit;
  for (auto& [submission, driver] : drivers_) {
    loop_.Cancel(driver->grace_timer);
    if (driver->process) (void)driver->process->SignalGroup(SIGKILL);  // NotFound: it has just ended
  }
  for (auto& [submission, driver] : drivers_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (driver->process && !driver->process->WaitEnded(std::max(left, std::chrono::milliseconds(0)))) {
      spdlog::warn("driver process {} does not end after SIGKILL", driver->process->pid());
    }
  }
  drivers_.clear();
}

}  // namespace troupe::raylet
