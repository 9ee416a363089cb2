// What a test sees of other processes: those of its own cluster, their memory, their end.
#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace troupe::integration {

// Set in a test's environment, and thus in that of every process of its cluster, whoever started it.
inline constexpr const char* kMark = "INTEGRATION_TEST_CLUSTER";

// All processes but this one, with their command lines.
std::map<pid_t, std::string> AllProcesses();

// Processes other than this one that were started with `variable`, "NAME=value", in their environment; with their
// command lines.
std::map<pid_t, std::string> ProcessesWith(const std::string& variable);
// Those of the cluster of `mark`.
std::map<pid_t, std::string> ProcessesOf(const std::string& mark);

// "troupe-" and twelve digits: what the names of the shared memory that `pid` has mapped begin with.
std::set<std::string> SharedMemoryTags(pid_t pid);

// Names in /dev/shm that begin with `tag`.
std::vector<std::string> SharedMemoryNames(const std::string& tag);

// Zombies do not run.
bool IsRunning(pid_t pid);
bool WaitGone(pid_t pid);

}  // namespace troupe::integration
