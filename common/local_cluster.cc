#include "common/local_cluster.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/number_text.h"
#include "common/owner_mark.h"
#include "common/resources.h"
#include "common/session_folder.h"
#include "common/session_memory.h"

namespace troupe {
namespace {

using nlohmann::json;

Status CheckPort(const char* what, int port) {
  if (port >= 0 && port <= 65'535) return OkStatus();
  return InvalidArgument(std::string(what) + " " + std::to_string(port) +
                         " is not a port: give 1 to 65535, or 0 for any free one");
}

Status CheckAmounts(const ClusterOptions& options) {
  std::map<std::string, double> amounts = options.resources;
  for (const char* own : {kCpu, kGpu, kMemory}) {
    if (amounts.contains(own)) {
      return InvalidArgument(std::string("resource '") + own +
                             "' has an option of its own: leave it out of the custom ones");
    }
  }
  if (options.num_cpus) amounts[kCpu] = *options.num_cpus;
  if (options.num_gpus) amounts[kGpu] = *options.num_gpus;
  if (options.memory) amounts[kMemory] = static_cast<double>(*options.memory);
  if (options.object_store_memory && static_cast<double>(*options.object_store_memory) > ResourceSet::kMaxAmount) {
    return InvalidArgument("an object store of " + std::to_string(*options.object_store_memory) +
                           " bytes is more than any machine has");
  }
  return ResourceSet::FromAmounts(amounts).status();
}

// As the head will.
Status CheckLabels(const std::map<std::string, std::string>& labels) {
  const auto fits = [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("_-.:/@").find(static_cast<char>(c)) != std::string_view::npos;
  };
  for (const auto& [name, value] : labels) {
    if (name.empty() || name.size() > 255 || !std::all_of(name.begin(), name.end(), fits)) {
      return InvalidArgument("label '" + name.substr(0, 64) + "' must have a name of 1 to 255 letters, digits and " +
                             "_ - . : / @");
    }
  }
  return OkStatus();
}

bool IsLoopback(std::string host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// The others know a node by the address that it listens on.
Status CheckReachable(const std::string& head_address, const std::string& bind) {
  if (head_address.empty() || !IsLoopback(bind) || IsLoopback(head_address.substr(0, head_address.rfind(':')))) {
    return OkStatus();
  }
  return InvalidArgument("a node that joins the head at " + head_address + " would listen on " + bind +
                         ", which the other machines of its cluster cannot reach: give --bind an address of this " +
                         "machine that they reach");
}

Status CheckOptions(const ClusterOptions& options) {
  TROUPE_RETURN_IF_ERROR(CheckPort("head port", options.head_port));
  TROUPE_RETURN_IF_ERROR(CheckPort("node port", options.node_port));
  const std::size_t colon = options.head_address.rfind(':');
  if (!options.head_address.empty() &&
      (colon == std::string::npos || colon == 0 || colon + 1 == options.head_address.size())) {
    return InvalidArgument("'" + options.head_address + "' is not the address of a head: give HOST:PORT");
  }
  TROUPE_RETURN_IF_ERROR(CheckReachable(options.head_address, options.bind));
  TROUPE_RETURN_IF_ERROR(CheckLabels(options.labels));
  return CheckAmounts(options);
}

std::vector<std::string> HeadArgs(const ClusterOptions& options, const std::string& dir,
                                  const std::string& token_file) {
  return {"--bind",        options.bind,
          "--port",        std::to_string(options.head_port),
          "--session-dir", dir,
          "--token-file",  token_file,
          "--log-level",   options.log_level};
}

std::vector<std::string> RayletArgs(const ClusterOptions& options, const std::string& head, const std::string& dir,
                                    const std::string& token_file) {
  std::vector<std::string> args = {
      "--head",        head, "--bind",       options.bind, "--port",      std::to_string(options.node_port),
      "--session-dir", dir,  "--token-file", token_file,   "--log-level", options.log_level};
  const auto add = [&args](const char* flag, std::string value) { args.insert(args.end(), {flag, std::move(value)}); };
  if (options.num_cpus) add("--num-cpus", NumberText(*options.num_cpus, 15));
  if (options.num_gpus) add("--num-gpus", NumberText(*options.num_gpus, 15));
  if (options.memory) add("--memory", std::to_string(*options.memory));
  if (options.object_store_memory) add("--object-store-memory", std::to_string(*options.object_store_memory));
  if (!options.resources.empty()) add("--resources", json(options.resources).dump());
  if (!options.labels.empty()) add("--labels", json(options.labels).dump());
  if (!options.node_name.empty()) add("--node-name", options.node_name);
  if (options.head_address.empty()) args.emplace_back("--head-node");
  return args;
}

Status Missing(const std::string& file, const char* what) {
  return Internal(file + " does not say " + what + ": the programs of Troupe are of different versions");
}

// Starts one daemon and waits for it; ends it again when it does not become ready.
Status StartAndWait(const ClusterOptions& options, const SessionFolder& folder, const std::string& program,
                    std::vector<std::string> args, const std::string& ready_name) {
  TROUPE_ASSIGN_OR_RETURN(const Daemon daemon, StartDaemon({.program = program,
                                                            .args = std::move(args),
                                                            .log_dir = folder.log_dir(),
                                                            .die_with_parent = options.die_with_parent}));
  Status ready = WaitReady(daemon, folder.dir() + "/" + ready_name, options.ready_timeout).status();
  if (ready.ok()) return ready;
  const auto stopped = StopDaemon(daemon.pid, daemon.start_time, std::chrono::seconds(5));
  return stopped.ok() ? ready : ready.WithContext(stopped.status().message());
}

Result<Session> StartDaemons(const ClusterOptions& options, const SessionFolder& folder,
                             const std::string& token_file) {
  std::string head = options.head_address;
  if (head.empty()) {
    TROUPE_RETURN_IF_ERROR(
        StartAndWait(options, folder, "troupe-head", HeadArgs(options, folder.dir(), token_file), "head.json"));
    TROUPE_ASSIGN_OR_RETURN(const Session session, ReadSession(folder.dir()));
    if (!session.head) return Missing(folder.dir() + "/head.json", "where the head listens");
    head = session.head->address;
  }
  TROUPE_RETURN_IF_ERROR(
      StartAndWait(options, folder, "troupe-raylet", RayletArgs(options, head, folder.dir(), token_file), "node.json"));
  TROUPE_ASSIGN_OR_RETURN(Session session, ReadSession(folder.dir()));
  if (!session.node) return Missing(folder.dir() + "/node.json", "what its head is");
  return session;
}

Status RemoveFolder(const std::string& dir) {
  std::error_code error;
  std::filesystem::remove_all(dir, error);
  if (error) return ErrnoStatus(error.value(), "cannot remove the session folder " + dir);
  return OkStatus();
}

// Ends what did start. Its own failures say less than `why`.
Status Undo(const SessionFolder& folder, const Status& why) {
  const Result<Session> session = ReadSession(folder.dir());
  const Status stopped = session.ok() ? StopSession(*session, std::chrono::seconds(5)) : OkStatus();
  const Status removed = folder.made() ? RemoveFolder(folder.dir()) : OkStatus();
  if (!stopped.ok()) return why.WithContext(stopped.message());
  return removed.ok() ? why : why.WithContext(removed.message());
}

Result<std::string> CheckedTokenFile(const ClusterOptions& options) {
  std::string path = options.token_file;
  if (path.empty()) {
    TROUPE_ASSIGN_OR_RETURN(path, TokenFile());
  }
  const bool may_make = options.head_address.empty();
  TROUPE_RETURN_IF_ERROR((may_make ? LoadOrMakeToken(path) : LoadToken(path)).status());
  return std::filesystem::absolute(path).string();
}

}  // namespace

Result<LocalCluster> StartCluster(const ClusterOptions& options) {
  TROUPE_RETURN_IF_ERROR(CheckOptions(options));
  if (options.head_address.empty()) TROUPE_RETURN_IF_ERROR(FindProgram("troupe-head").status());
  TROUPE_RETURN_IF_ERROR(FindProgram("troupe-raylet").status());
  LocalCluster cluster;
  TROUPE_ASSIGN_OR_RETURN(cluster.token_file, CheckedTokenFile(options));
  TROUPE_ASSIGN_OR_RETURN(const std::string root, SessionRoot());
  if (options.session_dir.empty()) cluster.removed_sessions = RemoveDeadSessions(root);
  TROUPE_ASSIGN_OR_RETURN(const SessionFolder folder, options.session_dir.empty()
                                                          ? SessionFolder::Create(root)
                                                          : SessionFolder::Open(options.session_dir));
  cluster.chose_session_dir = options.session_dir.empty();
  cluster.reused_stale_dir = folder.stale();
  Result<Session> session = StartDaemons(options, folder, cluster.token_file);
  if (!session.ok()) return Undo(folder, session.status());
  cluster.session = *std::move(session);
  if (Status linked = LinkSession(root, folder.dir()); !linked.ok()) return Undo(folder, linked);
  return cluster;
}

void RemoveLeftovers(const Session& session) {
  constexpr std::chrono::seconds kKillLimit{5};
  const bool node_alive = session.node && ProcessStartTime(session.node->pid) == session.node_start;
  if (session.node && !node_alive) {
    if (const auto node = NodeId::FromHex(session.node->node_id)) KillMarked(*node, kKillLimit);
  }
  RemoveSessionMemory(session.dir);
}

Status StopSession(const Session& session, std::chrono::milliseconds timeout) {
  Status first;
  if (session.node_alive()) first = StopDaemon(session.node->pid, session.node_start, timeout).status();
  RemoveLeftovers(session);
  if (session.head_alive()) {
    const Status head = StopDaemon(session.head->pid, session.head_start, timeout).status();
    if (first.ok()) first = head;
  }
  return first;
}

Status LocalCluster::Stop(std::chrono::milliseconds timeout) const {
  TROUPE_RETURN_IF_ERROR(StopSession(session, timeout));
  return chose_session_dir ? RemoveFolder(session.dir) : OkStatus();
}

}  // namespace troupe
