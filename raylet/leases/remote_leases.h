// RemoteLeases: leases of this node's workers for clients of other nodes.
#pragma once

#include "proto/node.pb.h"
#include "raylet/leases/local_leases.h"
#include "raylet/ports/outbox.h"
#include "raylet/programs/job_table.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Answers at once when there is no room: the asking node chooses again, so nothing waits here. Loop thread.
class RemoteLeases {
 public:
  RemoteLeases(JobTable& jobs, LocalLeases& leases, PeerOutbox& peers) : jobs_(jobs), leases_(leases), peers_(peers) {}

  void OnRequest(NodeId from, const pb::RemoteLease& request);
  void OnReturn(NodeId from, const pb::ReturnLease& lease);

 private:
  void Answer(NodeId to, pb::RemoteLeaseAnswer answer);

  JobTable& jobs_;
  LocalLeases& leases_;
  PeerOutbox& peers_;
};

}  // namespace troupe::raylet
