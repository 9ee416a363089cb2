// troupe start
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command_line.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/output.h"
#include "common/local_cluster.h"

namespace troupe::cli {
namespace {

struct StartOptions {
  bool head = false;
  bool block = false;
  bool json = false;
  std::string memory;
  std::string object_store_memory;
  std::string resources;
  std::string labels;
  ClusterOptions cluster;
};

Status ReadValues(StartOptions* options) {
  ClusterOptions& cluster = options->cluster;
  if (!options->memory.empty()) {
    TROUPE_ASSIGN_OR_RETURN(cluster.memory, ParseBytes("--memory", options->memory));
  }
  if (!options->object_store_memory.empty()) {
    TROUPE_ASSIGN_OR_RETURN(cluster.object_store_memory,
                            ParseBytes("--object-store-memory", options->object_store_memory));
  }
  if (!options->resources.empty()) {
    TROUPE_ASSIGN_OR_RETURN(cluster.resources, ParseAmounts("--resources", options->resources));
  }
  if (!options->labels.empty()) {
    TROUPE_ASSIGN_OR_RETURN(cluster.labels, ParseLabels("--labels", options->labels));
  }
  return OkStatus();
}

Status ChooseHead(StartOptions* options) {
  std::string& address = options->cluster.head_address;
  if (options->head) return OkStatus();
  const char* given = std::getenv("TROUPE_ADDRESS");
  if (address.empty() && given) address = given;
  if (address.empty()) {
    return InvalidArgument(
        "say what to start: `troupe start --head` for a new cluster, or `troupe start --address "
        "HOST:PORT` to add this machine to one");
  }
  if (options->cluster.head_port != 0) {
    return InvalidArgument("--port is the head's and goes with --head; --node-port is the node's");
  }
  TROUPE_ASSIGN_OR_RETURN(address, HeadAddress(address));
  return OkStatus();
}

// Tells a head that is not there, or refuses this machine, from a node that does not start.
Status CheckHead(const ClusterOptions& cluster) {
  const ConnectionOptions connection{.address = cluster.head_address, .token_file = cluster.token_file};
  return Ask<pb::Status>(connection, "GetStatus", pb::GetStatusRequest()).status();
}

void PrintNotes(const LocalCluster& cluster, std::ostream& err) {
  if (cluster.reused_stale_dir) {
    err << "Note: session folder " << cluster.session.dir
        << " was left behind by daemons that no longer run; it is used again.\n";
  }
  for (const std::string& dir : cluster.removed_sessions) {
    err << "Note: removed " << dir << ", left behind by a cluster that no longer runs.\n";
  }
  for (const std::string& limit : cluster.session.node->limits) {
    err << "Note: the node offers less than this machine has: " << limit << ".\n";
  }
}

void PrintStartedJson(const LocalCluster& cluster, std::ostream& out) {
  const Session& session = cluster.session;
  nlohmann::json value = {{"address", session.node->head},
                          {"node_id", session.node->node_id},
                          {"node_address", session.node->address},
                          {"cluster_id", session.node->cluster_id},
                          {"session_dir", session.dir},
                          {"token_file", cluster.token_file},
                          {"raylet_pid", session.node->pid}};
  if (session.head) value["head_pid"] = session.head->pid;
  PrintJson(out, value);
}

void PrintStarted(const LocalCluster& cluster, bool block, std::ostream& out) {
  const Session& session = cluster.session;
  const std::string& address = session.node->head;
  const std::string stop = block ? "Ctrl-C here" : "troupe stop --session-dir " + session.dir;
  if (!session.head) {
    out << "Node " << ShortId(session.node->node_id) << " has joined the cluster at " << address << ".\n"
        << "  Session folder: " << session.dir << "\n\n"
        << "  Look at the cluster:  troupe status --address " << address << "\n"
        << "  Stop this node:       " << stop << "\n";
    return;
  }
  out << "The cluster runs: its head at " << address << ", and node " << ShortId(session.node->node_id) << ".\n"
      << "  Session folder: " << session.dir << "\n"
      << "  Token file:     " << cluster.token_file << "\n\n"
      << "  Run a program on it:       TROUPE_ADDRESS=" << address << " ./program\n"
      << "  Submit a program as a job: troupe submit -- ./program\n"
      << "  Look at the cluster:       troupe status\n"
      << "  Add a node:                troupe start --address " << address << "\n"
      << "  From another machine:      copy the token file there as ~/.troupe/token (mode 600); this cluster's --bind\n"
      << "                             must name an address that it reaches: docs/security.md says how.\n"
      << "  Stop:                      " << stop << "\n";
}

// Until a signal (exit code 0) or until a daemon ends by itself (1). The signals are blocked.
int Attend(const LocalCluster& cluster, const sigset_t& signals, Context& context) {
  const Session& session = cluster.session;
  constexpr timespec kGlance{.tv_sec = 0, .tv_nsec = 100'000'000};
  std::string ended;
  while (ended.empty() && sigtimedwait(&signals, nullptr, &kGlance) < 0) {
    if (session.head && WaitGone(session.head->pid, session.head_start, {})) ended = "the head";
    if (WaitGone(session.node->pid, session.node_start, {})) ended = "the raylet";
  }
  const std::string logs = session.dir + "/logs";
  if (ended.empty()) context.err << "Stopping." << std::endl;
  const Status stopped = ended.empty() ? cluster.Stop() : StopSession(session, std::chrono::seconds(10));
  if (!ended.empty()) return context.Fail(kFailed, ended + " has ended by itself; see its log under " + logs);
  return stopped.ok() ? int{kOk} : context.Fail(stopped);
}

int Start(StartOptions options, Context& context) {
  if (Status status = ReadValues(&options); !status.ok()) return context.Fail(status);
  if (Status status = ChooseHead(&options); !status.ok()) return context.Fail(status);
  if (!options.head) {
    if (Status status = CheckHead(options.cluster); !status.ok()) return context.Fail(status);
  }
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  // Before anything runs, so that an interruption finds either nothing or all of it.
  if (options.block) sigprocmask(SIG_BLOCK, &signals, nullptr);
  options.cluster.die_with_parent = options.block;
  const Result<LocalCluster> cluster = StartCluster(options.cluster);
  if (!cluster.ok()) {
    // The codes of programs' ends and folders' modes are not those of calls to a head.
    const bool usage = cluster.status().code() == StatusCode::kInvalidArgument;
    return context.Fail(usage ? kUsage : kFailed, cluster.status().message());
  }
  PrintNotes(*cluster, context.err);
  try {
    if (options.json) {
      PrintStartedJson(*cluster, context.out);
    } else {
      PrintStarted(*cluster, options.block, context.out);
    }
    context.out.flush();
  } catch (const WriteError&) {
    // Nobody has read how to stop it.
    const Status stopped = cluster->Stop();
    if (!stopped.ok()) context.Fail(stopped);
    throw;
  }
  return options.block ? Attend(*cluster, signals, context) : int{kOk};
}

void AddNodeOptions(CLI::App& start, StartOptions& options) {
  ClusterOptions& cluster = options.cluster;
  start.add_option("--num-cpus", cluster.num_cpus, "CPUs to offer; else the machine's")->type_name("N");
  start.add_option("--num-gpus", cluster.num_gpus, "GPUs to offer; else the machine's")->type_name("N");
  start.add_option("--memory", options.memory, "Memory to offer, like 8GiB; else 70 % of what is free")
      ->type_name("BYTES");
  start
      .add_option("--object-store-memory", options.object_store_memory,
                  "Size of the object store, like 2GiB; else 30 % of what is free")
      ->type_name("BYTES");
  start.add_option("--resources", options.resources, "Other resources to offer: '{\"disk\": 2}'")->type_name("JSON");
  start.add_option("--labels", options.labels, "Labels to choose nodes by: '{\"zone\": \"a\"}'")->type_name("JSON");
  start.add_option("--node-name", cluster.node_name, "Name shown for the node; else the machine's")->type_name("NAME");
  start.add_option("--node-port", cluster.node_port, "Port of the node; else any free one")->type_name("PORT");
}

}  // namespace

void AddStart(CLI::App& app, Context& context) {
  auto options = std::make_shared<StartOptions>();
  ClusterOptions& cluster = options->cluster;
  CLI::App& start = *app.add_subcommand("start", "Start a cluster, or add this machine to one");
  auto* head = start.add_flag("--head", options->head, "Start a new cluster: a head, and a node beside it");
  start.add_option("--address", cluster.head_address, "Join the cluster of the head at HOST:PORT; else TROUPE_ADDRESS")
      ->type_name("ADDRESS")
      ->excludes(head);
  start.add_option("--port", cluster.head_port, "Port of the head; else any free one")->type_name("PORT");
  start.add_option("--bind", cluster.bind, "Address to listen on, by which the others reach this machine")
      ->capture_default_str()
      ->type_name("HOST");
  AddNodeOptions(start, *options);
  start.add_option("--session-dir", cluster.session_dir, "Folder for sockets and logs; else a new one")
      ->type_name("DIR");
  start
      .add_option("--token-file", cluster.token_file,
                  "File with the cluster's token, made by --head when missing; else TROUPE_TOKEN_FILE, else "
                  "~/.troupe/token")
      ->type_name("FILE");
  start
      .add_option("--log-level", cluster.log_level, "How much the daemons log: trace, debug, info, warn, error or off")
      ->type_name("LEVEL")
      ->capture_default_str()
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));
  start.add_flag("--block", options->block, "Stay in the foreground; Ctrl-C stops what was started");
  start.add_flag("--json", options->json, "Print JSON");
  start.footer(
      "Examples:\n"
      "  troupe start --head                                   a cluster of this machine\n"
      "  troupe start --head --port 6480 --num-cpus 8          with a port and size of its own\n"
      "  troupe start --address 127.0.0.1:6480                 one more node\n"
      "  troupe start --address 127.0.0.1:6480 --resources '{\"disk\": 2}' --labels '{\"zone\": \"a\"}'\n"
      "  troupe start --head --block                           under a supervisor\n"
      "\n"
      "The daemons go on when the shell ends. When one does not start, the others are stopped again.");
  start.callback([options, &context] { context.run = [options, &context] { return Start(*options, context); }; });
}

}  // namespace troupe::cli
