// CgroupLimits: what the control groups of a process allow it, as containers and service managers set them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace troupe::raylet {

struct CgroupLimits {
  std::optional<std::uint64_t> memory;            // bytes; the tightest limit of the group and those around it
  std::optional<std::uint64_t> available_memory;  // bytes that are not in use of the tightest one
  std::optional<double> cpus;                     // CPU time per time, as quota and period say
};

// The text of a small file; nullopt when there is none.
using ReadFile = std::function<std::optional<std::string>(const std::string& path)>;
std::optional<std::string> ReadSmallFile(const std::string& path);

// Of this process, by /proc/self/cgroup and /proc/self/mountinfo; version 2, version 1, or both at once, whichever has
// the controller. What cannot be read does not limit. CPU sets are not looked at: the process's affinity shows them.
// https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/memory.html, .../scheduler/sched-bwc.html
CgroupLimits ReadCgroupLimits(const ReadFile& read);

}  // namespace troupe::raylet
