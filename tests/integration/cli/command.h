// The troupe command as a process of its own, run to its end.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/integration/program.h"

namespace troupe::integration {

struct CommandResult {
  int status = -1;
  std::string out;
  std::string err;

  // A parse error is an exception, which fails the test.
  nlohmann::json Json() const { return nlohmann::json::parse(out); }
  bool Says(const std::string& text) const { return (out + err).find(text) != std::string::npos; }
};

// For a failed expectation.
inline std::ostream& operator<<(std::ostream& stream, const CommandResult& result) {
  return stream << "status " << result.status << "\n" << result.out << result.err;
}

// The command of this build.
std::string TroupeProgram();

CommandResult Troupe(const std::vector<std::string>& arguments, const std::vector<Program::Variable>& environment = {});

}  // namespace troupe::integration
