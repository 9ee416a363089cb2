#include "tests/integration/processes.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/session.h"
#include "tests/integration/wait.h"

namespace troupe::integration {
namespace {

namespace fs = std::filesystem;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::map<pid_t, std::string> AllProcesses() {
  std::map<pid_t, std::string> found;
  std::error_code error;
  for (const fs::directory_entry& process : fs::directory_iterator("/proc", error)) {
    const std::string name = process.path().filename();
    if (!std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); })) continue;
    const pid_t pid = std::stoi(name);
    if (pid == getpid() || !IsRunning(pid)) continue;
    std::string command = ReadAll(process.path() / "cmdline");
    std::replace(command.begin(), command.end(), '\0', ' ');
    found.emplace(pid, command);
  }
  return found;
}

std::map<pid_t, std::string> ProcessesWith(const std::string& variable) {
  std::map<pid_t, std::string> found = AllProcesses();
  std::erase_if(found, [&](const auto& process) {
    const std::string environment = '\0' + ReadAll("/proc/" + std::to_string(process.first) + "/environ");
    return environment.find('\0' + variable + '\0') == std::string::npos;
  });
  return found;
}

std::map<pid_t, std::string> ProcessesOf(const std::string& mark) {
  return ProcessesWith(std::string(kMark) + "=" + mark);
}

std::set<std::string> SharedMemoryTags(pid_t pid) {
  constexpr std::string_view kPrefix = "/dev/shm/";
  constexpr std::size_t kTagLength = std::string_view("troupe-0123456789ab").size();
  std::set<std::string> tags;
  std::istringstream maps(ReadAll("/proc/" + std::to_string(pid) + "/maps"));
  for (std::string line; std::getline(maps, line);) {
    const std::size_t at = line.find(std::string(kPrefix) + "troupe-");
    if (at != std::string::npos) tags.insert(line.substr(at + kPrefix.size(), kTagLength));
  }
  return tags;
}

std::vector<std::string> SharedMemoryNames(const std::string& tag) {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/dev/shm", error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(tag)) names.push_back(name);
  }
  return names;
}

bool IsRunning(pid_t pid) { return ProcessStartTime(pid).has_value(); }

bool WaitGone(pid_t pid) {
  return Eventually([pid] { return !IsRunning(pid); });
}

}  // namespace troupe::integration
