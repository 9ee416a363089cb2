// ProcessDeaths: decides when a process of this node is over, and tells those parts that hold something for it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/event_loop.h"
#include "proto/common.pb.h"
#include "proto/node.pb.h"
#include "raylet/ports/client_info.h"
#include "raylet/ports/client_port.h"
#include "raylet/ports/driver_port.h"
#include "raylet/ports/head_port.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/process_observer.h"
#include "raylet/ports/worker_source.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Two things end with a process, and are heard of by different ways, in either order: its connection to the raylet, and
// the process itself. What each means depends on the kind:
//
//   worker   over when both have ended, so that what it said before (that it exits on purpose, say) counts. The later
//            one has kGrace: a process that lives on without its connection is killed; a connection that a forked child
//            holds open is no longer waited for.
//
//              running --closed--> closed_ --exit, or killed after kGrace--> finished
//                 \------exit----> exits_ --closed, or kGrace over---------> finished
//
//   driver   over when its connection is, for then nobody can speak for its job. What it maps of the object store
//            stays until its process has ended, too: memory that somebody may still write is not given to others.
//            A driver that took its leave (OnDriverLeaving) has unmapped it.
//
// Invariants:
// - A process is finished once. Its id is in at most one of exits_ and closed_, and in neither afterwards; ids are
// never
//   reused, so what comes late finds nothing.
// - Order within an end: the observers let go of what they hold for the process, in the order of their registration,
// the
//   last of which tells who watches it (DeathWatches); then its memory of the store is free; then the head hears that
//   the process is gone. The head hears of the job's end before it hears that the driver is gone: the other way round
//   it would take the job for failed.
// - Posted work holds self_ weakly, and looks the process up again when it runs.
//
// Loop thread.
class ProcessDeaths {
 public:
  // How long the later of the two ways may take.
  static constexpr std::chrono::milliseconds kGrace{1000};
  static constexpr std::chrono::seconds kStopGrace{5};

  // All outlive it.
  struct Parts {
    EventLoop& loop;
    ClientPort& clients;
    HeadPort& head;
    WorkerSource& workers;
    DriverProcesses& driver_processes;
  };

  // `self`: this node.
  ProcessDeaths(NodeId self, Parts parts);

  // Before the first process ends. The observer outlives this.
  void AddObserver(ProcessObserver* observer) { observers_.push_back(observer); }

  // A driver registered.
  void WatchDriver(const ClientInfo& driver);
  // Somebody wants its job stopped: SIGTERM, and SIGKILL after kStopGrace.
  void StopDriver(ProcessId driver, const std::string& reason);
  // It said that it is about to leave.
  void OnDriverLeaving(ProcessId driver);

  void OnWorkerExit(const WorkerProcess& worker, const std::string& cause);
  void OnClosed(const ClientInfo& client);

  // From other nodes: a process, or a whole node, is over. Of a node that died nobody tells of each process: what is
  // known of its owners here ends with it.
  void OnPeerProcessDied(NodeId node, const pb::ProcessDied& died);
  void OnNodeDied(NodeId node, const std::string& reason);

  // Whether the driver or worker of this node is not over yet.
  bool IsAlive(ProcessId process) const { return parts_.clients.Connected(process) || closed_.contains(process); }

  // Processes whose end is on its way, and drivers that live.
  std::size_t size() const { return exits_.size() + closed_.size() + drivers_.size(); }

 private:
  struct Driver {
    std::unique_ptr<DriverProcess> process;  // null: it has exited
    bool leaving = false;
    bool stopping = false;
    bool closed = false;
  };

  void OnDriverExit(ProcessId driver);
  void CloseDriver(const ClientInfo& client);
  void FinishWorker(const WorkerProcess& worker, const std::string& cause);
  // Everything that ends with a process but what it maps of the object store.
  void Bury(const EndedProcess& process);
  void Unmapped(ProcessId process);
  void ReportGone(const EndedProcess& process);

  const NodeId self_node_;
  const Parts parts_;
  std::vector<ProcessObserver*> observers_;
  struct Exit {
    WorkerProcess worker;
    std::string cause;
  };
  std::unordered_map<ProcessId, Exit> exits_;         // workers that have exited and whose connection is still open
  std::unordered_map<ProcessId, ClientInfo> closed_;  // workers the other way round
  std::unordered_map<ProcessId, Driver> drivers_;
  std::shared_ptr<ProcessDeaths*> self_;  // what posted work holds weakly: gone with this
};

}  // namespace troupe::raylet
