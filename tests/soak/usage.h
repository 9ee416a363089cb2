// Usage: what a cluster takes of its machine, seen from outside, through /proc, /dev/shm and the session folders.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/integration/cluster_fixture.h"

namespace troupe::soak {

struct ProcessUsage {
  std::uint64_t memory = 0;    // bytes of its own: resident, without files and shared memory
  std::uint64_t mappings = 0;  // of files and shared memory
  std::uint64_t descriptors = 0;
  std::uint64_t threads = 0;
};

struct Usage {
  // "head", "raylet" and its "guard", "driver", and "workers": the largest of them.
  std::map<std::string, ProcessUsage> processes;
  std::uint64_t worker_count = 0;   // templates too
  std::uint64_t shared_memory = 0;  // bytes of all names of the cluster in /dev/shm
  std::uint64_t shared_names = 0;
  std::uint64_t files = 0;  // in the session folders
  std::uint64_t file_bytes = 0;
};

// How much each may have grown.
struct Growth {
  std::uint64_t memory = 0;
  std::map<std::string, std::uint64_t> more_memory = {};  // on top, of some processes
  std::uint64_t mappings = 6;
  std::uint64_t descriptors = 6;
  std::uint64_t threads = 4;  // gRPC's pools breathe
  std::uint64_t workers = 2;
  std::uint64_t shared_memory = 0;
  std::uint64_t shared_names = 6;
  std::uint64_t files = 8;
  std::uint64_t file_bytes = 8 << 20;  // of the daemons' logs, mostly, which are bounded by themselves
};

// Once what has ended is gone: the number of processes, names and files stands still. This process counts as the
// driver.
Usage Measure(const integration::Cluster& cluster);
std::string ToText(const Usage& usage);

// One line for each thing that grew by more than it may.
std::vector<std::string> TooMuch(const Usage& before, const Usage& after, const Growth& allowed);

}  // namespace troupe::soak
