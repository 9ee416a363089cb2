// troupe submit
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/command_line.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/help_format.h"
#include "cli/interrupt_watch.h"
#include "cli/output.h"
#include "common/session.h"
#include "troupe/job_client.h"

namespace troupe::cli {
namespace {

struct SubmitFlags {
  ConnectionOptions connection;
  std::string submission_id;
  std::string name_space;
  std::vector<std::string> environment;
  std::vector<std::string> metadata;
  bool no_wait = false;
  bool no_ship = false;
};

int ExitCodeOf(JobError::Code code) {
  switch (code) {
    case JobError::Code::kInvalid: return kUsage;
    case JobError::Code::kNotFound: return kNotFound;
    case JobError::Code::kUnreachable: return kUnreachable;
    case JobError::Code::kRefused: return kRefused;
    case JobError::Code::kExists:
    case JobError::Code::kFailed: return kFailed;
  }
  return kFailed;
}

Result<std::map<std::string, std::string>> Pairs(const char* flag, const std::vector<std::string>& texts) {
  std::map<std::string, std::string> pairs;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidArgument(std::string(flag) + " '" + text + "' is not NAME=VALUE");
    }
    pairs[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return pairs;
}

// As a shell does: a name without a slash is a program that the node has.
Result<SubmitOptions> ReadFlags(const SubmitFlags& flags, const std::vector<std::string>& command) {
  if (command.empty()) {
    return InvalidArgument("say what to run: troupe submit [options] -- ./program [arguments]");
  }
  if (command.front().starts_with('-')) {
    return InvalidArgument("submit has no option '" + command.front() +
                           "'; what belongs to the program comes after --");
  }
  SubmitOptions options{.argv = command};
  options.submission_id = flags.submission_id;
  options.name_space = flags.name_space;
  TROUPE_ASSIGN_OR_RETURN(options.environment, Pairs("--env", flags.environment));
  TROUPE_ASSIGN_OR_RETURN(options.metadata, Pairs("--metadata", flags.metadata));
  if (!flags.no_ship && command.front().find('/') != std::string::npos) options.program = command.front();
  return options;
}

int ExitCodeOf(const JobDetails& job, bool interrupted, Context& context) {
  if (!job.message.empty() && job.state != JobState::kSucceeded) {
    context.err << "troupe: job " << job.submission_id << " " << JobStateName(job.state) << ": "
                << Printable(job.message) << std::endl;
  }
  if (interrupted) return kInterrupted;
  if (job.state == JobState::kSucceeded || job.exit_code.value_or(0) != 0) return job.exit_code.value_or(0);
  return kFailed;
}

// What an interruption stops: nothing before the job is accepted, then the job.
class Interruption {
 public:
  explicit Interruption(Context& context) : context_(context) {}

  void Accepted(const JobClient* client, const std::string& id) {
    const std::lock_guard lock(mutex_);
    client_ = client;
    id_ = id;
  }
  void operator()(int count) {
    const std::lock_guard lock(mutex_);
    if (client_ == nullptr || count > 1) std::_Exit(kInterrupted);
    context_.err << "Stopping job " << id_ << "; interrupt once more to leave it at that." << std::endl;
    try {
      (void)client_->Stop(id_);
    } catch (const JobError& error) {
      context_.err << "troupe: cannot stop job " << id_ << ": " << error.what() << std::endl;
    }
  }

 private:
  Context& context_;
  std::mutex mutex_;
  const JobClient* client_ = nullptr;
  std::string id_;
};

int Follow(const JobClient& client, const std::string& id, const InterruptWatch& watch, Context& context) try {
  bool ends_line = true;
  client.TailLogs(id, [&](std::string_view output) {
    context.out << output << std::flush;
    ends_line = output.ends_with('\n');
    return true;
  });
  const JobDetails job = client.Wait(id);
  if (!ends_line && context.color) context.out << std::endl;  // a terminal: what is said next gets a line of its own
  return ExitCodeOf(job, watch.count() > 0, context);
} catch (const WriteError& error) {
  if (!error.reader_gone()) context.err << "troupe: job " << id << " goes on; see `troupe job logs " << id << "`\n";
  throw;
}

int RunJob(const SubmitFlags& flags, const SubmitOptions& options, const std::string& address, Context& context) {
  // The client is made under the watch, so that its threads leave the signals to it; the watch uses it until it ends.
  std::optional<JobClient> client;
  Interruption interruption(context);
  const InterruptWatch watch(std::ref(interruption));
  client.emplace(address, flags.connection.token_file);
  const std::string id = client->Submit(options);
  if (!flags.no_wait) {
    interruption.Accepted(&*client, id);
    context.err << "Job " << id << " is submitted; Ctrl-C stops it." << std::endl;
    return Follow(*client, id, watch, context);
  }
  if (flags.connection.json) {
    PrintJson(context.out, {{"submission_id", id}});
  } else {
    context.out << "Job " << id << " is submitted.\n"
                << "  Follow its output:  troupe job logs " << id << " --follow\n"
                << "  See how it stands:  troupe job status " << id << "\n"
                << "  Stop it:            troupe job stop " << id << std::endl;
  }
  return kOk;
}

int Submit(const SubmitFlags& flags, const std::vector<std::string>& command, Context& context) {
  const auto options = ReadFlags(flags, command);
  if (!options.ok()) return context.Fail(options.status());
  // Also so that a cluster that does not exist is told from a program that does not.
  const auto address = HeadAddress(flags.connection.address);
  if (!address.ok()) {
    const bool usage = address.status().code() == StatusCode::kInvalidArgument;
    return context.Fail(usage ? kUsage : kUnreachable, address.status().message());
  }
  try {
    return RunJob(flags, *options, *address, context);
  } catch (const JobError& error) {
    return context.Fail(ExitCodeOf(error.code()), error.what());
  }
}

}  // namespace

void AddSubmit(CLI::App& app, Context& context) {
  auto flags = std::make_shared<SubmitFlags>();
  CLI::App& submit = *app.add_subcommand("submit", "Run a program as a job of the cluster, and follow its output");
  AddConnectionOptions(submit, &flags->connection);
  submit
      .add_option("--submission-id", flags->submission_id,
                  "Name of the job; the same job submitted again under it runs once")
      ->type_name("ID");
  submit.add_option("--namespace", flags->name_space, "Namespace of its actors' names; else one of its own")
      ->type_name("NAME");
  submit.add_option("--env", flags->environment, "Environment variable for the program; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  submit.add_option("--metadata", flags->metadata, "Kept with the job; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  submit.add_flag("--no-wait", flags->no_wait, "Return once the job is accepted");
  submit.add_flag("--no-ship", flags->no_ship, "The program is on the node already, at this path");
  submit.prefix_command();
  submit.formatter(std::make_shared<HelpFormat>("-- PROGRAM [ARGUMENTS...]"));
  submit.footer(
      "Examples:\n"
      "  troupe submit -- ./pi 1000000\n"
      "  troupe submit --no-wait --submission-id nightly --env MODE=full -- ./report --all\n"
      "\n"
      "A program given by a path is shipped, with the libraries it needs, unless the cluster has it; a name without a\n"
      "slash is one that the node has. The exit code is the program's own (128 + signal when it was killed).");
  submit.callback([flags, &submit, &context] {
    context.run = [flags, &submit, &context] {
      std::vector<std::string> command = submit.remaining();
      std::vector<std::string>& rest = context.command;
      if (command.empty() && !rest.empty()) rest.erase(rest.begin());
      command.insert(command.end(), rest.begin(), rest.end());
      return Submit(*flags, command, context);
    };
  });
}

}  // namespace troupe::cli
