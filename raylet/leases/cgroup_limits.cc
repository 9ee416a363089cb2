#include "raylet/leases/cgroup_limits.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

namespace troupe::raylet {
namespace {

constexpr std::size_t kMaxFile = 1u << 20;
constexpr std::uint64_t kNoLimit = 1ULL << 60;  // version 1 writes a number near 2^63 for none

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool Lists(const std::string& list, const std::string& word) {
  const auto words = Split(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<std::uint64_t> ToNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;  // "max", "-1"
  return value;
}

// Where the groups of one controller show.
struct Hierarchy {
  bool version_2 = false;
  std::string group;  // of this process, as the kernel names it; empty: there is no such controller
  std::string mount;
  std::string root;  // the group that is mounted there
};

Hierarchy FindHierarchy(const ReadFile& read, const std::string& controller) {
  Hierarchy found;
  // "4:memory:/docker/1f", "0::/user.slice"
  for (const std::string& line : Split(read("/proc/self/cgroup").value_or(""), '\n')) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool version_1 = Lists(controllers, controller);
    if (!version_1 && (!controllers.empty() || !found.group.empty())) continue;
    found.version_2 = !version_1;
    found.group = line.substr(second + 1);
    if (version_1) break;
  }
  // "35 31 0:32 /docker/1f /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
  for (const std::string& line : Split(read("/proc/self/mountinfo").value_or(""), '\n')) {
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const auto before = Split(line.substr(0, dash), ' ');
    const auto after = Split(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    const bool fits = found.version_2 ? after[0] == "cgroup2" : after[0] == "cgroup" && Lists(after[2], controller);
    if (!fits) continue;
    found.root = before[3];
    found.mount = before[4];
    break;
  }
  return found;
}

// The folders of the process's group and of those around it, as far as they show here.
std::vector<std::string> Folders(const Hierarchy& hierarchy) {
  if (hierarchy.group.empty() || hierarchy.mount.empty()) return {};
  std::string below = hierarchy.group;
  if (hierarchy.root != "/" && below.starts_with(hierarchy.root)) {
    below.erase(0, hierarchy.root.size());
  } else if (hierarchy.root != "/") {
    below.clear();  // a namespace hides the way: what is mounted is all that shows
  }
  std::vector<std::string> folders;
  for (; below.size() > 1; below.erase(below.rfind('/'))) {
    if (!below.starts_with('/') || below.find("/..") != std::string::npos) break;
    folders.push_back(hierarchy.mount + below);
  }
  folders.push_back(hierarchy.mount);
  return folders;
}

// Of "name 12" lines.
std::uint64_t FieldOf(const std::string& text, const std::string& name) {
  for (const std::string& line : Split(text, '\n')) {
    if (line.starts_with(name + " ")) return ToNumber(std::string_view(line).substr(name.size() + 1)).value_or(0);
  }
  return 0;
}

void TakeMemory(const ReadFile& read, CgroupLimits* limits) {
  const Hierarchy hierarchy = FindHierarchy(read, "memory");
  const bool two = hierarchy.version_2;
  for (const std::string& folder : Folders(hierarchy)) {
    const auto limit = ToNumber(read(folder + (two ? "/memory.max" : "/memory.limit_in_bytes")).value_or(""));
    if (!limit || *limit >= kNoLimit) continue;
    limits->memory = std::min(limits->memory.value_or(*limit), *limit);
    const auto used = ToNumber(read(folder + (two ? "/memory.current" : "/memory.usage_in_bytes")).value_or(""));
    // The kernel drops these pages when somebody needs memory.
    const std::uint64_t cached =
        FieldOf(read(folder + "/memory.stat").value_or(""), two ? "inactive_file" : "total_inactive_file");
    const std::uint64_t busy = used.value_or(0) - std::min(used.value_or(0), cached);
    const std::uint64_t free = *limit - std::min(*limit, busy);
    limits->available_memory = std::min(limits->available_memory.value_or(free), free);
  }
}

void TakeCpus(const ReadFile& read, CgroupLimits* limits) {
  const Hierarchy hierarchy = FindHierarchy(read, "cpu");
  for (const std::string& folder : Folders(hierarchy)) {
    std::optional<std::uint64_t> quota;
    std::optional<std::uint64_t> period;
    if (hierarchy.version_2) {
      const auto words = Split(read(folder + "/cpu.max").value_or(""), ' ');  // "max 100000"
      if (words.size() == 2) quota = ToNumber(words[0]), period = ToNumber(words[1]);
    } else {
      quota = ToNumber(read(folder + "/cpu.cfs_quota_us").value_or(""));
      period = ToNumber(read(folder + "/cpu.cfs_period_us").value_or(""));
    }
    if (!quota || !period || *quota == 0 || *period == 0) continue;
    const double cpus = static_cast<double>(*quota) / static_cast<double>(*period);
    limits->cpus = std::min(limits->cpus.value_or(cpus), cpus);
  }
}

}  // namespace

std::optional<std::string> ReadSmallFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(kMaxFile, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

CgroupLimits ReadCgroupLimits(const ReadFile& read) {
  CgroupLimits limits;
  TakeMemory(read, &limits);
  TakeCpus(read, &limits);
  return limits;
}

}  // namespace troupe::raylet
