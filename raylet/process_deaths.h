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
#include "raylet/client_info.h"
#include "raylet/managers.h"
#include "raylet/worker_pool.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// A worker's last messages and its end come by different ways: it is over once its connection is closed and its process
// has exited, so that what it said before (that it exits on purpose, say) counts. A driver is over when its connection
// is; what it pinned in shared memory stays until its process has exited, too. Loop thread.
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

  // From other nodes: a process, or a whole node, is over.
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
  // Everything that ends with a process but what it maps of the object store.
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
