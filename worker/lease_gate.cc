#include "worker/lease_gate.h"

namespace troupe::worker {

void LeaseGate::Assign(const pb::AssignLease& lease) {
  lease_ = lease.lease();
  lessee_ = ProcessId{lease.lessee().process()};
  cpu_units_ = lease.cpu_units();
  gpus_.assign(lease.gpus().begin(), lease.gpus().end());
}

LeaseGate::Verdict LeaseGate::Check(const Address& caller, std::uint64_t lease) const {
  if (lease > lease_) return Verdict::kWait;
  return lease == lease_ && caller.process == lessee_ ? Verdict::kRun : Verdict::kRefuse;
}

}  // namespace troupe::worker
