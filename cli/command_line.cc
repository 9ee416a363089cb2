#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <memory>

#include "cli/check_words.h"
#include "cli/complete.h"
#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/help_format.h"
#include "cli/output.h"
#include "common/session.h"

namespace troupe::cli {
namespace {

// Everything from the first "--" on belongs to the program that submit ships, and CLI11 would take it apart.
std::vector<std::string> TakeCommand(std::vector<std::string>* arguments) {
  if (arguments->empty() || arguments->front() != "submit") return {};
  const auto mark = std::find(arguments->begin(), arguments->end(), "--");
  std::vector<std::string> command(mark, arguments->end());
  arguments->erase(mark, arguments->end());
  return command;
}

const CLI::App& Deepest(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : Deepest(*parsed.back());
}

// What CLI11 calls "id is required".
std::string Missing(const CLI::App& app) {
  std::string names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_required() && option->count() == 0) names += " " + HelpFormat::TypeOf(option);
  }
  return FullName(app) + " needs" + names;
}

// An empty value is what a variable left that is not set. Without it the command would mean another cluster, or all.
Status CheckValues(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    const std::vector<std::string> values = option->results();
    const bool takes_value = option->get_items_expected_max() > 0;
    if (takes_value && std::find(values.begin(), values.end(), "") != values.end()) {
      const std::string name = option->get_positional() ? HelpFormat::TypeOf(option) : option->get_name();
      return InvalidArgument(FullName(app) + ": " + name + " is empty; give a value, or leave it out" + SeeHelp(app));
    }
  }
  return OkStatus();
}

// What CLI11 calls "Could not convert: --port = abc".
std::string NotANumber(const std::string& what) {
  const std::size_t name = what.find(": ");
  const std::size_t value = what.find(" = ");
  if (name == std::string::npos || value == std::string::npos || value < name) return what;
  return what.substr(name + 2, value - name - 2) + ": '" + what.substr(value + 3) + "' is not a number";
}

// Who runs several clusters may mean another than the newest. `start` takes none that was not named.
void NameCluster(const CLI::App& command, Context& context) {
  const CLI::Option* address = command.get_option_no_throw("--address");
  if (address == nullptr || address->count() > 0 || FullName(command) == "troupe start") return;
  if (const char* variable = std::getenv("TROUPE_ADDRESS"); variable != nullptr && *variable != 0) return;
  const std::vector<std::string> heads = RunningClusters();
  if (heads.size() < 2) return;
  context.err << "troupe: " << heads.size() << " clusters run on this machine; this is the newest, at " << heads.front()
              << " (another: --address or TROUPE_ADDRESS)" << std::endl;
}

// `troupe help start` means `troupe start --help`.
void MoveHelp(std::vector<std::string>* arguments) {
  if (arguments->empty() || arguments->front() != "help") return;
  arguments->erase(arguments->begin());
  arguments->emplace_back("--help");
}

void AddAll(CLI::App& app, Context& context) {
  AddStart(app, context);
  AddStop(app, context);
  AddStatus(app, context);
  AddLists(app, context);
  AddActorCommands(app, context);
  AddLogs(app, context);
  AddSubmit(app, context);
  AddJobCommands(app, context);
  AddProcessCommands(app, context);
}

}  // namespace

int Context::Fail(int exit_code, const std::string& message) {
  err << "troupe: " << Printable(message, /*keep_lines=*/true) << std::endl;
  return exit_code;
}

int Context::Fail(const Status& status) { return Fail(ExitCodeOf(status.code()), status.message()); }

int Run(const std::vector<std::string>& arguments, Context& context) {
  CLI::App app("Starts, looks at and steers clusters of Troupe, the distributed actor runtime.", "troupe");
  app.formatter(std::make_shared<HelpFormat>());
  app.require_subcommand(1);
  app.footer(
      "A first cluster on this machine:\n"
      "  troupe start --head          starts it and says what to do next\n"
      "  troupe submit -- ./program   runs a program on it\n"
      "  troupe status                shows nodes, resources and what waits\n"
      "  troupe stop                  ends it\n"
      "\n"
      "Commands find the cluster by --address, else TROUPE_ADDRESS, else the newest one that runs on this machine.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 cluster cannot be reached, 4 not found, 5 refused.");
  AddAll(app, context);
  if (!arguments.empty() && arguments.front() == "__complete") return PrintCandidates(app, arguments, context);
  std::vector<std::string> own = arguments;
  MoveHelp(&own);
  context.command = TakeCommand(&own);
  if (own.empty()) {
    context.err << app.help();
    return kUsage;
  }
  if (Status status = CheckWords(app, own); !status.ok()) return context.Fail(status);
  try {
    std::reverse(own.begin(), own.end());  // as CLI11 wants them
    app.parse(std::move(own));
    if (Status status = CheckValues(Deepest(app)); !status.ok()) return context.Fail(status);
    NameCluster(Deepest(app), context);
    return context.run ? context.run() : kUsage;
  } catch (const CLI::RequiredError&) {
    return context.Fail(kUsage, Missing(Deepest(app)) + SeeHelp(Deepest(app)));
  } catch (const CLI::ConversionError& error) {
    return context.Fail(kUsage, NotANumber(error.what()) + SeeHelp(Deepest(app)));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, context.out, context.err);
    return context.Fail(kUsage, error.what() + SeeHelp(Deepest(app)));
  } catch (const WriteError&) {
    throw;
  } catch (const std::exception& error) {
    return context.Fail(kFailed, error.what());
  }
}

}  // namespace troupe::cli
