// LogForwarder: brings what workers print to the driver of their job.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/client.pb.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/worker_process.h"
#include "raylet/programs/job_table.h"
#include "raylet/workers/actor_host.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Loop thread. Lines for a driver that is gone, or that its user wants silent, go nowhere.
class LogForwarder {
 public:
  LogForwarder(NodeId self, const JobTable& jobs, const ActorHost& actors, ClientOutbox& clients, PeerOutbox& peers)
      : self_(self), jobs_(jobs), actors_(actors), clients_(clients), peers_(peers) {}

  void AddWorker(const WorkerProcess& worker);
  void RemoveWorker(ProcessId worker);
  std::vector<ProcessId> WorkersOf(JobId job) const;
  void Forward(ProcessId worker, bool is_stderr, std::vector<std::string> lines, std::uint64_t dropped);
  // Something the raylet itself has to say to the job's user.
  void Note(JobId job, const std::string& text);

 private:
  struct Source {
    WorkerProcess worker;
    std::string actor_class;  // kept, as the last lines come when the actor is gone
  };

  void Send(JobId job, pb::LogLines lines);

  const NodeId self_;
  const JobTable& jobs_;
  const ActorHost& actors_;
  ClientOutbox& clients_;
  PeerOutbox& peers_;
  std::unordered_map<ProcessId, Source> sources_;
};

}  // namespace troupe::raylet
