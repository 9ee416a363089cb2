// troupe list nodes|actors|workers|jobs
#include "cli/lists.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "common/utf8.h"

namespace troupe::cli {
namespace {

struct ActorFilter {
  ConnectionOptions connection;
  std::string name_space;
  bool named = false;
  bool dead = false;
  std::uint32_t limit = 1000;
};

template <class Messages>
nlohmann::json ListJson(const Messages& messages) {
  auto list = nlohmann::json::array();
  for (const auto& message : messages) list.push_back(ToJson(message));
  return list;
}

// A list of its own, or a line that says there is none.
template <class Messages>
int Print(const Messages& messages, const Table& table, const char* what, bool json, Context& context) {
  if (json) {
    PrintJson(context.out, ListJson(messages));
  } else if (table.empty()) {
    context.out << "There are no " << what << "." << std::endl;
  } else {
    table.Print(context.out, context.color);
  }
  context.out.flush();
  return kOk;
}

int ListNodes(const ConnectionOptions& options, Context& context) {
  const auto status = Ask<pb::Status>(options, "GetStatus", pb::GetStatusRequest());
  if (!status.ok()) return context.Fail(status.status());
  Table table({"ID", "STATE", "ADDRESS", "HOST", ">PID", "RESOURCES", "LABELS"});
  for (const pb::NodeInfo& node : status->nodes()) {
    std::string labels;
    for (const auto& [name, value] : Sorted(node.labels())) {
      labels.append(labels.empty() ? "" : ", ").append(name).append("=").append(value);
    }
    const Cell state = node.alive() ? Cell("alive", Color::kGreen) : Cell("dead", Color::kRed);
    const Cell offers = node.alive() ? Cell(ResourcesText(node.total())) : Cell(node.death_reason(), Color::kRed);
    table.Add(
        {IdText(node.id()), state, node.address(), node.hostname(), std::to_string(node.raylet_pid()), offers, labels});
  }
  return Print(status->nodes(), table, "nodes", options.json, context);
}

int ListActors(const ActorFilter& filter, Context& context) {
  pb::ListActorsRequest request;
  request.set_name_space(Utf8(filter.name_space));
  request.set_all_namespaces(filter.name_space.empty());
  request.set_named_only(filter.named);
  request.set_include_dead(filter.dead);
  request.set_limit(filter.limit);
  const auto reply = Ask<pb::ListActorsReply>(filter.connection, "ListActors", request);
  if (!reply.ok()) return context.Fail(reply.status());
  Table table({"ID", "NAME", "NAMESPACE", "CLASS", "STATE", "NODE", ">PID", ">RESTARTS", "?WHY"});
  for (const pb::ActorInfo& actor : reply->actors()) {
    const bool runs = actor.state() != pb::DEAD && actor.pid() != 0;
    table.Add({IdText(actor.id()), actor.name(), actor.name_space(), actor.class_name(),
               Cell(StateText(actor.state()), ColorOf(actor.state())), ShortId(IdText(actor.address().node())),
               runs ? std::to_string(actor.pid()) : "", std::to_string(actor.restarts()),
               actor.state() == pb::DEAD ? actor.death().message() : actor.pending_reason()});
  }
  const int exit_code = Print(reply->actors(), table, "actors", filter.connection.json, context);
  if (reply->total() > static_cast<std::uint32_t>(reply->actors_size())) {
    context.err << "Showing " << reply->actors_size() << " of " << reply->total() << "; see --limit." << std::endl;
  }
  return exit_code;
}

int ListWorkers(const ConnectionOptions& options, Context& context) {
  const auto reply = Ask<pb::ListWorkersReply>(options, "ListWorkers", pb::ListWorkersRequest());
  if (!reply.ok()) return context.Fail(reply.status());
  Table table({"ID", "NODE", ">PID", "KIND", "STATE", "JOB", "ACTOR"});
  for (const pb::WorkerInfo& worker : reply->workers()) {
    table.Add({IdText(worker.id()), ShortId(IdText(worker.node())), std::to_string(worker.pid()),
               KindText(worker.kind()), worker.state(), IdText(worker.job()),
               worker.actor().empty() ? "" : worker.actor_class() + " " + ShortId(IdText(worker.actor()))});
  }
  return Print(reply->workers(), table, "workers", options.json, context);
}

void AddConnected(CLI::App& list, const char* name, const char* what, Context& context,
                  const std::function<int(const ConnectionOptions&)>& run) {
  auto options = std::make_shared<ConnectionOptions>();
  CLI::App& command = *list.add_subcommand(name, what);
  AddConnectionOptions(command, options.get());
  command.callback([options, &context, run] { context.run = [options, run] { return run(*options); }; });
}

}  // namespace

Color ColorOf(pb::ActorState state) {
  switch (state) {
    case pb::ALIVE: return Color::kGreen;
    case pb::DEAD: return Color::kRed;
    default: return Color::kYellow;
  }
}

Color ColorOf(pb::JobInfo::State state) {
  switch (state) {
    case pb::JobInfo::RUNNING: return Color::kGreen;
    case pb::JobInfo::FAILED: return Color::kRed;
    case pb::JobInfo::PENDING: return Color::kYellow;
    default: return Color::kPlain;
  }
}

int ListJobs(const ConnectionOptions& options, bool submissions_only, Context& context) {
  pb::ListJobsRequest request;
  request.set_submissions_only(submissions_only);
  const auto reply = Ask<pb::ListJobsReply>(options, "ListJobs", request);
  if (!reply.ok()) return context.Fail(reply.status());
  Table table({"JOB", "SUBMISSION", "STATE", ">EXIT", "STARTED", "TOOK", "ENTRYPOINT"});
  for (const pb::JobInfo& job : reply->jobs()) {
    const bool ended = job.ended_ms() != 0;
    const std::int64_t until = ended ? job.ended_ms() : NowMs();
    table.Add({IdText(job.id()), job.submission(), Cell(StateText(job.state()), ColorOf(job.state())),
               HasExitCode(job) ? std::to_string(job.exit_code()) : "", TimeText(job.started_ms()),
               job.started_ms() == 0 ? "" : DurationText(until - job.started_ms()), job.entrypoint()});
  }
  return Print(reply->jobs(), table, "jobs", options.json, context);
}

void AddLists(CLI::App& app, Context& context) {
  CLI::App& list = *app.add_subcommand("list", "List nodes, actors, workers or jobs");
  list.require_subcommand(1);
  list.footer(
      "Examples:\n"
      "  troupe list nodes\n"
      "  troupe list actors --named --namespace production\n"
      "  troupe list workers --json");
  AddConnected(list, "nodes", "Nodes, alive and dead", context,
               [&context](const ConnectionOptions& options) { return ListNodes(options, context); });
  auto filter = std::make_shared<ActorFilter>();
  CLI::App& actors = *list.add_subcommand("actors", "Actors, of all namespaces unless one is given");
  AddConnectionOptions(actors, &filter->connection);
  actors.add_option("--namespace", filter->name_space, "Only actors of this namespace")->type_name("NAME");
  actors.add_flag("--named", filter->named, "Only actors with a name");
  actors.add_flag("--dead", filter->dead, "Dead actors, too");
  actors.add_option("--limit", filter->limit, "At most so many")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  actors.callback([filter, &context] { context.run = [filter, &context] { return ListActors(*filter, context); }; });
  AddConnected(list, "workers", "Processes that run the users' programs", context,
               [&context](const ConnectionOptions& options) { return ListWorkers(options, context); });
  AddConnected(list, "jobs", "Jobs: submitted ones and drivers started by hand", context,
               [&context](const ConnectionOptions& options) { return ListJobs(options, false, context); });
}

}  // namespace troupe::cli
