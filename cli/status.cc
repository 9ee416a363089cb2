// troupe status
#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command_line.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/table.h"

namespace troupe::cli {
namespace {

struct Use {
  std::int64_t total = 0;
  std::int64_t available = 0;
};

std::map<std::string, Use> ResourcesOf(const pb::Status& status) {
  std::map<std::string, Use> uses;
  for (const pb::NodeInfo& node : status.nodes()) {
    if (!node.alive()) continue;
    for (const auto& [name, units] : node.total().units()) uses[name].total += units;
    for (const auto& [name, units] : node.available().units()) uses[name].available += units;
  }
  return uses;
}

void PrintResources(const pb::Status& status, Context& context) {
  Table table({"RESOURCE", ">USED", ">TOTAL"});
  for (const auto& [name, use] : ResourcesOf(status)) {
    table.Add({name, ResourceText(name, use.total - use.available), ResourceText(name, use.total)});
  }
  std::uint64_t used = 0;
  std::uint64_t capacity = 0;
  for (const pb::NodeInfo& node : status.nodes()) {
    if (!node.alive()) continue;
    used += node.store_used();
    capacity += node.store_capacity();
  }
  table.Add({"object store", BytesText(used), BytesText(capacity)});
  table.Print(context.out, context.color);
}

void PrintNodes(const pb::Status& status, Context& context) {
  Table table({"NODE", "STATE", "ADDRESS", "HOST", ">CPUS USED", ">WORKERS", ">ACTORS", ">STORE"});
  for (const pb::NodeInfo& node : status.nodes()) {
    const auto units = [](const pb::Resources& resources) {
      const auto found = resources.units().find(kCpu);
      return found == resources.units().end() ? 0 : found->second;
    };
    const std::int64_t total = units(node.total());
    const std::string cpus = ResourceText(kCpu, total - units(node.available())) + " / " + ResourceText(kCpu, total);
    const std::string id = ShortId(IdText(node.id())) + (node.is_head_node() ? " (head)" : "");
    if (node.alive()) {
      table.Add({id,
                 {"alive", Color::kGreen},
                 node.address(),
                 node.hostname(),
                 cpus,
                 std::to_string(node.workers()),
                 std::to_string(node.actors()),
                 BytesText(node.store_used()) + " / " + BytesText(node.store_capacity())});
    } else {
      table.Add({id, {"dead", Color::kRed}, node.address(), node.hostname(), "", "", "", ""});
    }
  }
  table.Print(context.out, context.color);
  for (const pb::NodeInfo& node : status.nodes()) {
    if (!node.alive()) continue;
    for (const std::string& limit : node.limits()) {
      context.out << "Node " << ShortId(IdText(node.id())) << " offers less than its machine has: " << Printable(limit)
                  << '\n';
    }
  }
}

void PrintPending(const pb::Status& status, Context& context) {
  if (status.pending().empty()) {
    context.out << "Nothing waits.\n";
    return;
  }
  Table table({">COUNT", "WAITING", "NEEDS", "WHY"});
  for (const pb::Demand& demand : status.pending()) {
    Cell why(demand.infeasible() ? "can never run here: " + demand.reason() : demand.reason(),
             demand.infeasible() ? Color::kRed : Color::kPlain);
    table.Add({std::to_string(demand.count()), demand.what(), ResourcesText(demand.resources()), std::move(why)});
  }
  table.Print(context.out, context.color);
}

void PrintStatus(const pb::Status& status, Context& context) {
  context.out << "Cluster " << ShortId(IdText(status.cluster())) << ", version " << Printable(status.version())
              << ", up " << DurationText(NowMs() - status.started_ms()) << "\n\n";
  PrintNodes(status, context);
  context.out << '\n';
  PrintResources(status, context);
  context.out << "\nActors: " << status.actors_alive() << " alive, " << status.actors_pending() << " pending, "
              << status.actors_restarting() << " restarting, " << status.actors_dead()
              << " dead.  Jobs running: " << status.jobs_running() << ".\n\n";
  PrintPending(status, context);
  context.out.flush();
}

int ShowStatus(const ConnectionOptions& options, Context& context) {
  const auto status = Ask<pb::Status>(options, "GetStatus", pb::GetStatusRequest());
  if (!status.ok()) return context.Fail(status.status());
  if (options.json) {
    PrintJson(context.out, ToJson(*status));
  } else {
    PrintStatus(*status, context);
  }
  return kOk;
}

}  // namespace

void AddStatus(CLI::App& app, Context& context) {
  auto options = std::make_shared<ConnectionOptions>();
  CLI::App& status = *app.add_subcommand("status", "Show nodes, resources in use, and what waits and why");
  AddConnectionOptions(status, options.get());
  status.footer(
      "Examples:\n"
      "  troupe status\n"
      "  troupe status --address 127.0.0.1:6480 --json");
  status.callback([options, &context] { context.run = [options, &context] { return ShowStatus(*options, context); }; });
}

}  // namespace troupe::cli
