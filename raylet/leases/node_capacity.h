// NodeCapacity: what a node offers, from flags and from the machine.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/resources.h"
#include "common/status.h"
#include "raylet/leases/cgroup_limits.h"

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

// What the machine has, and what of it this process may use.
struct Machine {
  unsigned cpus = 1;         // that this process may run on
  unsigned online_cpus = 0;  // in all; 0: not known
  unsigned gpus = 0;
  std::uint64_t available_memory = 0;  // bytes
  std::uint64_t shared_memory = 0;     // bytes of /dev/shm in all
  std::uint64_t free_shared_memory = 0;
  CgroupLimits cgroup = {};
};
Result<Machine> LookAtMachine();

struct NodeCapacity {
  ResourceSet resources;
  std::uint64_t store = 0;  // bytes
  std::map<std::string, std::string> labels;
  std::vector<std::string> limits;  // why it offers less than the machine seems to have; for people
};

// InvalidArgument names the flag that makes no sense. By default: the CPUs that the process may run on, but no more
// than its control group's quota, rounded up; all GPUs; 70 % of the available memory, of the machine or the control
// group, whichever has less; for objects 30 % of it, at most 64 GiB and what is free in /dev/shm, less what channels
// may need there. Pure.
Result<NodeCapacity> DecideCapacity(const CapacityFlags& flags, const Machine& machine);

}  // namespace troupe::raylet
