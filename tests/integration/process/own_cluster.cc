#include "tests/integration/process/own_cluster.h"

#include <signal.h>
#include <stdlib.h>

#include <filesystem>

#include "common/local_cluster.h"
#include "common/session.h"
#include "tests/integration/processes.h"
#include "tests/integration/wait.h"

namespace troupe::integration {

namespace fs = std::filesystem;

OwnCluster::OwnCluster() : root_(fs::temp_directory_path() / "troupe-integration-XXXXXX") {
  if (!mkdtemp(root_.data())) std::abort();
}

OwnCluster::~OwnCluster() {
  EXPECT_TRUE(Eventually([this] { return ProcessesOf(root_).empty(); }, std::chrono::seconds(10)));
  for (const auto& [pid, command] : ProcessesOf(root_)) {
    ADD_FAILURE() << "process " << pid << " is left: " << command;
    kill(pid, SIGKILL);
  }
  // The shared memory of raylets that a test has killed.
  for (const Session& session : ListSessions(root_ + "/s")) RemoveLeftovers(session);
  std::error_code error;
  fs::remove_all(root_, error);
}

std::vector<Program::Variable> OwnCluster::Environment(std::vector<Program::Variable> more) const {
  const std::vector<Program::Variable> own = {{"TROUPE_ADDRESS", ""},
                                              {"TROUPE_SESSION_ROOT", root_ + "/s"},
                                              {"TROUPE_TOKEN_FILE", root_ + "/token"},
                                              {kMark, root_}};
  more.insert(more.begin(), own.begin(), own.end());
  return more;
}

Program OwnCluster::Drive(const std::string& role, std::vector<std::string> arguments,
                          std::vector<Program::Variable> environment) {
  return Program::OfRole(role, std::move(arguments), Environment(std::move(environment)));
}

Program OwnCluster::DriveBy(const std::string& script, const std::string& role, std::vector<std::string> arguments,
                            std::vector<Program::Variable> environment) {
  std::vector<std::string> command = {"/bin/sh", "-c", script, "sh"};
  for (std::string& part : Program::RoleCommand(role, std::move(arguments))) command.push_back(std::move(part));
  return Program(command, Environment(std::move(environment)));
}

}  // namespace troupe::integration
