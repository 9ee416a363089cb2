// NodeCapacity: what a node offers, from flags and from the machine.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/resources.h"
#include "common/status.h"

namespace troupe::raylet {

// As given on the command line; what is not given comes from the machine.
struct CapacityFlags {
  std::optional<double> num_cpus = {};
  std::optional<double> num_gpus = {};
  std::optional<std::uint64_t> memory = {};               // bytes
  std::optional<std::uint64_t> object_store_memory = {};  // bytes
  std::string resources = {};                             // JSON: {"name": amount}
  std::string labels = {};                                // JSON: {"name": "value"}
};

// What the machine has.
struct Machine {
  unsigned cpus = 1;
  unsigned gpus = 0;
  std::uint64_t available_memory = 0;  // bytes
  std::uint64_t shared_memory = 0;     // bytes of /dev/shm in all
  std::uint64_t free_shared_memory = 0;
};
Result<Machine> LookAtMachine();

struct NodeCapacity {
  ResourceSet resources;
  std::uint64_t store = 0;  // bytes
  std::map<std::string, std::string> labels;
};

// InvalidArgument names the flag that makes no sense. By default: all CPUs and GPUs, 70 % of the available memory, and
// for objects 30 % of it, at most 64 GiB and what is free in /dev/shm. Pure.
Result<NodeCapacity> DecideCapacity(const CapacityFlags& flags, const Machine& machine);

}  // namespace troupe::raylet
