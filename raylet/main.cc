// troupe-raylet: the daemon of one node.
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "common/asio_event_loop.h"
#include "common/descriptor_limit.h"
#include "common/exit_watch.h"
#include "common/logging.h"
#include "common/session.h"
#include "common/stdio_descriptors.h"
#include "raylet/leases/node_capacity.h"
#include "raylet/raylet.h"
#include "raylet/session_files.h"
#include "raylet/workers/guard.h"
#include "raylet/workers/orphans.h"
#include "rpc/security.h"

namespace troupe::raylet {
namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;

// A value that this node was given may be refused here, where it listens, or by the head.
int ExitCode(const Status& status) { return status.code() == StatusCode::kInvalidArgument ? kBadUsage : kFailed; }

struct Flags {
  RayletOptions raylet;
  CapacityFlags capacity;
  std::string token_file;
  std::string log_level = "info";
  int parent_pid = 0;
};

void AddFlags(CLI::App* app, Flags* flags) {
  app->add_option("--head", flags->raylet.head, "HOST:PORT of the head")->required();
  app->add_option("--bind", flags->raylet.bind, "Address to listen on for other nodes")->capture_default_str();
  app->add_option("--port", flags->raylet.port, "Port to listen on; 0: any free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app->add_option("--session-dir", flags->raylet.session_dir, "Folder for the socket and logs, mode 0700")->required();
  app->add_option("--token-file", flags->token_file, "File with the cluster's token, mode 0600")->required();
  app->add_option("--num-cpus", flags->capacity.num_cpus, "CPUs to offer; default: all");
  app->add_option("--num-gpus", flags->capacity.num_gpus, "GPUs to offer; default: all");
  app->add_option("--memory", flags->capacity.memory, "Bytes to offer; default: 70 % of what is available");
  app->add_option("--resources", flags->capacity.resources, "Resources of your own, JSON: {\"disk\": 2}");
  app->add_option("--labels", flags->capacity.labels, "Labels of the node, JSON: {\"zone\": \"a\"}");
  app->add_option("--object-store-memory", flags->capacity.object_store_memory,
                  "Bytes of shared memory for objects; default: 30 % of the available memory");
  app->add_flag("--head-node", flags->raylet.is_head_node, "This node runs beside the head");
  app->add_option("--log-level", flags->log_level, "trace, debug, info, warn, error or off")->capture_default_str();
  app->add_option("--parent-pid", flags->parent_pid, "Stop when this process ends");
  app->add_option("--node-name", flags->raylet.node_name, "Name of the node for people; default: the host's");
  app->add_option("--keep-worker-logs", flags->raylet.worker_logs.number,
                  "Of so many workers that have ended the output is kept")
      ->envname("TROUPE_KEEP_WORKER_LOGS")
      ->capture_default_str();
  app->add_option("--keep-worker-log-bytes", flags->raylet.worker_logs.bytes, "At most so many bytes of it")
      ->envname("TROUPE_KEEP_WORKER_LOG_BYTES")
      ->capture_default_str();
  app->add_option_function<std::uint32_t>(
         "--keep-worker-log-hours",
         [flags](std::uint32_t hours) { flags->raylet.worker_logs.age = std::chrono::hours(hours); },
         "And so long; default: 168")
      ->envname("TROUPE_KEEP_WORKER_LOG_HOURS");
  app->add_option("--keep-program-bytes", flags->raylet.keep_program_bytes,
                  "Of the programs fetched for jobs that have ended, at most so many bytes are kept")
      ->envname("TROUPE_KEEP_PROGRAM_BYTES")
      ->capture_default_str();
  app->set_version_flag("--version", std::string(rpc::SoftwareVersion()));
}

// A core file would hold the token. Programs of this node may raise their own limit again.
void ForbidCoreFiles() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_cur = 0;
  ::setrlimit(RLIMIT_CORE, &limit);
}

// Before there is a log: what is printed here is passed on by who started this.
int Fail(const Status& status, int code) {
  std::fprintf(stderr, "troupe-raylet: %s\n", status.message().c_str());
  return code;
}

int FailAndLog(const Status& status) {
  spdlog::error("{}", status.ToString());
  return Fail(status, ExitCode(status));
}

// Runs the node until a signal, its parent's end, the head's wish, or a failure.
class Daemon {
 public:
  explicit Daemon(Flags flags) : flags_(std::move(flags)), signals_(loop_.context(), SIGTERM, SIGINT) {}

  int Run() {
    // A client that goes while we write to it is no reason to die.
    ::signal(SIGPIPE, SIG_IGN);
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (!error) Stop(std::string("signal ") + ::strsignal(signal));
    });
    // The raylet is made on the loop's thread, which its parts assert they are on.
    loop_.Post([this] { Start(); });
    loop_.Run();
    raylet_.reset();
    return exit_code_;
  }

 private:
  void Start() {
    if (!WatchParent()) return loop_.Stop();
    auto raylet = Raylet::Start(loop_, flags_.raylet,
                                {.on_ready = [] {},
                                 .on_failed = [this](const Status& why) { Stop(why.message(), &why); },
                                 .on_shutdown = [this](const std::string& reason) { Stop(reason); }});
    if (!raylet.ok()) {
      exit_code_ = FailAndLog(raylet.status());
      return loop_.Stop();
    }
    raylet_ = std::move(*raylet);
  }

  bool WatchParent() {
    if (flags_.parent_pid == 0) return true;
    parent_ = ExitWatch::OfParent(loop_.context(), flags_.parent_pid, [this] { Stop("its parent process ended"); });
    if (parent_) return true;
    const std::string gone = "its parent, process " + std::to_string(flags_.parent_pid) + ", has ended";
    exit_code_ = FailAndLog(FailedPrecondition(gone));
    return false;
  }

  void Stop(const std::string& reason, const Status* failure = nullptr) {
    if (failure != nullptr) exit_code_ = FailAndLog(*failure);
    if (stopping_) return;
    stopping_ = true;
    // Not within a call of the raylet, which might still use what this ends.
    loop_.Post([this, reason] {
      if (!raylet_) return loop_.Stop();
      raylet_->Stop(reason, [this] { loop_.Stop(); });
    });
  }

  const Flags flags_;
  AsioEventLoop loop_;
  boost::asio::signal_set signals_;
  std::unique_ptr<ExitWatch> parent_;
  std::unique_ptr<Raylet> raylet_;
  bool stopping_ = false;
  int exit_code_ = 0;
};

int Main(int argc, char** argv) {
  CLI::App app("The daemon of one node of a Troupe cluster.");
  Flags flags;
  AddFlags(&app, &flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadUsage;
  }
  ReserveStdio();
  RaiseDescriptorLimit();
  flags.raylet.node = NodeId::Random();
  if (const Status started = StartGuard(flags.raylet.node, argc, argv); !started.ok()) return Fail(started, kFailed);
  auto child_ends = Orphans::BecomeSubreaper();
  if (!child_ends.ok()) return Fail(child_ends.status(), kFailed);
  flags.raylet.child_ends = *child_ends;
  ForbidCoreFiles();
  auto machine = LookAtMachine();
  if (!machine.ok()) return Fail(machine.status(), kFailed);
  auto capacity = DecideCapacity(flags.capacity, *machine);
  if (!capacity.ok()) return Fail(capacity.status(), kBadUsage);
  flags.raylet.capacity = std::move(*capacity);
  auto token = LoadToken(flags.token_file);
  if (!token.ok()) return Fail(token.status(), kFailed);
  flags.raylet.token = std::move(*token);
  auto lock = SessionLock::Take(flags.raylet.session_dir);
  if (!lock.ok()) return Fail(lock.status(), kFailed);
  flags.raylet.session_dir = lock->dir();
  flags.raylet.log_file = lock->dir() + "/logs/raylet.log";
  const Status logging = StartLogging({.component = "raylet", .file = flags.raylet.log_file, .level = flags.log_level});
  if (!logging.ok()) return Fail(logging, ExitCode(logging));
  return Daemon(std::move(flags)).Run();
}

}  // namespace
}  // namespace troupe::raylet

int main(int argc, char** argv) { return troupe::raylet::Main(argc, argv); }
