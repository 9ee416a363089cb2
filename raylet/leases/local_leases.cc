#include "raylet/leases/local_leases.h"

#include <utility>

#include "raylet/convert.h"

namespace troupe::raylet {

LocalLeases::LocalLeases(NodeId self, LocalResources& resources, WorkerSource& workers, ClientOutbox& clients,
                         std::function<void(ProcessId)> on_change)
    : self_(self), resources_(resources), workers_(workers), clients_(clients), on_change_(std::move(on_change)) {}

LocalLeases::LeaseId LocalLeases::Grant(const Address& lessee, const pb::JobInfo& job, const ResourceSet& demand,
                                        Done done) {
  auto allocation = resources_.TryTake(demand);
  if (!allocation) return 0;
  const LeaseId id = ++last_;
  Lease lease;
  lease.lessee = lessee;
  lease.job = JobId{job.id()};
  lease.allocation = std::move(*allocation);
  lease.done = std::move(done);
  leases_.emplace(id, std::move(lease));
  const auto ticket =
      workers_.Acquire(job, [this, id](Result<WorkerProcess> worker) { OnAcquired(id, std::move(worker)); });
  if (auto it = leases_.find(id); it != leases_.end()) it->second.ticket = ticket;
  return id;
}

void LocalLeases::OnAcquired(LeaseId id, Result<WorkerProcess> worker) {
  auto it = leases_.find(id);
  if (it == leases_.end()) {
    if (worker.ok()) workers_.Release(worker->process);
    return;
  }
  Done done = std::move(it->second.done);
  if (!worker.ok()) {
    Erase(id);
    done(worker.status());
    return;
  }
  Lease& lease = it->second;
  lease.worker = worker->process;
  by_worker_[lease.worker] = id;

  // The worker must know its lessee before the lessee's first call reaches it.
  pb::RayletToClient assign;
  assign.mutable_assign_lease()->set_lease(id);
  *assign.mutable_assign_lease()->mutable_lessee() = ToPb(lease.lessee);
  pb::LeaseGranted granted;
  granted.set_lease(id);
  *granted.mutable_worker() = ToPb(Address{self_, lease.worker});
  for (std::uint32_t gpu : lease.allocation.gpus) {
    assign.mutable_assign_lease()->add_gpus(gpu);
    granted.add_gpus(gpu);
  }
  assign.mutable_assign_lease()->set_cpu_units(lease.allocation.resources.Units(kCpu));
  clients_.Send(lease.worker, assign);
  on_change_(lease.worker);
  done(std::move(granted));
}

void LocalLeases::Cancel(LeaseId lease) {
  auto it = leases_.find(lease);
  if (it == leases_.end() || it->second.worker) return;
  workers_.CancelAcquire(it->second.ticket);
  Erase(lease);
}

Status LocalLeases::Return(LeaseId lease, const Address& lessee) {
  auto it = leases_.find(lease);
  if (it == leases_.end() || it->second.lessee != lessee) {
    return NotFound("lease " + std::to_string(lease) + " is not held by process " + lessee.process.Hex());
  }
  TakeBack(lease);
  return OkStatus();
}

Status LocalLeases::ReturnFrom(LeaseId lease, NodeId from) {
  auto it = leases_.find(lease);
  if (it == leases_.end() || it->second.lessee.node != from) {
    return NotFound("lease " + std::to_string(lease) + " is not held on node " + from.Hex());
  }
  TakeBack(lease);
  return OkStatus();
}

void LocalLeases::TakeBack(LeaseId lease) {
  auto it = leases_.find(lease);
  if (it == leases_.end() || it->second.ending) return;
  const ProcessId worker = it->second.worker;
  if (!worker) return Cancel(lease);
  // Before its resources: whoever gets those finds the worker idle.
  by_worker_.erase(worker);
  if (it->second.allocation.gpus.empty()) {
    workers_.Release(worker);
  } else {
    workers_.Retire(worker);  // CUDA looks once per process at the devices it may use, and keeps memory on them
  }
  Erase(lease);
  on_change_(worker);
}

void LocalLeases::SetBlocked(ProcessId worker, bool blocked) {
  auto it = by_worker_.find(worker);
  if (it == by_worker_.end()) return;
  resources_.SetLent(&leases_.at(it->second).allocation, blocked);
}

void LocalLeases::OnWorkerExit(ProcessId worker) {
  auto it = by_worker_.find(worker);
  if (it != by_worker_.end()) Erase(it->second);
}

void LocalLeases::OnLesseeDied(const std::function<bool(const Address&)>& died, const std::string& reason) {
  std::vector<LeaseId> ended;
  for (const auto& [id, lease] : leases_) {
    if (died(lease.lessee)) ended.push_back(id);
  }
  for (LeaseId id : ended) End(id, reason);
}

void LocalLeases::OnProcessOver(const EndedProcess& process) {
  if (process.is_worker()) OnWorkerExit(process.address.process);
  OnLesseeDied([&](const Address& lessee) { return lessee == process.address; },
               "the process whose task it ran is gone");
}

void LocalLeases::OnNodeOver(NodeId node, const std::string&) {
  OnLesseeDied([&](const Address& lessee) { return lessee.node == node; }, "the node whose task it ran is gone");
}

void LocalLeases::OnJobEnded(JobId job) {
  std::vector<LeaseId> ended;
  for (const auto& [id, lease] : leases_) {
    if (lease.job == job) ended.push_back(id);
  }
  for (LeaseId id : ended) End(id, "its job ended");
}

void LocalLeases::End(LeaseId id, const std::string& reason) {
  auto it = leases_.find(id);
  if (it == leases_.end() || it->second.ending) return;
  if (!it->second.worker) return Cancel(id);
  it->second.ending = true;
  workers_.Kill(it->second.worker, reason);
}

void LocalLeases::Erase(LeaseId id) {
  auto it = leases_.find(id);
  const Lease lease = std::move(it->second);
  leases_.erase(it);
  if (lease.worker) by_worker_.erase(lease.worker);
  resources_.Return(lease.allocation);
}

}  // namespace troupe::raylet
