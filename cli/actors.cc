// troupe get actor, troupe kill
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command_line.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/lists.h"

namespace troupe::cli {
namespace {

struct ActorOptions {
  ConnectionOptions connection;
  std::string who;
  std::string name_space;
  bool restart = false;
};

std::string BudgetText(const pb::ActorInfo& actor) {
  const std::string most = actor.max_restarts() < 0 ? "no limit" : "at most " + std::to_string(actor.max_restarts());
  return std::to_string(actor.restarts()) + " (" + most + ")";
}

void PrintActor(const pb::ActorInfo& actor, Context& context) {
  const auto line = [&context](const char* label, const std::string& value) {
    if (!value.empty()) context.out << label << Printable(value) << '\n';
  };
  line("Actor:       ", IdText(actor.id()));
  line("Class:       ", actor.class_name());
  line("Name:        ", actor.name());
  line("Namespace:   ", actor.name_space());
  context.out << "State:       " << Colored(StateText(actor.state()), ColorOf(actor.state()), context.color) << '\n';
  line("Waits for:   ", actor.pending_reason());
  line("Last death:  ", actor.death().message());
  line("Lifetime:    ", actor.detached() ? "detached: until it is killed" : "until its last handle goes");
  line("Node:        ", IdText(actor.address().node()));
  line("Worker:      ", IdText(actor.address().process()));
  line("Pid:         ", actor.pid() == 0 ? "" : std::to_string(actor.pid()));
  line("Incarnation: ", std::to_string(actor.incarnation()));
  line("Restarts:    ", BudgetText(actor));
  line("Resources:   ", ResourcesText(actor.resources()));
  line("Job:         ", IdText(actor.job()));
  line("Started:     ", TimeText(actor.started_ms()));
  context.out.flush();
}

int GetActor(const ActorOptions& options, Context& context) {
  const auto head = Connect(options.connection);
  if (!head.ok()) return context.Fail(head.status());
  const auto actor = FindActor(**head, options.who, options.name_space);
  if (!actor.ok()) return context.Fail(actor.status());
  if (options.connection.json) {
    PrintJson(context.out, ToJson(*actor));
  } else {
    PrintActor(*actor, context);
  }
  return kOk;
}

int Kill(const ActorOptions& options, Context& context) {
  const auto head = Connect(options.connection);
  if (!head.ok()) return context.Fail(head.status());
  const auto actor = FindActor(**head, options.who, options.name_space);
  if (!actor.ok()) return context.Fail(actor.status());
  const std::string name = actor->class_name() + " " + IdText(actor->id());
  if (actor->state() == pb::DEAD) {
    const std::string& cause = actor->death().message();
    return context.Fail(kNotFound, "actor " + name + " is dead already" + (cause.empty() ? "" : ": " + cause));
  }
  pb::KillActorRequest request;
  request.set_id(actor->id());
  request.set_no_restart(!options.restart);
  request.set_reason("by the troupe command");
  const auto reply = (*head)->Call<pb::ActorReply>("KillActor", request);
  if (!reply.ok()) return context.Fail(reply.status());
  if (options.connection.json) {
    PrintJson(context.out, ToJson(reply->info()));
  } else {
    context.out << (options.restart ? "Killed the process of actor " : "Killed actor ") << Printable(name) << '.'
                << std::endl;
  }
  return kOk;
}

std::shared_ptr<ActorOptions> AddActorOptions(CLI::App& command) {
  auto options = std::make_shared<ActorOptions>();
  command.add_option("actor", options->who, "Its name, its id, or the first digits of its id")
      ->required()
      ->type_name("NAME|ID");
  command.add_option("--namespace", options->name_space, "Namespace of the name; else any")->type_name("NAME");
  AddConnectionOptions(command, &options->connection);
  return options;
}

}  // namespace

void AddActorCommands(CLI::App& app, Context& context) {
  CLI::App& get = *app.add_subcommand("get", "Show one thing in full");
  get.require_subcommand(1);
  CLI::App& actor = *get.add_subcommand("actor", "Show an actor: state, where it runs, why it died or waits");
  const auto get_options = AddActorOptions(actor);
  actor.footer("Example:\n  troupe get actor Counter1");
  actor.callback(
      [get_options, &context] { context.run = [get_options, &context] { return GetActor(*get_options, context); }; });
  CLI::App& kill = *app.add_subcommand("kill", "Kill an actor");
  const auto kill_options = AddActorOptions(kill);
  kill.add_flag("--restart", kill_options->restart, "Only kill its process: it restarts if it may");
  kill.footer(
      "Examples:\n"
      "  troupe kill Counter1\n"
      "  troupe kill Counter1 --namespace production --restart");
  kill.callback(
      [kill_options, &context] { context.run = [kill_options, &context] { return Kill(*kill_options, context); }; });
}

}  // namespace troupe::cli
