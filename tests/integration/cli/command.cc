#include "tests/integration/cli/command.h"

#include <cstdio>
#include <cstdlib>

#include "common/daemon.h"

namespace troupe::integration {

std::string TroupeProgram() {
  const Result<std::string> program = FindProgram("troupe");
  if (!program.ok()) {
    std::fprintf(stderr, "%s\n", program.status().message().c_str());
    std::abort();
  }
  return *program;
}

CommandResult Troupe(const std::vector<std::string>& arguments, const std::vector<Program::Variable>& environment) {
  std::vector<std::string> command = {TroupeProgram()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  Program program(command, environment);
  CommandResult result;
  result.status = program.Wait();
  result.out = program.Output();
  result.err = program.Errors();
  return result;
}

}  // namespace troupe::integration
