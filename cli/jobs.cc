// troupe job list|status|stop|logs
#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command_line.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/lists.h"
#include "cli/log_reader.h"

namespace troupe::cli {
namespace {

// A driver gets 5 s from SIGTERM to SIGKILL, and its node some time to say so.
constexpr std::chrono::seconds kStopLimit{20};

struct JobOptions {
  ConnectionOptions connection;
  std::string id;
  LogOptions log;
};

void PrintJob(const pb::JobInfo& job, const JobOptions& options, Context& context) {
  if (options.connection.json) return PrintJson(context.out, ToJson(job));
  const auto line = [&context](const char* label, const std::string& value) {
    if (!value.empty()) context.out << label << Printable(value) << '\n';
  };
  const bool ended = job.ended_ms() != 0;
  line("Job:        ", IdText(job.id()));
  line("Submission: ", job.submission());
  context.out << "State:      " << Colored(StateText(job.state()), ColorOf(job.state()), context.color) << '\n';
  line("Message:    ", job.message());
  line("Exit code:  ", HasExitCode(job) ? std::to_string(job.exit_code()) : "");
  line("Entrypoint: ", job.entrypoint());
  line("Namespace:  ", job.name_space());
  line("Driver:     ", job.driver_pid() == 0
                           ? ""
                           : "pid " + std::to_string(job.driver_pid()) + " on node " + IdText(job.driver().node()));
  line("Started:    ", TimeText(job.started_ms()));
  line("Ended:      ", ended ? TimeText(job.ended_ms()) : "");
  for (const auto& [name, value] : job.metadata()) line("Metadata:   ", std::string(name).append("=").append(value));
  context.out.flush();
}

int JobStatus(const JobOptions& options, Context& context) {
  const auto head = Connect(options.connection);
  if (!head.ok()) return context.Fail(head.status());
  const auto job = FindJob(**head, options.id);
  if (!job.ok()) return context.Fail(job.status());
  PrintJob(*job, options, context);
  return kOk;
}

bool HasEnded(const pb::JobInfo& job) {
  return job.state() != pb::JobInfo::PENDING && job.state() != pb::JobInfo::RUNNING;
}

// The job as it is when it has ended, or when that has taken too long.
Result<pb::JobInfo> StopAndWait(jobs::HeadConnection& head, const pb::JobInfo& job) {
  pb::StopJobRequest stop;
  stop.set_job(job.id());
  Result<pb::JobInfo> state = head.Call<pb::JobInfo>("StopJob", stop);
  const auto deadline = std::chrono::steady_clock::now() + kStopLimit;
  while (state.ok() && !HasEnded(*state) && std::chrono::steady_clock::now() < deadline) {
    pb::GetJobRequest get;
    get.set_job(job.id());
    get.set_wait_ms(1'000);
    state = head.Call<pb::JobInfo>("GetJob", get);
  }
  return state;
}

int StopJob(const JobOptions& options, Context& context) {
  const auto head = Connect(options.connection);
  if (!head.ok()) return context.Fail(head.status());
  const auto job = FindJob(**head, options.id);
  if (!job.ok()) return context.Fail(job.status());
  if (HasEnded(*job)) {
    return context.Fail(kFailed, "job " + options.id + " has ended already: " + StateText(job->state()));
  }
  const auto stopped = StopAndWait(**head, *job);
  if (!stopped.ok()) return context.Fail(stopped.status());
  if (!HasEnded(*stopped)) {
    return context.Fail(kFailed, "job " + options.id + " still runs: its node has not said that its driver ended");
  }
  if (options.connection.json) {
    PrintJson(context.out, ToJson(*stopped));
  } else {
    context.out << "Job " << options.id << " has ended: " << StateText(stopped->state()) << "." << std::endl;
  }
  return kOk;
}

int JobLogs(const JobOptions& options, Context& context) {
  const auto head = Connect(options.connection);
  if (!head.ok()) return context.Fail(head.status());
  const auto job = FindJob(**head, options.id);
  if (!job.ok()) return context.Fail(job.status());
  if (job->submission().empty()) {
    return context.Fail(kNotFound, "job " + options.id + " was started by hand: its driver prints to its own terminal");
  }
  pb::ReadLogRequest log;
  log.set_source(pb::ReadLogRequest::SUBMISSION);
  log.set_submission(job->submission());
  const Status printed = PrintLog(**head, std::move(log), options.log, context.out);
  return printed.ok() ? int{kOk} : context.Fail(printed);
}

CLI::App& AddJob(CLI::App& parent, const char* name, const char* what, int (*run)(const JobOptions&, Context&),
                 const std::shared_ptr<JobOptions>& options, Context& context, bool with_json = true) {
  CLI::App& command = *parent.add_subcommand(name, what);
  command.add_option("id", options->id, "Its submission id or job id")->required()->type_name("ID");
  AddConnectionOptions(command, &options->connection, with_json);
  command.callback(
      [options, run, &context] { context.run = [options, run, &context] { return run(*options, context); }; });
  return command;
}

}  // namespace

void AddJobCommands(CLI::App& app, Context& context) {
  CLI::App& job = *app.add_subcommand("job", "Look at and stop jobs");
  job.require_subcommand(1);
  job.footer(
      "Examples:\n"
      "  troupe job list\n"
      "  troupe job logs nightly --follow\n"
      "  troupe job stop nightly");
  auto list_options = std::make_shared<ConnectionOptions>();
  CLI::App& list = *job.add_subcommand("list", "Submitted jobs");
  AddConnectionOptions(list, list_options.get());
  list.callback([list_options, &context] {
    context.run = [list_options, &context] { return ListJobs(*list_options, /*submissions_only=*/true, context); };
  });
  AddJob(job, "status", "Show a job in full", JobStatus, std::make_shared<JobOptions>(), context);
  AddJob(job, "stop", "End a job's driver: SIGTERM, then SIGKILL; waits for it", StopJob,
         std::make_shared<JobOptions>(), context);
  auto log_options = std::make_shared<JobOptions>();
  CLI::App& logs = AddJob(job, "logs", "Print what a job wrote, both streams", JobLogs, log_options, context,
                          /*with_json=*/false);
  logs.add_flag("--follow,-f", log_options->log.follow, "Print what is added, until the job has ended");
  logs.add_option("--tail", log_options->log.tail, "Begin so many lines before the end")
      ->type_name("N")
      ->check(CLI::Range(0, 1'000'000));
}

}  // namespace troupe::cli
