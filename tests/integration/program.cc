#include "tests/integration/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "tests/integration/wait.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace troupe::integration {
namespace {

namespace fs = std::filesystem;
constexpr const char* kRoleFlag = "--integration-role";

struct RegisteredRole {
  Role run = nullptr;
  bool before_init = false;
};

std::map<std::string, RegisteredRole>& Roles() {
  static std::map<std::string, RegisteredRole> roles;
  return roles;
}

bool NamesRole(int argc, char** argv) { return argc >= 3 && std::strcmp(argv[1], kRoleFlag) == 0; }

std::string MakeFolder() {
  std::string path = fs::temp_directory_path() / "troupe-integration-output-XXXXXX";
  if (!mkdtemp(path.data())) std::abort();
  return path;
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> Environment(const std::vector<Program::Variable>& changes) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    bool replaced = false;
    for (const Program::Variable& change : changes) replaced = replaced || text.starts_with(change.name + "=");
    if (!replaced) result.push_back(text);
  }
  for (const Program::Variable& change : changes) result.push_back(change.name + "=" + change.value);
  return result;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

bool RegisterRole(const std::string& name, Role role, bool before_init) {
  return Roles().emplace(name, RegisteredRole{role, before_init}).second;
}

bool RunRole(int argc, char** argv, int* status) {
  if (!NamesRole(argc, argv)) return false;
  auto role = Roles().find(argv[2]);
  if (role == Roles().end()) {
    std::fprintf(stderr, "there is no role %s\n", argv[2]);
    *status = 2;
  } else {
    *status = role->second.run(std::vector<std::string>(argv + 3, argv + argc));
  }
  return true;
}

bool RunRoleBeforeInit(int argc, char** argv, int* status) {
  if (!NamesRole(argc, argv)) return false;
  auto role = Roles().find(argv[2]);
  return role != Roles().end() && role->second.before_init && RunRole(argc, argv, status);
}

Program::Program(const std::vector<std::string>& command, const std::vector<Variable>& environment)
    : folder_(MakeFolder()) {
  std::vector<std::string> arguments = command;
  std::vector<std::string> variables = Environment(environment);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, (folder_ + "/out").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, (folder_ + "/err").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int error = posix_spawn(&pid_, command.at(0).c_str(), &actions, nullptr, Pointers(arguments).data(),
                                Pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    std::fprintf(stderr, "cannot run %s: %s\n", command[0].c_str(), std::strerror(error));
    std::abort();
  }
}

std::vector<std::string> Program::RoleCommand(const std::string& role, std::vector<std::string> arguments) {
  std::vector<std::string> command = {fs::read_symlink("/proc/self/exe"), kRoleFlag, role};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

Program Program::OfRole(const std::string& role, std::vector<std::string> arguments,
                        const std::vector<Variable>& environment) {
  return Program(RoleCommand(role, std::move(arguments)), environment);
}

Program::Program(Program&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      folder_(std::exchange(other.folder_, {})),
      status_(other.status_),
      reaped_(other.reaped_) {}

Program::~Program() {
  if (pid_ == 0) return;
  if (!Ended()) {
    Signal(SIGKILL);
    Wait();
  }
  std::error_code error;
  fs::remove_all(folder_, error);
}

std::string Program::Output() const { return ReadAll(folder_ + "/out"); }
std::string Program::Errors() const { return ReadAll(folder_ + "/err"); }

bool Program::WaitForOutput(const std::string& text) {
  return WaitFor([&] { return Output().find(text) != std::string::npos; });
}

bool Program::WaitForErrors(const std::string& text) {
  return WaitFor([&] { return Errors().find(text) != std::string::npos; });
}

bool Program::WaitFor(const std::function<bool()>& condition) {
  bool ended = false;
  return Eventually([&] { return condition() || std::exchange(ended, Ended()); }) && condition();
}

void Program::Signal(int signal) const {
  if (!reaped_) kill(pid_, signal);
}

bool Program::Ended() {
  if (reaped_) return true;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return reaped_ = true;
}

int Program::Wait() {
  if (Eventually([this] { return Ended(); })) return status_;
  std::fprintf(stderr, "program %d does not end; its errors:\n%s", pid_, Errors().c_str());
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  reaped_ = true;
  return -1;
}

}  // namespace troupe::integration
