// Program: another process that a test runs and watches: a second driver, or the troupe command.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace troupe::integration {

// The main() of another driver, run by the test's own executable.
using Role = int (*)(const std::vector<std::string>& arguments);
// At namespace scope: const bool registered = RegisterRole("name", Main);
// With `before_init` its workers run it, too, instead of Init.
bool RegisterRole(const std::string& name, Role role, bool before_init = false);
// When argv is that of Program::OfRole: runs it, leaves its status in `status`, and returns true.
bool RunRole(int argc, char** argv, int* status);
// The same, but only for a role that runs before Init.
bool RunRoleBeforeInit(int argc, char** argv, int* status);

// Output goes to files of its own. Killed and reaped when this object goes while it still runs.
class Program {
 public:
  struct Variable {
    std::string name;
    std::string value;
  };

  explicit Program(const std::vector<std::string>& command, const std::vector<Variable>& environment = {});
  static Program OfRole(const std::string& role, std::vector<std::string> arguments = {},
                        const std::vector<Variable>& environment = {});
  // The command line of OfRole.
  static std::vector<std::string> RoleCommand(const std::string& role, std::vector<std::string> arguments = {});
  ~Program();
  Program(Program&& other) noexcept;
  Program& operator=(Program&&) = delete;

  pid_t pid() const { return pid_; }
  std::string Output() const;
  std::string Errors() const;

  // Whether `text` has been printed before the deadline; false at once when the program ends without it.
  bool WaitForOutput(const std::string& text);
  bool WaitForErrors(const std::string& text);

  void Signal(int signal) const;
  // Exit status, or 128 and the signal that ended it. Kills it after the deadline and returns -1.
  int Wait();

 private:
  bool WaitFor(const std::function<bool()>& condition);
  bool Ended();

  pid_t pid_ = 0;
  std::string folder_;
  int status_ = -1;
  bool reaped_ = false;
};

}  // namespace troupe::integration
