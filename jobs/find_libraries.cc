#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <sstream>

#include "jobs/elf_file.h"
#include "jobs/package.h"

namespace troupe::jobs {
namespace {

constexpr std::size_t kMaxOutput = 1u << 20;

bool IsSystemPath(const std::string& path) {
  for (const char* prefix : {"/lib/", "/lib64/", "/lib32/", "/libx32/", "/usr/lib/", "/usr/lib64/", "/usr/lib32/"}) {
    if (path.starts_with(prefix)) return true;
  }
  return false;
}

// Standard output and standard error of a program that has ended well; its output as the error when it has not.
Result<std::string> OutputOf(const std::string& program, const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "cannot run " + program);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);

  std::string output;
  char buffer[4096];
  while (error == 0) {
    const ssize_t size = read(ends[0], buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    // Read on beyond the bound: a full pipe would keep the program from ending.
    if (output.size() < kMaxOutput) output.append(buffer, static_cast<std::size_t>(size));
  }
  close(ends[0]);
  if (error != 0) return ErrnoStatus(error, "cannot run " + program);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) return FailedPrecondition(program + " failed: " + output);
  return output;
}

// A line is "\tlibx.so.1 => /path/libx.so.1 (0x7f…)", or a name without an arrow: the loader itself and the kernel's
// own object, neither of which is a library to carry.
std::string PathInLine(const std::string& line) {
  const auto arrow = line.find(" => ");
  if (arrow == std::string::npos) return {};
  const std::string path = line.substr(arrow + 4);
  return path.substr(0, path.rfind(" ("));
}

}  // namespace

Result<std::vector<std::string>> FindLibraries(const std::string& executable) {
  TROUPE_ASSIGN_OR_RETURN(const ElfNames names, ReadElfNames(executable));
  if (names.interpreter.empty()) return std::vector<std::string>();
  // Only a loader of the system is run, whatever the file asks for.
  const std::string loader = std::filesystem::path(names.interpreter).lexically_normal();
  if (!IsSystemPath(loader)) {
    return InvalidArgument(executable + " asks for the dynamic loader " + loader + ", which is not the system's");
  }
  const std::string path = std::filesystem::absolute(executable);
  auto output = OutputOf(loader, {"--list", path});
  if (!output.ok()) {
    return output.status().WithContext("cannot find every library of " + executable + "; is LD_LIBRARY_PATH set?");
  }

  std::vector<std::string> libraries;
  std::istringstream lines(*output);
  for (std::string line; std::getline(lines, line);) {
    const std::string normal = std::filesystem::path(PathInLine(line)).lexically_normal();
    if (!normal.empty() && !IsSystemPath(normal)) libraries.push_back(std::filesystem::absolute(normal));
  }
  return libraries;
}

}  // namespace troupe::jobs
