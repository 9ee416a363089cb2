// Cluster: the head's state as a whole. It passes each event on to the tables that it concerns.
#pragma once

#include <cstdint>
#include <string>

#include "head/actor_table.h"
#include "head/cluster_view.h"
#include "head/environment.h"
#include "head/facts.h"
#include "head/identity.h"
#include "head/job_table.h"
#include "head/log_requests.h"
#include "head/node_table.h"
#include "head/worker_table.h"

namespace troupe::head {

struct ClusterOptions {
  Identity identity;
  std::string version;         // of this build
  std::string log_file;        // the head's own
  pb::MachineProcess process;  // the head's own, for raylets of its machine to watch
  NodeTimes times;
  ActorLimits actors;
};

// Loop thread only. A raylet's stream is Join(), Greet() once messages can be sent to it, OnMessage() for each message,
// and Disconnected().
class Cluster : private Facts {
 public:
  Cluster(Ports ports, ClusterOptions options);

  // What an earlier start of the head has committed. Before anything else. DATA_LOSS.
  Status Restore(const Rows& rows);

  // Refuses as NodeTable::Join does.
  Result<NodeTable::Joined> Join(const pb::NodeHello& hello);
  void Greet(const NodeId& node, const pb::NodeHello& hello);
  // Anything but OK means that the connection makes no sense any more, and why.
  Status OnMessage(const NodeId& node, const pb::NodeToHead& message);
  void Disconnected(const NodeTable::Joined& joined);

  ActorTable& actors() { return actors_; }
  JobTable& jobs() { return jobs_; }
  // By which whatever is said outside waits for what it rests on. Messages to raylets do so by themselves; the reply to
  // a request is to be given through Held().
  Commits& commits() { return commits_; }

  pb::Status Overview() const;
  pb::ListWorkersReply Workers() const;
  // INVALID_ARGUMENT, NOT_FOUND, UNAVAILABLE when the node that has the log is away, and as LogRequests::Ask.
  void ReadLog(const pb::ReadLogRequest& request, Reply<pb::LogChunk> reply);

 private:
  const pb::JobInfo* Job(JobId job) const override { return jobs_.Find(job); }
  bool JobOver(JobId job) const override { return jobs_.IsOver(job); }
  bool ProcessGone(ProcessId process) const override { return workers_.IsGone(process); }
  std::optional<std::string> NodeDeath(const NodeId& node) const override { return nodes_.DeathReason(node); }
  bool JobInUse(JobId job) const override { return actors_.HasLive(job); }

  void NodeDied(const NodeId& node, const std::string& reason);
  void OnWorkerUpdate(const NodeId& node, const pb::WorkerUpdate& update);
  void OnReport(const NodeId& node, const pb::NodeReport& report);
  void RegisterActor(const NodeId& node, const pb::RegisterActor& registration);
  void Broadcast(const pb::JobInfo& job);
  // Which node has the log, with `request` changed to what that node's raylet understands.
  Result<NodeId> FindLog(pb::ReadLogRequest* request) const;
  Result<NodeId> FindActorLog(pb::ReadLogRequest* request) const;

  const ClusterOptions options_;
  Commits commits_;
  CommittedSender sender_;
  Environment environment_;
  const std::int64_t started_ms_;
  ClusterView view_;
  NodeTable nodes_;
  WorkerTable workers_;
  ActorTable actors_;
  JobTable jobs_;
  LogRequests logs_;
};

}  // namespace troupe::head
