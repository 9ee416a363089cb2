#include "worker/lease_gate.h"

#include <gtest/gtest.h>

namespace troupe::worker {
namespace {

using Verdict = LeaseGate::Verdict;

pb::AssignLease Lease(std::uint64_t number, std::uint64_t lessee, const std::vector<std::uint32_t>& gpus = {}) {
  pb::AssignLease lease;
  lease.set_lease(number);
  lease.mutable_lessee()->set_process(lessee);
  for (const std::uint32_t gpu : gpus) lease.add_gpus(gpu);
  return lease;
}
Address Process(std::uint64_t id) { return {NodeId{0, 1}, ProcessId{id}}; }

TEST(LeaseGateTest, ATaskWaitsForItsLeaseAndDoesNotRunWithTheGpusOfTheOneBefore) {
  LeaseGate gate;
  EXPECT_EQ(gate.Check(Process(5), 3), Verdict::kWait);
  gate.Assign(Lease(3, 5, {1}));
  EXPECT_EQ(gate.Check(Process(5), 3), Verdict::kRun);
  EXPECT_EQ(gate.gpus(), std::vector<int>{1});
  EXPECT_EQ(gate.Check(Process(6), 4), Verdict::kWait);
  gate.Assign(Lease(4, 6));
  EXPECT_EQ(gate.Check(Process(6), 4), Verdict::kRun);
  EXPECT_TRUE(gate.gpus().empty());
}

TEST(LeaseGateTest, RefusesLeasesThatHaveEndedAndThoseOfOthers) {
  LeaseGate gate;
  gate.Assign(Lease(4, 6));
  EXPECT_EQ(gate.Check(Process(6), 3), Verdict::kRefuse);
  EXPECT_EQ(gate.Check(Process(7), 4), Verdict::kRefuse);
}

}  // namespace
}  // namespace troupe::worker
