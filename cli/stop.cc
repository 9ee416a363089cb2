// troupe stop
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command_line.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "common/local_cluster.h"

namespace troupe::cli {
namespace {

struct StopOptions {
  std::string session_dir;
  bool all = false;
  bool keep = false;
  bool json = false;
  double timeout_s = 10;
};

Result<std::vector<Session>> Choose(const StopOptions& options, const std::string& root) {
  if (!options.session_dir.empty()) {
    TROUPE_ASSIGN_OR_RETURN(Session session, ReadSession(options.session_dir));
    return std::vector<Session>{std::move(session)};
  }
  std::vector<Session> sessions = ListSessions(root);
  const auto dead = std::stable_partition(sessions.begin(), sessions.end(), [](const Session& s) { return s.alive(); });
  for (auto session = dead; session != sessions.end(); ++session) RemoveLeftovers(*session);
  sessions.erase(dead, sessions.end());
  if (!options.all && sessions.size() > 1) sessions.resize(1);
  // Nodes before heads, so that none of them looks for its head meanwhile.
  std::stable_partition(sessions.begin(), sessions.end(), [](const Session& session) { return !session.head_alive(); });
  return sessions;
}

std::string Describe(const Session& session) {
  if (session.head_alive()) return "the cluster at " + session.head->address;
  return "a node of the cluster at " + session.node->head;
}

// A folder of ours goes; one that the user named stays.
Status RemoveOwnFolder(const Session& session, const std::string& root) {
  std::error_code error;
  if (std::filesystem::path(session.dir).parent_path() != std::filesystem::canonical(root, error)) return OkStatus();
  std::filesystem::remove_all(session.dir, error);
  return error ? ErrnoStatus(error.value(), "cannot remove the session folder " + session.dir) : OkStatus();
}

int Stop(const StopOptions& options, Context& context) {
  const auto root = SessionRoot();
  if (!root.ok()) return context.Fail(root.status());
  const auto sessions = Choose(options, *root);
  if (!sessions.ok()) return context.Fail(sessions.status());
  auto stopped = nlohmann::json::array();
  int exit_code = kOk;
  for (const Session& session : *sessions) {
    if (!session.alive()) {
      RemoveLeftovers(session);
      continue;
    }
    const auto timeout = std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout_s * 1000));
    Status status = StopSession(session, timeout);
    if (status.ok() && !options.keep) status = RemoveOwnFolder(session, *root);
    if (!status.ok()) {
      exit_code = context.Fail(kFailed, status.WithContext("stopping " + Describe(session)).message());
      continue;
    }
    stopped.push_back(session.dir);
    if (!options.json) context.out << "Stopped " << Describe(session) << " (" << session.dir << ")." << std::endl;
  }
  if (options.json) {
    PrintJson(context.out, {{"stopped", stopped}});
  } else if (stopped.empty() && exit_code == kOk) {
    context.out << (options.session_dir.empty() ? "No cluster runs on this machine: "
                                                : "Nothing runs in " + options.session_dir + ": ")
                << "there is nothing to stop." << std::endl;
  }
  return exit_code;
}

}  // namespace

void AddStop(CLI::App& app, Context& context) {
  auto options = std::make_shared<StopOptions>();
  CLI::App& stop = *app.add_subcommand("stop", "Stop what `troupe start` started on this machine");
  auto* dir = stop.add_option("--session-dir", options->session_dir, "The session to stop; else the newest that runs")
                  ->type_name("DIR");
  stop.add_flag("--all", options->all, "Stop every session of this user on this machine")->excludes(dir);
  stop.add_option("--timeout", options->timeout_s, "Seconds before a daemon is killed")
      ->type_name("SECONDS")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3600.0));
  stop.add_flag("--keep", options->keep, "Keep the session folder with its logs");
  stop.add_flag("--json", options->json, "Print JSON");
  stop.footer(
      "Examples:\n"
      "  troupe stop         the newest session\n"
      "  troupe stop --all   all of them\n"
      "\n"
      "Stopping where nothing runs is no error. Folders that `troupe start` chose are removed, and so is the shared\n"
      "memory of nodes that were killed.");
  stop.callback([options, &context] { context.run = [options, &context] { return Stop(*options, context); }; });
}

}  // namespace troupe::cli
