#include "head/head_program.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/exit_watch.h"
#include "common/logging.h"
#include "common/process_stat.h"
#include "common/session.h"
#include "head/head_service.h"

namespace troupe::head {
namespace {

// Longer than a silent node is believed: a package that a raylet has put, or found to be here, must not go before the
// raylet has said which job needs it.
constexpr std::chrono::seconds kTrimPackages{10};

std::int64_t WallMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string LogFile(const HeadOptions& options) { return options.session_dir + "/logs/head.log"; }
std::string ReadyFile(const HeadOptions& options) { return options.session_dir + "/head.json"; }

Status StartLog(const HeadOptions& options) {
  const std::string folder = options.session_dir + "/logs";
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, "cannot make " + folder);
  return StartLogging({.component = "head", .file = LogFile(options), .level = options.log_level});
}

rpc::ServerOptions ServerOptionsOf(const HeadOptions& options, const std::string& token, const ClusterId& cluster) {
  rpc::ServerOptions server;
  server.host = options.bind;
  server.port = options.port;
  server.credentials.token = token;
  server.credentials.cluster_id = cluster.Hex();
  return server;
}

Status ParentGone(const HeadOptions& options) {
  return FailedPrecondition("its parent, process " + std::to_string(options.parent_pid) + ", has ended");
}

pb::MachineProcess ThisProcess() {
  pb::MachineProcess process;
  process.set_pid(getpid());
  process.set_pid_space(PidSpace());
  if (const auto stat = ReadProcessStat(getpid())) process.set_start_time(stat->start_time);
  return process;
}

std::string HostPort(const std::string& host, int port) {
  const bool bare_ipv6 = host.find(':') != std::string::npos && host.front() != '[';
  return (bare_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace

Result<std::unique_ptr<HeadProgram>> HeadProgram::Make(const HeadOptions& options) {
  if (options.parent_pid != 0 && getppid() != options.parent_pid) return ParentGone(options);
  TROUPE_RETURN_IF_ERROR(CheckSessionDirectory(options.session_dir));
  TROUPE_ASSIGN_OR_RETURN(const std::string token, LoadToken(options.token_file));
  TROUPE_ASSIGN_OR_RETURN(FileLock lock, FileLock::Take(options.session_dir + "/head.lock"));
  TROUPE_RETURN_IF_ERROR(StartLog(options));
  TROUPE_ASSIGN_OR_RETURN(auto packages, PackageStore::Open(options.session_dir + "/packages",
                                                            {.unneeded_bytes = options.keep_program_bytes}));
  auto registry = std::make_unique<MemoryRegistry>();
  TROUPE_ASSIGN_OR_RETURN(const Rows rows, registry->Load());
  TROUPE_ASSIGN_OR_RETURN(const Identity identity, NextIdentity(rows, options.cluster));
  std::unique_ptr<HeadProgram> program(
      new HeadProgram(options, std::move(lock), token, std::move(packages), std::move(registry), identity));
  TROUPE_RETURN_IF_ERROR(program->cluster_.Restore(rows));
  return program;
}

HeadProgram::HeadProgram(const HeadOptions& options, FileLock lock, const std::string& token,
                         std::unique_ptr<PackageStore> packages, std::unique_ptr<Registry> registry,
                         const Identity& identity)
    : options_(options),
      identity_(identity),
      lock_(std::move(lock)),
      registry_(std::move(registry)),
      random_(std::random_device()()),
      streams_(loop_),
      cluster_({.loop = loop_,
                .nodes = streams_,
                .registry = *registry_,
                .random = [this] { return std::uniform_real_distribution<double>(0, 1)(random_); },
                .wall_ms = WallMs},
               {.identity = identity,
                .version = TROUPE_VERSION,
                .log_file = LogFile(options),
                .process = ThisProcess(),
                .times = {},
                .actors = {}}),
      packages_(std::move(packages), loop_),
      server_(ServerOptionsOf(options, token, identity.cluster), loop_) {
  streams_.Serve(server_, cluster_);
  ServeHead(server_, cluster_, packages_);
}

HeadProgram::~HeadProgram() { Stop(); }

Status HeadProgram::Run() {
  boost::asio::signal_set signals(loop_.context(), SIGTERM, SIGINT);
  signals.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    spdlog::info("stopping on signal {}", signal);
    loop_.Stop();
  });
  std::unique_ptr<ExitWatch> parent;
  if (options_.parent_pid != 0) {
    parent = ExitWatch::OfParent(loop_.context(), options_.parent_pid, [this] {
      spdlog::info("stopping: its parent, process {}, has ended", options_.parent_pid);
      loop_.Stop();
    });
    if (!parent) return ParentGone(options_);
  }
  TROUPE_ASSIGN_OR_RETURN(const int port, server_.Start());
  TROUPE_RETURN_IF_ERROR(Announce(port));
  spdlog::info("head of cluster {} serves on {}, version {}", identity_.cluster.Hex(), HostPort(options_.bind, port),
               TROUPE_VERSION);
  TrimPackages();
  loop_.Run();
  unlink(ReadyFile(options_).c_str());
  Stop();
  return OkStatus();
}

Status HeadProgram::Announce(int port) {
  const nlohmann::json ready = {{"address", HostPort(options_.bind, port)},
                                {"pid", getpid()},
                                {"cluster_id", identity_.cluster.Hex()},
                                {"version", TROUPE_VERSION},
                                {"started_ms", WallMs()}};
  return WriteFileAtomically(ReadyFile(options_), ready.dump() + "\n");
}

void HeadProgram::TrimPackages() {
  cluster_.commits().Then([this, needed = cluster_.jobs().NeededPackages()] { packages_.Trim(needed); });
  loop_.After(kTrimPackages, [this] { TrimPackages(); });
}

void HeadProgram::Stop() {
  server_.Stop();
  packages_.Stop();
}

}  // namespace troupe::head
