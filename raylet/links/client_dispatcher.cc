#include "raylet/links/client_dispatcher.h"

#include <utility>

#include "common/utf8.h"
#include "ipc/client_wire.h"
#include "raylet/convert.h"

namespace troupe::raylet {

using Body = pb::ClientToRaylet::BodyCase;

// --- Coming and going ------------------------------------------------------------------------------------------------

void ClientDispatcher::Admit(const pb::RegisterClient& request, pid_t pid, Admitted done) {
  switch (request.kind()) {
    case pb::WorkerInfo::DRIVER: return AdmitDriver(request, pid, std::move(done));
    case pb::WorkerInfo::WORKER: return AdmitWorker(request, pid, std::move(done));
    case pb::WorkerInfo::TEMPLATE: return AdmitTemplate(request, pid, std::move(done));
    default: return done(InvalidArgument("a client must be a driver, a worker or a template"));
  }
}

void ClientDispatcher::AdmitDriver(const pb::RegisterClient& request, pid_t pid, Admitted done) {
  pb::RegisterJobRequest job;
  *job.mutable_driver() = ToPb(Address{m_.identity.node, ProcessId{request.process()}});
  job.set_pid(pid);
  job.set_name_space(request.name_space());
  *job.mutable_program() = request.program();
  job.mutable_program()->set_origin(m_.identity.node.Bytes());
  job.set_submission(request.submission());
  ClientInfo info;
  info.process = ProcessId{request.process()};
  info.kind = pb::WorkerInfo::DRIVER;
  info.pid = pid;
  info.program = Utf8(request.program().path());
  info.log_to_driver = request.log_to_driver();
  m_.head.RegisterJob(job, [weak = std::weak_ptr(self_), info, done](Result<pb::RegisterJobReply> reply) mutable {
    auto self = weak.lock();
    if (!self) return;
    if (!reply.ok()) return done(reply.status().WithContext("the job cannot be registered with the head"));
    info.job = JobId{reply->job().id()};
    info.name_space = reply->job().name_space();
    (*self)->m_.jobs.Learn(reply->job());
    done(std::move(info));
  });
}

void ClientDispatcher::AdmitWorker(const pb::RegisterClient& request, pid_t pid, Admitted done) {
  auto worker = m_.workers.OnRegister(ProcessId{request.process()}, pid, request.cookie());
  if (!worker.ok()) return done(worker.status());
  ClientInfo info;
  info.process = worker->process;
  info.kind = pb::WorkerInfo::WORKER;
  info.pid = worker->pid;
  info.job = worker->job;
  if (const pb::JobInfo* job = m_.jobs.Find(worker->job)) {
    info.name_space = job->name_space();
    info.program = Utf8(job->program().path());
  }
  done(std::move(info));
}

void ClientDispatcher::AdmitTemplate(const pb::RegisterClient& request, pid_t pid, Admitted done) {
  const Status admitted = m_.workers.OnTemplateConnected(
      pid, request.cookie(),
      [&clients = m_.clients, pid](const pb::RayletToClient& message) { clients.SendToTemplate(pid, message); });
  if (!admitted.ok()) return done(admitted);
  ClientInfo info;
  info.kind = pb::WorkerInfo::TEMPLATE;
  info.pid = pid;
  done(std::move(info));
}

void ClientDispatcher::FillRegistered(const ClientInfo& client, pb::Registered* registered) {
  registered->set_node(m_.identity.node.Bytes());
  registered->set_cluster(m_.identity.cluster.Bytes());
  registered->set_session_dir(m_.identity.session_dir);
  registered->set_node_lease(m_.identity.lease_region);
  registered->set_inline_limit(m_.identity.inline_limit);
  registered->set_spin_ns(static_cast<std::uint64_t>(m_.identity.spin.count()));
  registered->set_head_address(m_.identity.head_address);
  registered->set_is_head_node(m_.identity.is_head_node);
  if (const pb::JobInfo* job = m_.jobs.Find(client.job)) *registered->mutable_driver() = job->driver();
}

void ClientDispatcher::OnRegistered(const ClientInfo& client) {
  if (client.kind == pb::WorkerInfo::TEMPLATE) return;
  ReportClient(client);
  if (client.kind != pb::WorkerInfo::DRIVER) return;
  m_.deaths.WatchDriver(client);
  m_.packager.Add(client.job);
}

void ClientDispatcher::ReportClient(const ClientInfo& client) {
  pb::NodeToHead event;
  pb::WorkerInfo* info = event.mutable_worker_update()->mutable_worker();
  info->set_id(client.process.value);
  info->set_node(m_.identity.node.Bytes());
  info->set_pid(client.pid);
  info->set_job(client.job.value);
  info->set_kind(client.kind);
  info->set_state(client.kind == pb::WorkerInfo::DRIVER ? "driver"
                  : m_.leases.Leased(client.process)    ? "task"
                                                        : "idle");
  if (const auto* hosted = m_.actors.Find(client.process)) {
    info->set_state("actor");
    info->set_actor(hosted->spec.id());
    info->set_actor_class(hosted->spec.class_name());
  }
  m_.head.SendEventLater(std::move(event));
}

void ClientDispatcher::OnClosed(const ClientInfo& client, const Status&) {
  if (client.kind == pb::WorkerInfo::TEMPLATE) return m_.workers.OnTemplateClosed(client.pid);
  m_.deaths.OnClosed(client);
}

// --- Messages --------------------------------------------------------------------------------------------------------

Status ClientDispatcher::OnRouted(const ClientInfo& client, std::string_view payload) {
  TROUPE_RETURN_IF_ERROR(m_.router.OnFromClient(client.process, payload));
  const auto to = ipc::DecodeRoutedHeader(payload);
  if (!to.ok() || to->node == m_.identity.node) return OkStatus();
  m_.credits.OnSent(client.process, to->node, payload.size() - ipc::kRoutedHeaderBytes);
  // Against those who send without credit, or are very many.
  if (m_.peers.Overfull(to->node)) m_.clients.Pause(client.process, to->node);
  return OkStatus();
}

Status ClientDispatcher::OnMessage(const ClientInfo& client, const pb::ClientToRaylet& message) {
  if (client.kind == pb::WorkerInfo::TEMPLATE) return m_.workers.OnTemplateMessage(client.pid, message);
  return message.request_id() != 0 ? OnRequest(client, message) : OnNotice(client, message);
}

Status ClientDispatcher::OnRequest(const ClientInfo& client, const pb::ClientToRaylet& message) {
  const std::uint64_t id = message.request_id();
  switch (message.body_case()) {
    case Body::kOpenChannel: OpenChannel(client, id, message.open_channel()); break;
    case Body::kCreateActor: m_.directory.Create(client, id, message.create_actor()); break;
    case Body::kFindActor: m_.directory.Find(client, id, message.find_actor()); break;
    case Body::kListNamed: m_.directory.ListNamed(client, id, message.list_named()); break;
    case Body::kKillActor: m_.directory.Kill(client, id, message.kill_actor()); break;
    case Body::kCreateObject: m_.objects.Create(client.process, id, message.create_object()); break;
    case Body::kGetObject: m_.objects.Get(client.process, id, message.get_object()); break;
    case Body::kClusterState: ReplyClusterState(client, id); break;
    case Body::kPing: ReplyDone(client.process, id); break;
    case Body::kExitIntent:
      if (client.kind != pb::WorkerInfo::DRIVER) return InvalidArgument("only a driver asks for leave");
      LetLeave(client, id);
      break;
    default: return InvalidArgument("it sent a request that this raylet does not know");
  }
  return OkStatus();
}

Status ClientDispatcher::OnNotice(const ClientInfo& client, const pb::ClientToRaylet& message) {
  switch (message.body_case()) {
    case Body::kLeaseRequest: m_.lease_requests.OnRequest(client, message.lease_request()); break;
    case Body::kReturnLease: m_.lease_requests.OnReturn(client.process, message.return_lease()); break;
    case Body::kSealObject: m_.objects.Seal(client.process, message.seal_object()); break;
    case Body::kAbortObject: m_.objects.Abort(client.process, message.abort_object()); break;
    case Body::kReleaseObject: m_.objects.Release(client.process, message.release_object()); break;
    case Body::kDeleteObjects: m_.objects.Delete(client.process, message.delete_objects()); break;
    case Body::kCloseChannel: m_.channels.Close(client, message.close_channel()); break;
    case Body::kWatchProcess: m_.watches.Watch(client.process, AddressFromPb(message.watch_process().process())); break;
    case Body::kReleaseActor: m_.directory.Release(client, message.release_actor()); break;
    case Body::kExitIntent: m_.actors.OnExitIntent(client.process, message.exit_intent()); break;
    case Body::kExitDeclined: m_.workers.OnExitDeclined(client.process); break;
    case Body::kBlocked:
    case Body::kActorConstructed: return OnWorkerNotice(client, message);
    default: return InvalidArgument("it sent a message that this raylet does not know, or without a request id");
  }
  return OkStatus();
}

Status ClientDispatcher::OnWorkerNotice(const ClientInfo& client, const pb::ClientToRaylet& message) {
  if (message.has_blocked()) {
    m_.leases.SetBlocked(client.process, message.blocked().blocked());
    m_.actors.SetBlocked(client.process, message.blocked().blocked());
    return OkStatus();
  }
  TROUPE_RETURN_IF_ERROR(m_.actors.OnConstructed(client.process, message.actor_constructed()));
  if (const auto started = m_.actors.StartedIn(client.process)) m_.directory.OnStarted(*started);
  ReportClient(client);
  return OkStatus();
}

void ClientDispatcher::OpenChannel(const ClientInfo& client, std::uint64_t request_id, const pb::OpenChannel& open) {
  m_.channels.Open(client, request_id, open);
  const ProcessId peer{open.peer()};
  if (!m_.clients.Connected(peer)) return;  // it has been answered so
  m_.watches.OnMet(client.process, {m_.identity.node, peer});
  m_.watches.OnMet(peer, {m_.identity.node, client.process});
}

// It is answered when it has been sent what its workers printed.
void ClientDispatcher::LetLeave(const ClientInfo& client, std::uint64_t request_id) {
  m_.deaths.OnDriverLeaving(client.process);
  m_.log_flusher.Flush(client.job, [weak = std::weak_ptr(self_), process = client.process, request_id] {
    if (auto self = weak.lock()) (*self)->ReplyDone(process, request_id);
  });
}

void ClientDispatcher::ReplyDone(ProcessId client, std::uint64_t request_id) {
  pb::RayletToClient reply;
  reply.set_request_id(request_id);
  reply.mutable_done();
  m_.clients.Send(client, reply);
}

void ClientDispatcher::ReplyClusterState(const ClientInfo& client, std::uint64_t request_id) {
  pb::RayletToClient reply;
  reply.set_request_id(request_id);
  for (pb::NodeInfo& node : m_.cluster.Nodes()) *reply.mutable_cluster_state()->add_nodes() = std::move(node);
  m_.clients.Send(client.process, reply);
}

}  // namespace troupe::raylet
