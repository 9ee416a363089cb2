// The troupe command: its subcommands, and running one of them.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "common/status.h"

namespace CLI {
class App;
}

namespace troupe::cli {

// Where a command prints, and what parsing leaves for it.
struct Context {
  std::ostream& out;
  std::ostream& err;
  bool color = false;                     // of `out`
  std::vector<std::string> command = {};  // of submit: the program and its arguments
  std::function<int()> run = {};          // set by the subcommand that was given; returns the exit code

  // Prints "troupe: MESSAGE" and returns the exit code that goes with it.
  int Fail(const Status& status);
  int Fail(int exit_code, const std::string& message);
};

// Each adds its subcommands to `app`. `context` outlives the app.
void AddStart(CLI::App& app, Context& context);
void AddStop(CLI::App& app, Context& context);
void AddStatus(CLI::App& app, Context& context);
void AddLists(CLI::App& app, Context& context);
void AddActorCommands(CLI::App& app, Context& context);
void AddLogs(CLI::App& app, Context& context);
void AddSubmit(CLI::App& app, Context& context);
void AddJobCommands(CLI::App& app, Context& context);
void AddProcessCommands(CLI::App& app, Context& context);  // version, completion, microbenchmark

// Runs the command line without its argv[0] and returns the exit code. Blocks as long as the command does. Throws
// nothing but what a write to context.out throws (cli/output.h). Not thread-safe: some commands set signal masks.
int Run(const std::vector<std::string>& arguments, Context& context);

}  // namespace troupe::cli
