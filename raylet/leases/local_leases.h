// LocalLeases: who may send tasks to which worker of this node.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/status.h"
#include "proto/client.pb.h"
#include "proto/common.pb.h"
#include "raylet/leases/local_resources.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/process_observer.h"
#include "raylet/ports/worker_source.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// A lease holds resources from Grant() until it is returned or its worker is gone. A worker whose lessee died may be
// in the middle of its task, so it is killed and not used again; nor is one that had GPUs. Loop thread.
//
//   starting --worker acquired--> held --Return--> (worker idle again, or asked to exit)
//      |                           |--lessee died--> ending --worker exited--> gone
//      `--Cancel, lessee died--> gone   `--worker exited--> gone
class LocalLeases : public ProcessObserver {
 public:
  using LeaseId = std::uint64_t;                               // 0: none
  using Done = std::function<void(Result<pb::LeaseGranted>)>;  // `key` is left to the caller

  // `on_change` hears of workers that are leased or are so no more, but for those that end.
  LocalLeases(NodeId self, LocalResources& resources, WorkerSource& workers, ClientOutbox& clients,
              std::function<void(ProcessId)> on_change);

  // Takes the resources and asks for a worker; 0 when there is no room. `done` comes later (or within), once, unless
  // the lease ends before: with the grant, which the worker has been told of, or with why no worker can be had.
  LeaseId Grant(const Address& lessee, const pb::JobInfo& job, const ResourceSet& demand, Done done);

  // Ends a lease whose `done` has not been called.
  void Cancel(LeaseId lease);
  // Ends a lease at its lessee's wish. NotFound when `lessee` holds no such lease (it may have ended meanwhile).
  Status Return(LeaseId lease, const Address& lessee);
  // As Return(), for a lessee on node `from`.
  Status ReturnFrom(LeaseId lease, NodeId from);

  // The task in `worker` waits for something, or goes on. Ignored for workers without a lease.
  void SetBlocked(ProcessId worker, bool blocked);

  void OnWorkerExit(ProcessId worker);
  // Ends the leases of every lessee that matches.
  void OnLesseeDied(const std::function<bool(const Address&)>& died, const std::string& reason);
  // Nothing of the job goes on: ends its leases.
  void OnJobEnded(JobId job);

  void OnProcessOver(const EndedProcess& process) override;
  void OnNodeOver(NodeId node, const std::string& reason) override;

  bool Leased(ProcessId worker) const { return by_worker_.contains(worker); }
  std::size_t size() const { return leases_.size(); }

 private:
  struct Lease {
    Address lessee;
    JobId job;
    Allocation allocation;
    WorkerSource::Ticket ticket = 0;
    ProcessId worker;  // once held
    bool ending = false;
    Done done;
  };

  void OnAcquired(LeaseId id, Result<WorkerProcess> worker);
  void TakeBack(LeaseId lease);
  void End(LeaseId id, const std::string& reason);
  void Erase(LeaseId id);

  const NodeId self_;
  LocalResources& resources_;
  WorkerSource& workers_;
  ClientOutbox& clients_;
  const std::function<void(ProcessId)> on_change_;
  LeaseId last_ = 0;
  std::unordered_map<LeaseId, Lease> leases_;
  std::unordered_map<ProcessId, LeaseId> by_worker_;
};

}  // namespace troupe::raylet
