// troupe version, troupe completion, troupe microbenchmark
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command_line.h"
#include "cli/completion.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "common/daemon.h"
#include "rpc/security.h"

namespace troupe::cli {
namespace {

int PrintVersion(bool json, Context& context) {
  const std::string version(rpc::SoftwareVersion());
  if (json) {
    PrintJson(context.out, {{"version", version}, {"protocol", rpc::kProtocolVersion}});
  } else {
    context.out << "troupe " << version << " (protocol " << rpc::kProtocolVersion << ")" << std::endl;
  }
  return kOk;
}

// Becomes the sibling program: it has the exit code and the signals then.
int Exec(const std::string& program, std::vector<std::string> arguments, Context& context) {
  const auto path = FindProgram(program);
  if (!path.ok()) return context.Fail(kFailed, path.status().message());
  arguments.insert(arguments.begin(), *path);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  return context.Fail(kFailed, ErrnoStatus(errno, "cannot run " + *path).message());
}

}  // namespace

void AddProcessCommands(CLI::App& app, Context& context) {
  auto json = std::make_shared<bool>(false);
  CLI::App& version = *app.add_subcommand("version", "Print the version");
  version.add_flag("--json", *json, "Print JSON");
  version.callback([json, &context] { context.run = [json, &context] { return PrintVersion(*json, context); }; });
  app.set_version_flag("--version", "troupe " + std::string(rpc::SoftwareVersion()));

  auto shell = std::make_shared<std::string>();
  CLI::App& completion = *app.add_subcommand("completion", "Print a completion script for a shell");
  completion.add_option("shell", *shell, "bash, zsh or fish")->required()->type_name("SHELL");
  completion.footer(
      "Examples:\n"
      "  source <(troupe completion bash)                                  in ~/.bashrc\n"
      "  source <(troupe completion zsh)                                   in ~/.zshrc, after compinit\n"
      "  troupe completion fish > ~/.config/fish/completions/troupe.fish");
  completion.callback([shell, &context] {
    context.run = [shell, &context] {
      const auto script = CompletionScript(*shell);
      if (!script.ok()) return context.Fail(script.status());
      context.out << *script << std::flush;
      return int{kOk};
    };
  });

  CLI::App& benchmark = *app.add_subcommand("microbenchmark", "Measure calls, tasks and objects on a cluster");
  benchmark.set_help_flag();
  benchmark.prefix_command();
  benchmark.callback([&benchmark, &context] {
    context.run = [&benchmark, &context] { return Exec("troupe-microbenchmark", benchmark.remaining(), context); };
  });
}

}  // namespace troupe::cli
