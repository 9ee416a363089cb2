#include "raylet/links/cluster_dispatcher.h"

#include <spdlog/spdlog.h>

#include <functional>
#include <utility>
#include <vector>

#include "raylet/convert.h"

namespace troupe::raylet {

// --- From the head ---------------------------------------------------------------------------------------------------

void ClusterDispatcher::OnHeadMessage(const pb::HeadToNode& message) {
  switch (message.body_case()) {
    case pb::HeadToNode::kNodesChanged:
      m_.cluster.ApplyLoads(message.nodes_changed().loads());
      return OnNodesChanged(message.nodes_changed().nodes());
    case pb::HeadToNode::kStartActor:
      m_.jobs.Learn(message.start_actor().job());
      return m_.actors.Start(message.start_actor());
    case pb::HeadToNode::kStopActor: return m_.actors.Stop(message.stop_actor());
    case pb::HeadToNode::kActorUpdate: return m_.directory.OnUpdate(message.actor_update().info());
    case pb::HeadToNode::kJobUpdate: return m_.jobs.Update(message.job_update().job());
    case pb::HeadToNode::kReadLog:
      return m_.logs.Read(message.read_log().log(), [this, request = message.read_log().request()](pb::LogChunk chunk) {
        chunk.set_request(request);
        pb::NodeToHead event;
        *event.mutable_log_chunk() = std::move(chunk);
        m_.head.SendIfConnected(event);
      });
    case pb::HeadToNode::kRunDriver: return m_.drivers.Run(message.run_driver());
    case pb::HeadToNode::kStopDriver:
      if (const ProcessId driver{message.stop_driver().process()}) {
        return m_.deaths.StopDriver(driver, message.stop_driver().reason());
      }
      return m_.drivers.Stop(message.stop_driver());
    default: spdlog::warn("the head sent a message that this raylet does not know");
  }
}

void ClusterDispatcher::OnNodesChanged(const google::protobuf::RepeatedPtrField<pb::NodeInfo>& nodes) {
  const ClusterView::Changes changes = m_.cluster.Apply(nodes);
  for (const auto& [node, reason] : changes.died) m_.deaths.OnNodeDied(node, reason);
  for (NodeId node : changes.joined) m_.peers.OnJoined(node);
  // Somebody may have named a process there before the head told of the node, be it alive or dead by now.
  for (const pb::NodeInfo& node : nodes) m_.watches.AskAgain(IdFromPb<NodeId>(node.id()));
  if (!changes.joined.empty()) m_.packager.OnNodesJoined();
  m_.lease_requests.Kick();
}

// Actors are the head's to end. While detached ones are left the job has not ended here: leases then end with their
// lessees, of which the driver is one.
void ClusterDispatcher::OnJobEnded(JobId job) {
  spdlog::info("job {} ended", job.Hex());
  m_.packager.Remove(job);
  m_.workers.RemoveJob(job);
  m_.leases.OnJobEnded(job);
}

// --- From other nodes ------------------------------------------------------------------------------------------------

void ClusterDispatcher::OnPeerMessage(NodeId from, const pb::PeerMessage& message) {
  for (const pb::RoutedFrame& frame : message.frames()) m_.router.OnFromPeer(from, frame);
  for (const pb::DirectMessage& direct : message.messages()) m_.router.OnDirect(from, direct);
  for (const pb::RemoteLease& lease : message.leases()) {
    m_.watches.Watch({from, ProcessId{lease.client()}});  // the lease ends with it
    m_.remote_leases.OnRequest(from, lease);
  }
  for (const pb::RemoteLeaseAnswer& answer : message.lease_answers()) m_.lease_requests.OnRemoteAnswer(from, answer);
  for (const pb::ReturnLease& lease : message.returned()) m_.remote_leases.OnReturn(from, lease);
  std::vector<ObjectId> deleted;
  for (const std::string& id : message.deleted()) deleted.push_back(IdFromPb<ObjectId>(id));
  if (!deleted.empty()) m_.objects.OnDeleted(deleted);
  for (const std::uint64_t process : message.watch()) m_.watches.OnAsked(from, ProcessId{process});
  for (const pb::ProcessDied& died : message.died()) m_.deaths.OnPeerProcessDied(from, died);
  for (const pb::FlushLogs& flush : message.flush_logs()) m_.log_flusher.OnRequest(from, flush);
  for (const std::uint64_t flushed : message.flushed_logs()) m_.log_flusher.OnDone(from, flushed);
}

void ClusterDispatcher::OnLinkBroken(NodeId node) {
  m_.router.OnLinkBroken(node);
  m_.watches.AskAgain(node);
  // Answers about leases may be lost, so both ends give up those between them.
  m_.lease_requests.OnNodeDied(node);
  m_.leases.OnLesseeDied([&](const Address& lessee) { return lessee.node == node; },
                         "the connection to the node whose task it ran broke");
}

}  // namespace troupe::raylet
