#include "raylet/workers/process_deaths.h"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "common/event_loop.h"
#include "raylet/leases/lease_manager.h"
#include "raylet/leases/local_leases.h"
#include "raylet/links/actor_directory.h"
#include "raylet/links/channel_broker.h"
#include "raylet/links/client_registry.h"
#include "raylet/links/head_link.h"
#include "raylet/links/peer_links.h"
#include "raylet/links/router.h"
#include "raylet/logs/log_forwarder.h"
#include "raylet/logs/log_keeper.h"
#include "raylet/logs/log_monitor.h"
#include "raylet/objects/object_manager.h"
#include "raylet/programs/job_packager.h"
#include "raylet/workers/actor_host.h"
#include "raylet/workers/worker_command.h"

namespace troupe::raylet {

ProcessDeaths::ProcessDeaths(boost::asio::io_context& context, const Managers& managers)
    : context_(context), m_(managers), self_(std::make_shared<ProcessDeaths*>(this)) {}

// --- Workers ---------------------------------------------------------------------------------------------------------

void ProcessDeaths::OnWorkerExit(const WorkerProcess& worker, const std::string& cause) {
  if (!m_.clients->Connected(worker.process)) return FinishWorker(worker, cause);
  exits_[worker.process] = {worker, cause};
  m_.loop->After(kGrace, [weak = std::weak_ptr(self_), id = worker.process] {
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
  m_.loop->After(kGrace, [weak = std::weak_ptr(self_), id = client.process] {
    auto self = weak.lock();
    // Taken out here, for a worker whose child held its connection has ended before, and nothing else would.
    if (self && (*self)->closed_.erase(id) != 0) {
      (*self)->m_.pool->Kill(id, "it had lost its connection to the raylet");
    }
  });
}

void ProcessDeaths::FinishWorker(const WorkerProcess& worker, const std::string& cause) {
  closed_.erase(worker.process);
  spdlog::info("worker {} (pid {}) {}", worker.process.Hex(), worker.pid, cause);
  m_.actors->OnWorkerExit(worker.process, cause);
  m_.leases->OnWorkerExit(worker.process);
  Bury(worker.process, cause);
  m_.objects->OnLocalProcessGone(worker.process);
  ReportGone(worker.process, pb::WorkerInfo::WORKER, worker.job, worker.pid);
  m_.log_monitor->Unwatch(worker.process, [logs = m_.logs, keeper = m_.log_keeper, id = worker.process] {
    logs->RemoveWorker(id);
    keeper->OnEnded({WorkerLogName(id, false), WorkerLogName(id, true)});
  });
}

// --- Drivers ---------------------------------------------------------------------------------------------------------

void ProcessDeaths::WatchDriver(const ClientInfo& driver) {
  drivers_[driver.process].process =
      ExitWatch::Begin(context_, driver.pid, [this, id = driver.process] { OnDriverExit(id); });
}

void ProcessDeaths::StopDriver(ProcessId id, const std::string& reason) {
  auto it = drivers_.find(id);
  if (it == drivers_.end() || it->second.stopping) return;
  spdlog::info("driver {} is ended: {}", id.Hex(), reason);
  // One that cannot be watched, and so not be signalled, at least loses what it has here.
  if (!it->second.process) return m_.clients->Disconnect(id, Cancelled(reason));
  it->second.stopping = true;
  (void)it->second.process->Signal(SIGTERM);  // NotFound: its end is on the way to us
  m_.loop->After(kStopGrace, [weak = std::weak_ptr(self_), id] {
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
    m_.loop->After(kGrace, [weak = std::weak_ptr(self_), id] {
      auto self = weak.lock();
      // A child that it forked holds its end of the connection.
      if (self) (*self)->m_.clients->Disconnect(id, Unavailable("its process has ended"));
    });
    return;
  }
  m_.objects->OnLocalProcessGone(id);
  drivers_.erase(it);
}

void ProcessDeaths::CloseDriver(const ClientInfo& client) {
  Driver& driver = drivers_[client.process];
  driver.closed = true;
  const std::string reason = driver.leaving ? "" : "its process ended without troupe::Shutdown";
  spdlog::info("driver {} (pid {}) is over{}{}", client.process.Hex(), client.pid, reason.empty() ? "" : ": ", reason);
  m_.packager->Remove(client.job);
  Bury(client.process, reason.empty() ? "the driver is done" : reason);
  // A driver that took its leave has unmapped what it held.
  if (!driver.process || driver.leaving) {
    m_.objects->OnLocalProcessGone(client.process);
    drivers_.erase(client.process);
  }
  pb::FinishJobRequest finish;
  finish.set_job(client.job.value);
  finish.set_reason(reason);
  // Were the head to hear first that the process is gone, it would take the job for failed.
  m_.head->FinishJob(finish, [weak = std::weak_ptr(self_), client] {
    if (auto self = weak.lock()) (*self)->ReportGone(client.process, client.kind, client.job, client.pid);
  });
}

// --- Everyone --------------------------------------------------------------------------------------------------------

void ProcessDeaths::Bury(ProcessId process, const std::string& reason) {
  m_.lease_requests->OnClientGone(process);
  m_.leases->OnLesseeDied(
      [&](const Address& lessee) {
        return lessee == Address{m_.self, process};
      },
      "the process whose task it ran is gone");
  m_.channels->OnClientGone(process);
  m_.directory->OnClientGone(process);
  m_.router->OnProcessDied(process);
  m_.objects->OnOwnerDied(process);
  Tell(process, reason);
  pb::PeerMessage notice;
  notice.add_died()->set_process(process.value);
  notice.mutable_died(0)->set_reason(reason);
  m_.peers->Broadcast(notice);
  m_.lease_requests->Kick();
}

void ProcessDeaths::Tell(ProcessId process, const std::string& reason) {
  pb::RayletToClient message;
  message.mutable_process_died()->set_process(process.value);
  message.mutable_process_died()->set_reason(reason);
  m_.clients->Broadcast(message);
}

void ProcessDeaths::ReportGone(ProcessId process, pb::WorkerInfo::Kind kind, JobId job, pid_t pid) {
  pb::NodeToHead event;
  event.mutable_worker_update()->set_gone(true);
  pb::WorkerInfo* info = event.mutable_worker_update()->mutable_worker();
  info->set_id(process.value);
  info->set_node(m_.self.Bytes());
  info->set_kind(kind);
  info->set_job(job.value);
  info->set_pid(pid);
  m_.head->SendEvent(std::move(event));
}

void ProcessDeaths::OnPeerProcessDied(NodeId node, const pb::ProcessDied& died) {
  const ProcessId process{died.process()};
  m_.leases->OnLesseeDied(
      [&](const Address& lessee) {
        return lessee == Address{node, process};
      },
      "the process whose task it ran is gone");
  m_.router->OnProcessDied(process);
  m_.objects->OnOwnerDied(process);
  Tell(process, died.reason());
  m_.lease_requests->Kick();
}

void ProcessDeaths::OnNodeDied(NodeId node, const std::string& reason) {
  spdlog::warn("node {} died: {}", node.Hex(), reason);
  m_.peers->OnDied(node);
  m_.lease_requests->OnNodeDied(node);
  m_.leases->OnLesseeDied([&](const Address& lessee) { return lessee.node == node; },
                          "the node whose task it ran is gone");
  for (ProcessId process : m_.router->OnNodeDied(node)) m_.objects->OnOwnerDied(process);
  m_.objects->OnNodeDied(node, [this](ProcessId owner) { return m_.clients->Connected(owner); });
  pb::RayletToClient message;
  message.mutable_node_died()->set_node(node.Bytes());
  message.mutable_node_died()->set_reason(reason);
  m_.clients->Broadcast(message);
}

}  // namespace troupe::raylet
