// Init and Shutdown. Here and not in client/, because in a worker Init is the executor, which client/ does not know.
#include "troupe/init.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "client/option_values.h"
#include "client/runtime_impl.h"
#include "common/descriptor_limit.h"
#include "common/local_cluster.h"
#include "common/session.h"
#include "common/stdio_descriptors.h"
#include "ipc/client_wire.h"
#include "troupe/error.h"
#include "troupe/internal/runtime_access.h"
#include "worker/worker_process.h"

namespace troupe {
namespace {

// What Init made and Shutdown ends.
struct Driver {
  std::shared_ptr<client::RuntimeImpl> runtime;
  std::optional<LocalCluster> cluster;  // started by Init
  pid_t pid = getpid();
};

std::unique_ptr<Driver>& CurrentDriver() {
  static std::unique_ptr<Driver> driver;
  return driver;
}

[[noreturn]] void ThrowConnection(const Status& status) {
  Throw({.kind = ErrorKind::kConnection, .outcome = Outcome::kNotExecuted, .message = status.message()});
}

std::string Environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? value : "";
}

// The program's arguments, without argv[0], as the kernel knows them: users may call Init() without giving them.
std::vector<std::string> Arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  if (!arguments.empty()) arguments.erase(arguments.begin());
  return arguments;
}

// Shared libraries that the program has loaded from outside the system's folders: nodes without them get them with
// the program.
std::set<std::string> OwnLibraries() {
  std::set<std::string> libraries;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t slash = line.find('/');
    if (slash == std::string::npos) continue;
    const std::string path = line.substr(slash);
    const bool system = path.starts_with("/lib") || path.starts_with("/usr/lib") || path.starts_with("/dev/");
    if (!system && path.find(".so") != std::string::npos) libraries.insert(path);
  }
  return libraries;
}

std::string NameSpace(const InitOptions& options) {
  const std::string name = options.name_space.empty() ? Environment("TROUPE_NAMESPACE") : options.name_space;
  return name.empty() ? name : client::CheckedName("the job's namespace", name);
}

pb::RegisterClient Hello(const InitOptions& options) {
  pb::RegisterClient hello;
  hello.set_protocol_version(ipc::kClientProtocolVersion);
  hello.set_kind(pb::WorkerInfo::DRIVER);
  hello.set_process(ProcessId::Random().value);
  hello.set_pid(getpid());
  hello.set_name_space(NameSpace(options));
  hello.set_submission(Environment("TROUPE_SUBMISSION_ID"));
  hello.set_log_to_driver(options.log_to_driver);
  std::error_code error;
  pb::Program& program = *hello.mutable_program();
  program.set_path(std::filesystem::read_symlink("/proc/self/exe", error).string());
  program.set_directory(std::filesystem::current_path(error).string());
  for (const std::string& argument : Arguments()) program.add_argv(argument);
  for (const std::string& library : OwnLibraries()) program.add_libraries(library);
  return hello;
}

LocalCluster StartLocalCluster(const InitOptions& options) {
  ClusterOptions cluster;
  cluster.num_cpus = options.num_cpus;
  cluster.num_gpus = options.num_gpus;
  cluster.resources = options.resources;
  cluster.object_store_memory = options.object_store_memory;
  cluster.die_with_parent = true;
  cluster.log_level = Environment("TROUPE_LOG_LEVEL").empty() ? "info" : Environment("TROUPE_LOG_LEVEL");
  Result<LocalCluster> started = StartCluster(cluster);
  if (!started.ok()) ThrowConnection(started.status().WithContext("cannot start a local cluster"));
  return std::move(*started);
}

std::string SocketToJoin(const InitOptions& options, std::optional<LocalCluster>* cluster) {
  std::string address = options.address.empty() ? Environment("TROUPE_ADDRESS") : options.address;
  if (address.empty()) {
    *cluster = StartLocalCluster(options);
    return (*cluster)->session.node->socket;
  }
  if (options.num_cpus || options.num_gpus || !options.resources.empty() || options.object_store_memory) {
    Throw({.kind = ErrorKind::kUsage,
           .outcome = Outcome::kNotExecuted,
           .message = "num_cpus, num_gpus, resources and object_store_memory are for a local cluster, but this program "
                      "joins the one at " +
                      address + "; give them to `troupe start`"});
  }
  Result<Session> session = FindSession(address);
  if (!session.ok()) ThrowConnection(session.status());
  if (!session->node) ThrowConnection(Unavailable("the session in " + session->dir + " has no raylet that is ready"));
  return session->node->socket;
}

// Otherwise the end of the connection looks like a crash, and the job counts as failed. Waits for what the workers have
// printed; not for long, since the raylet may have other troubles.
void TakeLeave(client::Core& core) {
  constexpr std::chrono::seconds kMaxWait{2};
  pb::ClientToRaylet message;
  message.mutable_exit_intent()->set_reason("troupe::Shutdown");
  auto answered = std::make_shared<bool>(false);
  std::unique_lock lock(core.mutex);
  core.messenger->Request(std::move(message), [answered](const pb::RayletToClient&) { *answered = true; });
  core.messenger->WaitUntil(
      lock, [&] { return *answered; }, client::Clock::now() + kMaxWait);
}

}  // namespace

void Init(const InitOptions& options) {
  const worker::WorkerEnvironment environment = worker::TakeWorkerEnvironment();
  if (environment.kind == worker::WorkerEnvironment::Kind::kTemplate) worker::RunTemplate(environment);
  if (environment.kind == worker::WorkerEnvironment::Kind::kWorker) worker::RunWorker(environment);
  internal::RefuseFork();
  if (IsInitialized()) {
    if (options.ignore_reinit) return;
    Throw({.kind = ErrorKind::kUsage,
           .outcome = Outcome::kNotExecuted,
           .message = "troupe::Init was called before; call it once, or give .ignore_reinit = true"});
  }
  ReserveStdio();
  RaiseDescriptorLimit();
  const pb::RegisterClient hello = Hello(options);
  auto driver = std::make_unique<Driver>();
  const std::string socket = SocketToJoin(options, &driver->cluster);
  driver->runtime = std::make_shared<client::RuntimeImpl>();
  if (const Status status = driver->runtime->Start(socket, hello, nullptr); !status.ok()) {
    if (driver->cluster) (void)driver->cluster->Stop();  // the first failure is the one to tell
    ThrowConnection(status);
  }
  internal::SetRuntime(driver->runtime);
  const bool first = !CurrentDriver();
  CurrentDriver() = std::move(driver);
  static bool registered = false;
  if (first && !registered) {
    registered = true;
    std::atexit([] { Shutdown(); });
  }
}

void Init(int, char**, const InitOptions& options) { Init(options); }

void Shutdown() {
  // A child that the program forked has a copy of all this, and no part in it.
  if (CurrentDriver() && CurrentDriver()->pid != getpid()) (void)CurrentDriver().release();
  std::unique_ptr<Driver> driver = std::move(CurrentDriver());
  if (!driver) return;
  internal::SetRuntime(nullptr);
  TakeLeave(driver->runtime->core());
  driver->runtime->Stop();
  if (driver->cluster) {
    if (const Status status = driver->cluster->Stop(); !status.ok()) {
      std::fprintf(stderr, "troupe: the local cluster did not stop cleanly: %s\n", status.message().c_str());
    }
  }
}

}  // namespace troupe
