// ProcessDeaths: decides when a process of this node is over, and tells everyone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "common/exit_watch.h"
#include "proto/common.pb.h"
#include "raylet/links/client_info.h"
#include "raylet/managers.h"
#include "raylet/workers/worker_pool.h"
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
// - Order within an end: the managers that hold something for the process let go first (actors and leases, which need
// to
//   know what the worker had), then everybody is told (Bury), then its memory of the store is freed, then the head
//   hears that the process is gone. The head hears of the job's end before it hears that the driver is gone: the other
//   way round it would take the job for failed.
// - Whoever waited for a lease is looked at again last (Kick), when what the dead held is free.
// - Posted work holds self_ weakly, and looks the process up again when it runs.
//
// Loop thread.
class ProcessDeaths {
 public:
  // How long the later of the two ways may take.
  static constexpr std::chrono::milliseconds kGrace{1000};
  static constexpr std::chrono::seconds kStopGrace{5};

  ProcessDeaths(boost::asio::io_context& context, const Managers& managers);

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

 private:
  struct Driver {
    std::unique_ptr<ExitWatch> process;  // null: it has exited
    bool leaving = false;
    bool stopping = false;
    bool closed = false;
  };

  void OnDriverExit(ProcessId driver);
  void CloseDriver(const ClientInfo& client);
  void FinishWorker(const WorkerProcess& worker, const std::string& cause);
  // Everything that ends with a process but what it maps of the object store: requests, leases, channels,
  // subscriptions, routes, and what it owned; then its node's clients and the other nodes are told.
  void Bury(ProcessId process, const std::string& reason);
  void Tell(ProcessId process, const std::string& reason);
  void ReportGone(ProcessId process, pb::WorkerInfo::Kind kind, JobId job, pid_t pid);

  boost::asio::io_context& context_;
  const Managers& m_;
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
