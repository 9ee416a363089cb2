// Census: what a cluster uses of the machine, counted from outside, and what of it has come to stay.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace troupe::chaos {

struct Daemon {
  std::string name;  // "head", "raylet of node 0"
  int descriptors = 0;
  std::uint64_t resident_bytes = 0;
};

struct Census {
  std::map<pid_t, Daemon> daemons;
  std::map<pid_t, std::string> others;  // workers, templates, drivers: command lines
  std::uint64_t shared_bytes = 0;       // that files of /dev/shm occupy
  std::set<std::string> shared_names;
  std::uint64_t files = 0;  // in the session folders
};

// What may differ between two times of rest.
struct Allowance {
  int descriptors = 8;                       // a daemon: a connection that is closing, an epoll
  std::uint64_t resident_bytes = 48u << 20;  // a daemon: an allocator keeps what it had at its peak
  std::uint64_t shared_bytes = 64u << 20;    // free segments that a store keeps for the next put
  std::uint64_t files = 64;                  // logs of workers that printed something
};

// Counts what the processes with `mark` in their environment (tests/integration/processes.h) and the files under `root`
// use. `daemons` names those that are to live on; `tags` the shared memory of the cluster.
Census Count(const std::string& mark, const std::map<pid_t, std::string>& daemons, const std::set<std::string>& tags);

// A sentence for each thing that has grown beyond the allowance, and for each process that is left. Pure.
std::vector<std::string> Growth(const Census& before, const Census& after, const Allowance& allowance);

}  // namespace troupe::chaos
