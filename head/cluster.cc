#include "head/cluster.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "common/check.h"
#include "common/utf8.h"
#include "head/convert.h"
#include "head/log_file.h"

namespace troupe::head {

Cluster::Cluster(Ports ports, ClusterOptions options)
    : options_(std::move(options)),
      commits_(ports.loop, ports.registry),
      sender_(commits_, ports.nodes),
      environment_{.loop = ports.loop,
                   .commits = commits_,
                   .nodes = sender_,
                   .at_once = ports.nodes,
                   .random = std::move(ports.random),
                   .wall_ms = std::move(ports.wall_ms),
                   .new_job_id = std::move(ports.new_job_id),
                   .epoch = options_.identity.epoch},
      started_ms_(environment_.wall_ms()),
      nodes_(
          environment_, options_.identity.cluster, options_.times, view_,
          [this](const NodeId& node, const std::string& reason) { NodeDied(node, reason); }, options_.process),
      actors_(environment_, view_, *this, options_.actors, [this](JobId job) { jobs_.LastActorDied(job); }),
      jobs_(environment_, *this,
            {.released = [this](JobId job) { actors_.JobEnded(job); },
             .broadcast = [this](const pb::JobInfo& job) { Broadcast(job); },
             .node_for_driver = [this] { return nodes_.NodeForDrivers(); }}),
      logs_(environment_) {
  commits_.Keep(Table::kCluster, [this](const std::string&) { return ToRow(options_.identity).SerializeAsString(); });
  commits_.Changed(Table::kCluster, "");  // first of all: nothing is said in an epoch that is not committed
}

Status Cluster::Restore(const Rows& rows) {
  TROUPE_RETURN_IF_ERROR(nodes_.Restore(rows));
  TROUPE_RETURN_IF_ERROR(jobs_.Restore(rows));
  return actors_.Restore(rows);
}

Result<NodeTable::Joined> Cluster::Join(const pb::NodeHello& hello) {
  TROUPE_CHECK(environment_.loop.InLoop());
  return nodes_.Join(hello);
}

void Cluster::Greet(const NodeId& node, const pb::NodeHello& hello) {
  pb::HeadToNode message;
  *message.mutable_welcome() = nodes_.Welcome();
  environment_.nodes.Send(node, std::move(message));
  actors_.NodeJoined(node, hello);
  jobs_.NodeJoined(node);
  actors_.CapacityChanged();
}

Status Cluster::OnMessage(const NodeId& node, const pb::NodeToHead& message) {
  TROUPE_CHECK(environment_.loop.InLoop());
  if (!nodes_.IsAlive(node)) {
    return FailedPrecondition("node " + node.Hex() +
                              " was declared dead: " + nodes_.DeathReason(node).value_or("it is not in the cluster"));
  }
  if (!nodes_.TakeEvent(node, message.event())) return OkStatus();
  switch (message.body_case()) {
    case pb::NodeToHead::kReport: OnReport(node, message.report()); break;
    case pb::NodeToHead::kActorStarted: actors_.OnStarted(node, message.actor_started()); break;
    case pb::NodeToHead::kActorStartFailed: actors_.OnStartFailed(node, message.actor_start_failed()); break;
    case pb::NodeToHead::kActorProcessDied: actors_.OnProcessDied(node, message.actor_process_died()); break;
    case pb::NodeToHead::kWatchActor:
      actors_.Watch(node, ActorIdOrNone(message.watch_actor().id()), message.watch_actor().stop());
      break;
    case pb::NodeToHead::kWorkerUpdate: OnWorkerUpdate(node, message.worker_update()); break;
    case pb::NodeToHead::kLogChunk: logs_.OnChunk(node, message.log_chunk()); break;
    case pb::NodeToHead::kDriverUpdate: jobs_.OnDriverUpdate(node, message.driver_update()); break;
    case pb::NodeToHead::kJobProgramPackaged: jobs_.OnPackaged(message.job_program_packaged()); break;
    case pb::NodeToHead::kLeaving: nodes_.Leaving(node, message.leaving().reason()); break;
    case pb::NodeToHead::kRegisterActor: RegisterActor(node, message.register_actor()); break;
    case pb::NodeToHead::kReleaseActor: actors_.Release(ActorIdOrNone(message.release_actor().id())); break;
    case pb::NodeToHead::kHello: return InvalidArgument("a node says hello once per stream, as its first message");
    case pb::NodeToHead::BODY_NOT_SET: break;  // of a newer raylet: nothing this head knows
  }
  return OkStatus();
}

void Cluster::Disconnected(const NodeTable::Joined& joined) { nodes_.Disconnected(joined.node, joined.session); }

void Cluster::OnReport(const NodeId& node, const pb::NodeReport& report) {
  if (Status status = nodes_.Report(node, report); !status.ok()) {
    spdlog::warn("report of node {} ignored: {}", Short(node), status.message());
    return;
  }
  actors_.NodeReported(node);
}

void Cluster::RegisterActor(const NodeId& node, const pb::RegisterActor& registration) {
  pb::RegisterActorRequest request = registration.actor();
  request.set_watcher(node.Bytes());
  actors_.Register(request,
                   [&nodes = environment_.nodes, node, number = registration.request()](Result<pb::ActorReply> reply) {
                     pb::HeadToNode message;
                     pb::ActorRegistered& registered = *message.mutable_actor_registered();
                     registered.set_request(number);
                     if (reply.ok()) {
                       *registered.mutable_reply() = std::move(*reply);
                     } else {
                       registered.set_code(static_cast<std::int32_t>(reply.status().code()));
                       registered.set_message(Utf8(reply.status().message()));
                     }
                     nodes.Send(node, std::move(message));
                   });
}

void Cluster::OnWorkerUpdate(const NodeId& node, const pb::WorkerUpdate& update) {
  if (!update.gone()) return workers_.Update(node, update.worker());
  const ProcessId process{update.worker().id()};
  if (!workers_.Gone(node, process)) return;
  actors_.ProcessEnded(process);
  jobs_.ProcessEnded(process);
}

void Cluster::NodeDied(const NodeId& node, const std::string& reason) {
  workers_.NodeDied(node);
  actors_.NodeDied(node, reason);
  jobs_.NodeDied(node, reason);
  logs_.NodeDied(node);
  environment_.nodes.Disconnect(node, FailedPrecondition("node " + node.Hex() + " was declared dead: " + reason));
}

void Cluster::Broadcast(const pb::JobInfo& job) {
  pb::HeadToNode message;
  *message.mutable_job_update()->mutable_job() = job;
  for (const NodeId& node : nodes_.Connected()) environment_.nodes.Send(node, message);
}

pb::Status Cluster::Overview() const {
  pb::Status status;
  status.set_cluster(options_.identity.cluster.Bytes());
  for (pb::NodeInfo& node : nodes_.List()) *status.add_nodes() = std::move(node);
  for (pb::Demand& demand : nodes_.Demands()) *status.add_pending() = std::move(demand);
  for (pb::Demand& demand : actors_.Demands()) *status.add_pending() = std::move(demand);
  for (pb::Demand& demand : jobs_.Demands()) *status.add_pending() = std::move(demand);
  actors_.Count(&status);
  status.set_jobs_running(jobs_.running());
  status.set_version(options_.version);
  status.set_started_ms(started_ms_);
  return status;
}

pb::ListWorkersReply Cluster::Workers() const {
  pb::ListWorkersReply reply;
  for (pb::WorkerInfo& worker : workers_.List()) *reply.add_workers() = std::move(worker);
  return reply;
}

void Cluster::ReadLog(const pb::ReadLogRequest& request, Reply<pb::LogChunk> reply) {
  if (request.source() == pb::ReadLogRequest::HEAD) return reply(ReadLogFile(options_.log_file, request));
  pb::ReadLogRequest for_raylet = request;
  const Result<NodeId> node = FindLog(&for_raylet);
  if (!node.ok()) return reply(node.status());
  if (auto death = nodes_.DeathReason(*node)) {
    return reply(Unavailable("the log is on node " + Short(*node) + ", which is dead (" + *death + ")"));
  }
  if (!nodes_.IsAlive(*node)) return reply(NotFound("no node has the id " + node->Hex()));
  logs_.Ask(*node, std::move(for_raylet), std::move(reply));
}

Result<NodeId> Cluster::FindLog(pb::ReadLogRequest* request) const {
  switch (request->source()) {
    case pb::ReadLogRequest::WORKER:
      if (auto node = workers_.NodeOf(ProcessId{request->process()})) return *node;
      return NotFound("no process has the id " + ProcessId{request->process()}.Hex());
    case pb::ReadLogRequest::ACTOR: return FindActorLog(request);
    case pb::ReadLogRequest::SUBMISSION: return jobs_.NodeOf(request->submission());
    case pb::ReadLogRequest::RAYLET: return ParseNodeId(request->node(), "the node's id");
    default: return InvalidArgument("say whose log to read: a worker's, an actor's, a job's, a node's or the head's");
  }
}

Result<NodeId> Cluster::FindActorLog(pb::ReadLogRequest* request) const {
  TROUPE_ASSIGN_OR_RETURN(const ActorId id, ParseActorId(request->actor(), "an actor's id"));
  const Actor* actor = actors_.Get(id);
  if (actor == nullptr) return NotFound("no actor has the id " + id.Hex());
  if (!actor->last_address) return NotFound(Describe(*actor) + " has not run yet, so it has no log");
  request->set_source(pb::ReadLogRequest::WORKER);
  request->set_process(actor->last_address.process.value);
  return actor->last_address.node;
}

}  // namespace troupe::head
