// troupe logs
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command_line.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/log_reader.h"
#include "troupe/ids.h"

namespace troupe::cli {
namespace {

struct LogsOptions {
  ConnectionOptions connection;
  std::string who;
  std::string name_space;
  bool err = false;
  LogOptions log;
};

using Resolve = Result<pb::ReadLogRequest> (*)(jobs::HeadConnection& head, const LogsOptions& options);

Result<pb::ReadLogRequest> WorkerLog(jobs::HeadConnection& head, const LogsOptions& options) {
  TROUPE_ASSIGN_OR_RETURN(const ProcessId worker, FindWorker(head, options.who));
  pb::ReadLogRequest log;
  log.set_source(pb::ReadLogRequest::WORKER);
  log.set_process(worker.value);
  return log;
}

Result<pb::ReadLogRequest> ActorLog(jobs::HeadConnection& head, const LogsOptions& options) {
  TROUPE_ASSIGN_OR_RETURN(const pb::ActorInfo actor, FindActor(head, options.who, options.name_space));
  pb::ReadLogRequest log;
  log.set_source(pb::ReadLogRequest::ACTOR);
  log.set_actor(actor.id());
  return log;
}

Result<pb::ReadLogRequest> JobLog(jobs::HeadConnection& head, const LogsOptions& options) {
  TROUPE_ASSIGN_OR_RETURN(const pb::JobInfo job, FindJob(head, options.who));
  if (job.submission().empty()) {
    return NotFound("job " + options.who + " was started by hand: its driver prints to its own terminal");
  }
  pb::ReadLogRequest log;
  log.set_source(pb::ReadLogRequest::SUBMISSION);
  log.set_submission(job.submission());
  return log;
}

Result<pb::ReadLogRequest> RayletLog(jobs::HeadConnection& head, const LogsOptions& options) {
  TROUPE_ASSIGN_OR_RETURN(const pb::NodeInfo node, FindNode(head, options.who));
  pb::ReadLogRequest log;
  log.set_source(pb::ReadLogRequest::RAYLET);
  log.set_node(node.id());
  return log;
}

Result<pb::ReadLogRequest> HeadLog(jobs::HeadConnection&, const LogsOptions&) {
  pb::ReadLogRequest log;
  log.set_source(pb::ReadLogRequest::HEAD);
  return log;
}

int ShowLog(const LogsOptions& options, Resolve resolve, Context& context) {
  const auto head = Connect(options.connection);
  if (!head.ok()) return context.Fail(head.status());
  auto log = resolve(**head, options);
  if (!log.ok()) return context.Fail(log.status());
  log->set_is_stderr(options.err);
  const Status printed = PrintLog(**head, *std::move(log), options.log, context.out);
  return printed.ok() ? int{kOk} : context.Fail(printed);
}

std::shared_ptr<LogsOptions> AddLog(CLI::App& parent, const char* name, const char* what, Resolve resolve,
                                    Context& context) {
  auto options = std::make_shared<LogsOptions>();
  CLI::App& command = *parent.add_subcommand(name, what);
  AddConnectionOptions(command, &options->connection, /*with_json=*/false);
  command.add_flag("--follow,-f", options->log.follow, "Print what is added, until the writer has ended");
  command.add_option("--tail", options->log.tail, "Begin so many lines before the end")
      ->type_name("N")
      ->check(CLI::Range(0, 1'000'000));
  command.callback([options, resolve, &context] {
    context.run = [options, resolve, &context] { return ShowLog(*options, resolve, context); };
  });
  return options;
}

void AddWho(CLI::App& parent, const char* name, const std::shared_ptr<LogsOptions>& options, const char* type,
            const char* what) {
  parent.get_subcommand(name)->add_option("id", options->who, what)->required()->type_name(type);
}

}  // namespace

void AddLogs(CLI::App& app, Context& context) {
  CLI::App& logs = *app.add_subcommand("logs", "Print what a worker, actor, job, raylet or the head wrote");
  logs.require_subcommand(1);
  logs.footer(
      "Examples:\n"
      "  troupe logs actor Counter1 --follow\n"
      "  troupe logs worker 8f0c2d41a6b3e795 --err --tail 20\n"
      "  troupe logs job job-0123456789abcdef\n"
      "  troupe logs raylet 3f2a9c\n"
      "  troupe logs head --tail 50");
  const char* err = "Standard error instead of standard output";
  const auto worker = AddLog(logs, "worker", "Output of a worker", WorkerLog, context);
  AddWho(logs, "worker", worker, "ID", "Its id, or the first digits of it");
  logs.get_subcommand("worker")->add_flag("--err", worker->err, err);
  const auto actor = AddLog(logs, "actor", "Output of an actor's latest process", ActorLog, context);
  AddWho(logs, "actor", actor, "NAME|ID", "Its name, its id, or the first digits of its id");
  logs.get_subcommand("actor")->add_flag("--err", actor->err, err);
  logs.get_subcommand("actor")
      ->add_option("--namespace", actor->name_space, "Namespace of the name; else any")
      ->type_name("NAME");
  AddWho(logs, "job", AddLog(logs, "job", "Output of a submitted job, both streams", JobLog, context), "ID",
         "Its submission id or job id");
  AddWho(logs, "raylet", AddLog(logs, "raylet", "Log of a node's raylet", RayletLog, context), "NODE",
         "The node's id, or the first digits of it");
  AddLog(logs, "head", "Log of the head", HeadLog, context);
}

}  // namespace troupe::cli
