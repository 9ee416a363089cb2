#include "common/process_stat.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace troupe {

std::optional<ProcessStat> ReadProcessStat(pid_t pid) {
  if (pid <= 0) return std::nullopt;
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat", std::ios::binary);
  // Not through stream iterators, which throw when the process ends between open and read. A name may hold a newline.
  std::string line;
  std::getline(file, line, '\0');
  // The program's name, in parentheses, may itself hold spaces and parentheses. State is field 3, start time 22.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= line.size()) return std::nullopt;
  std::size_t begin = name_end + 2;
  ProcessStat stat{.state = line[begin]};
  for (int field = 3; field < 22; ++field) {
    begin = line.find(' ', begin);
    if (begin == std::string::npos) return std::nullopt;
    ++begin;
  }
  stat.start_time = std::strtoull(line.c_str() + begin, nullptr, 10);
  return stat;
}

std::string PidSpace() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  struct stat space {};
  if (boot.empty() || ::stat("/proc/self/ns/pid", &space) != 0) return "";
  return boot + ":" + std::to_string(space.st_ino);
}

}  // namespace troupe
