#include "raylet/workers/process_deaths.h"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace troupe::raylet {

ProcessDeaths::ProcessDeaths(NodeId self, Parts parts)
    : self_node_(self), parts_(parts), self_(std::make_shared<ProcessDeaths*>(this)) {}

// --- Workers ---------------------------------------------------------------------------------------------------------

void ProcessDeaths::OnWorkerExit(const WorkerProcess& worker, const std::string& cause) {
  if (!parts_.clients.Connected(worker.process)) return FinishWorker(worker, cause);
  exits_[worker.process] = {worker, cause};
  parts_.loop.After(kGrace, [weak = std::weak_ptr(self_), id = worker.process] {
    auto self = weak.lock();
    if (!self) return;
    // Somebody else holds its end of the connection: a child it forked.
    if (auto exit = (*self)->exits_.extract(id); !exit.empty()) {
      (*self)->FinishWorker(exit.mapped().worker, exit.mapped().cause);
    }
  });
}

void ProcessDeaths::OnClosed(const ClientInfo& client) {
  if (client.kind == pb::WorkerInfo::DRIVER) return CloseDriver(client);
  if (auto exit = exits_.extract(client.process); !exit.empty()) {
    return FinishWorker(exit.mapped().worker, exit.mapped().cause);
  }
  closed_[client.process] = client;
  parts_.loop.After(kGrace, [weak = std::weak_ptr(self_), id = client.process] {
    auto self = weak.lock();
    // Taken out here, for a worker whose child held its connection has ended before, and nothing else would.
    if (self && (*self)->closed_.erase(id) != 0) {
      (*self)->parts_.workers.Kill(id, "it had lost its connection to the raylet");
    }
  });
}

void ProcessDeaths::FinishWorker(const WorkerProcess& worker, const std::string& cause) {
  closed_.erase(worker.process);
  spdlog::info("worker {} (pid {}) {}", worker.process.Hex(), worker.pid, cause);
  const EndedProcess ended{.address = {self_node_, worker.process},
                           .is_local = true,
                           .kind = pb::WorkerInfo::WORKER,
                           .job = worker.job,
                           .pid = worker.pid,
                           .reason = cause};
  Bury(ended);
  Unmapped(worker.process);
  ReportGone(ended);
}

// --- Drivers ---------------------------------------------------------------------------------------------------------

void ProcessDeaths::WatchDriver(const ClientInfo& driver) {
  drivers_[driver.process].process =
      parts_.driver_processes.Watch(driver.pid, [this, id = driver.process] { OnDriverExit(id); });
}

void ProcessDeaths::StopDriver(ProcessId id, const std::string& reason) {
  auto it = drivers_.find(id);
  if (it == drivers_.end() || it->second.stopping) return;
  spdlog::info("driver {} is ended: {}", id.Hex(), reason);
  // One that cannot be watched, and so not be signalled, at least loses what it has here.
  if (!it->second.process) return parts_.clients.Disconnect(id, Cancelled(reason));
  it->second.stopping = true;
  (void)it->second.process->Signal(SIGTERM);  // NotFound: its end is on the way to us
  parts_.loop.After(kStopGrace, [weak = std::weak_ptr(self_), id] {
    auto self = weak.lock();
    if (!self) return;
    auto late = (*self)->drivers_.find(id);
    if (late != (*self)->drivers_.end() && late->second.process) (void)late->second.process->Signal(SIGKILL);
  });
}

void ProcessDeaths::OnDriverLeaving(ProcessId driver) {
  if (auto it = drivers_.find(driver); it != drivers_.end()) it->second.leaving = true;
}

void ProcessDeaths::OnDriverExit(ProcessId id) {
  auto it = drivers_.find(id);
  if (it == drivers_.end()) return;
  it->second.process.reset();
  if (!it->second.closed) {
    parts_.loop.After(kGrace, [weak = std::weak_ptr(self_), id] {
      auto self = weak.lock();
      // A child that it forked holds its end of the connection.
      if (self) (*self)->parts_.clients.Disconnect(id, Unavailable("its process has ended"));
    });
    return;
  }
  Unmapped(id);
  drivers_.erase(it);
}

void ProcessDeaths::CloseDriver(const ClientInfo& client) {
  Driver& driver = drivers_[client.process];
  driver.closed = true;
  const std::string reason = driver.leaving ? "" : "its process ended without troupe::Shutdown";
  spdlog::info("driver {} (pid {}) is over{}{}", client.process.Hex(), client.pid, reason.empty() ? "" : ": ", reason);
  const EndedProcess ended{.address = {self_node_, client.process},
                           .is_local = true,
                           .kind = pb::WorkerInfo::DRIVER,
                           .job = client.job,
                           .pid = client.pid,
                           .reason = reason.empty() ? "the driver is done" : reason};
  Bury(ended);
  // A driver that took its leave has unmapped what it held.
  if (!driver.process || driver.leaving) {
    Unmapped(client.process);
    drivers_.erase(client.process);
  }
  pb::FinishJobRequest finish;
  finish.set_job(client.job.value);
  finish.set_reason(reason);
  // Were the head to hear first that the process is gone, it would take the job for failed.
  parts_.head.FinishJob(finish, [weak = std::weak_ptr(self_), ended] {
    if (auto self = weak.lock()) (*self)->ReportGone(ended);
  });
}

// --- Everyone --------------------------------------------------------------------------------------------------------

void ProcessDeaths::Bury(const EndedProcess& process) {
  for (ProcessObserver* observer : observers_) observer->OnProcessOver(process);
}

void ProcessDeaths::Unmapped(ProcessId process) {
  for (ProcessObserver* observer : observers_) observer->OnProcessUnmapped(process);
}

void ProcessDeaths::ReportGone(const EndedProcess& process) {
  pb::NodeToHead event;
  event.mutable_worker_update()->set_gone(true);
  pb::WorkerInfo* info = event.mutable_worker_update()->mutable_worker();
  info->set_id(process.address.process.value);
  info->set_node(self_node_.Bytes());
  info->set_kind(process.kind);
  info->set_job(process.job.value);
  info->set_pid(process.pid);
  parts_.head.SendEvent(std::move(event));
}

void ProcessDeaths::OnPeerProcessDied(NodeId node, const pb::ProcessDied& died) {
  const EndedProcess ended{.address = {node, ProcessId{died.process()}}, .job = {}, .reason = died.reason()};
  for (ProcessObserver* observer : observers_) observer->OnProcessOver(ended);
}

void ProcessDeaths::OnNodeDied(NodeId node, const std::string& reason) {
  spdlog::warn("node {} died: {}", node.Hex(), reason);
  for (ProcessObserver* observer : observers_) observer->OnNodeOver(node, reason);
  pb::RayletToClient message;
  message.mutable_node_died()->set_node(node.Bytes());
  message.mutable_node_died()->set_reason(reason);
  parts_.clients.Broadcast(message);
}

}  // namespace troupe::raylet
