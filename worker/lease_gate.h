// LeaseGate: which tasks a worker may run now.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/client.pb.h"
#include "troupe/ids.h"

namespace troupe::worker {

// A worker serves one lease after another. The raylet announces each before it grants it to the lessee, but over
// another socket than the lessee's calls take: a call may come before its lease, while that of the task before is the
// last that the worker knows.
class LeaseGate {
 public:
  enum class Verdict {
    kWait,  // its lease is still to come
    kRun,
    kRefuse,  // its lease has ended, or is somebody else's
  };

  void Assign(const pb::AssignLease& lease);
  // Leases of a node are numbered upwards.
  Verdict Check(const Address& caller, std::uint64_t lease) const;
  // Of the lease that was assigned last.
  const std::vector<int>& gpus() const { return gpus_; }
  std::int64_t cpu_units() const { return cpu_units_; }

 private:
  std::uint64_t lease_ = 0;
  ProcessId lessee_;
  std::vector<int> gpus_;
  std::int64_t cpu_units_ = 0;
};

}  // namespace troupe::worker
