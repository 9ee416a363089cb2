// ClusterDispatcher: passes what the head and other nodes say on to the part of the raylet that it is for.
#pragma once

#include "proto/head.pb.h"
#include "proto/node.pb.h"
#include "raylet/cluster_view.h"
#include "raylet/leases/lease_manager.h"
#include "raylet/leases/local_leases.h"
#include "raylet/leases/remote_leases.h"
#include "raylet/links/actor_directory.h"
#include "raylet/links/death_watches.h"
#include "raylet/links/router.h"
#include "raylet/logs/log_flusher.h"
#include "raylet/objects/object_manager.h"
#include "raylet/ports/driver_port.h"
#include "raylet/ports/head_port.h"
#include "raylet/ports/log_port.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/worker_port.h"
#include "raylet/programs/job_packager.h"
#include "raylet/programs/job_table.h"
#include "raylet/workers/actor_host.h"
#include "raylet/workers/process_deaths.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Loop thread. What it does not know is logged and otherwise ignored: it may come from a newer head or raylet.
class ClusterDispatcher {
 public:
  // All outlive it.
  struct Parts {
    ClusterView& cluster;
    JobTable& jobs;
    JobPackager& packager;
    LocalLeases& leases;
    LeaseManager& lease_requests;
    RemoteLeases& remote_leases;
    ActorHost& actors;
    ActorDirectory& directory;
    ObjectManager& objects;
    Router& router;
    DeathWatches& watches;
    LogFlusher& log_flusher;
    ProcessDeaths& deaths;
    PeerPort& peers;
    HeadPort& head;
    WorkerPort& workers;
    SubmittedDrivers& drivers;
    LogPort& logs;
  };

  explicit ClusterDispatcher(Parts parts) : m_(parts) {}

  // Of every kind but Shutdown.
  void OnHeadMessage(const pb::HeadToNode& message);
  void OnNodesChanged(const google::protobuf::RepeatedPtrField<pb::NodeInfo>& nodes);
  // Nothing of the job goes on.
  void OnJobEnded(JobId job);

  void OnPeerMessage(NodeId from, const pb::PeerMessage& message);
  // What was sent to the node last may be lost.
  void OnLinkBroken(NodeId node);

 private:
  const Parts m_;
};

}  // namespace troupe::raylet
