#include "raylet/core.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "raylet/convert.h"

namespace troupe::raylet {

RayletCore::RayletCore(Options options, Ports ports, Events events)
    : ports_(ports),
      events_(std::move(events)),
      identity_(std::move(options.identity)),
      lease_(ports.loop, LeaseEvents()),
      cluster_(identity_.node),
      resources_(std::move(options.resources), [this] { OnChanged(); }),
      head_(ports.loop, ports.head, HeadEvents()),
      peers_(ports.loop, cluster_, ports.peers, PeerEvents()),
      jobs_({.on_learned = [this](const pb::JobInfo& job) { ports_.workers.AddJob(job); },
             .on_ended = [this](const pb::JobInfo& job) { cluster_dispatcher_.OnJobEnded(JobId{job.id()}); }}),
      packager_(ports.loop, cluster_, jobs_, ports.packer, head_),
      actors_(identity_.node, resources_, ports.workers, ports.clients, head_, [this] { OnChanged(); }),
      forwarder_(identity_.node, jobs_, actors_, ports.clients, peers_),
      log_flusher_(ports.loop, cluster_, peers_,
                   [this](JobId job) {
                     for (ProcessId worker : forwarder_.WorkersOf(job)) ports_.logs.Flush(worker);
                   }),
      leases_(identity_.node, resources_, ports.workers, ports.clients,
              [this](ProcessId worker) {
                if (const ClientInfo* client = ports_.clients.Find(worker)) client_dispatcher_.ReportClient(*client);
              }),
      lease_requests_({ports.loop, cluster_, resources_, leases_, jobs_, ports.clients, peers_},
                      std::move(options.labels), [this] { return actors_.PlacementCpuUnits(); }),
      remote_leases_(jobs_, leases_, peers_),
      objects_(identity_.node, {ports.loop, ports.store, ports.clients, peers_, ports.transfers},
               [this] { head_.MarkChanged(); }),
      directory_(identity_.node, head_, ports.clients),
      channels_(std::move(options.channel_prefix), ports.regions, ports.clients,
                [this](ProcessId process) { return ports_.clients.Find(process); }),
      watches_(cluster_, ports.clients, peers_, [this](ProcessId process) { return deaths_.IsAlive(process); }),
      credits_(ports.clients, peers_),
      router_(cluster_, ports.clients, peers_, watches_),
      lost_owners_(watches_, objects_),
      ended_output_(ports.logs, forwarder_),
      deaths_(identity_.node, {ports.loop, ports.clients, head_, ports.workers, ports.driver_processes}),
      client_dispatcher_({.identity = identity_,
                          .cluster = cluster_,
                          .jobs = jobs_,
                          .packager = packager_,
                          .leases = leases_,
                          .lease_requests = lease_requests_,
                          .actors = actors_,
                          .directory = directory_,
                          .objects = objects_,
                          .channels = channels_,
                          .router = router_,
                          .watches = watches_,
                          .credits = credits_,
                          .log_flusher = log_flusher_,
                          .deaths = deaths_,
                          .clients = ports.clients,
                          .peers = peers_,
                          .head = head_,
                          .workers = ports.workers}),
      cluster_dispatcher_({.cluster = cluster_,
                           .jobs = jobs_,
                           .packager = packager_,
                           .leases = leases_,
                           .lease_requests = lease_requests_,
                           .remote_leases = remote_leases_,
                           .actors = actors_,
                           .directory = directory_,
                           .objects = objects_,
                           .router = router_,
                           .watches = watches_,
                           .log_flusher = log_flusher_,
                           .deaths = deaths_,
                           .peers = peers_,
                           .head = head_,
                           .workers = ports.workers,
                           .drivers = ports.drivers,
                           .logs = ports.logs}) {
  Observe();
}

// The order in which the parts let go of a process, or a node, that is over. Nothing more is sent to a dead node; an
// actor's death is reported before its worker's; who waits for a lease withdraws before leases end; routes go before
// objects, whose deletion is told to others. Who watches the process is told last.
void RayletCore::Observe() {
  for (ProcessObserver* observer : std::initializer_list<ProcessObserver*>{
           &peers_, &actors_, &lease_requests_, &leases_, &channels_, &directory_, &router_, &lost_owners_, &objects_,
           &log_flusher_, &packager_, &ended_output_, &credits_, &watches_}) {
    deaths_.AddObserver(observer);
  }
}

void RayletCore::LostOwners::OnNodeOver(NodeId node, const std::string&) {
  for (ProcessId process : watches_.Of(node)) objects_.OnOwnerDied(process);
}

void RayletCore::EndedOutput::OnProcessOver(const EndedProcess& process) {
  if (!process.is_worker()) return;
  const ProcessId worker = process.address.process;
  logs_.Unwatch(worker, [this, worker] { forwarder_.RemoveWorker(worker); });
}

// --- Joining and leaving ---------------------------------------------------------------------------------------------

HeadLink::Events RayletCore::HeadEvents() {
  return {.hello = [this] { return Hello(); },
          .on_welcome = [this](const pb::Welcome& welcome) { OnWelcome(welcome); },
          .on_message =
              [this](const pb::HeadToNode& message) {
                if (left_) return;
                if (message.has_shutdown()) return events_.on_shutdown(message.shutdown().reason());
                cluster_dispatcher_.OnHeadMessage(message);
              },
          .fill_report = [this](pb::NodeReport* report) { FillReport(report); },
          .on_sent = [this](std::uint64_t version) { lease_.OnSent(version); },
          .on_acknowledged = [this](std::uint64_t version) { lease_.OnAcknowledged(version); },
          .on_lost = [this] { lease_.OnDisconnected(); },
          .on_refused = [this](const Status& why) { events_.on_refused(why); }};
}

PeerLinks::Events RayletCore::PeerEvents() {
  return {.on_message =
              [this](NodeId from, const pb::PeerMessage& message) {
                if (!left_) cluster_dispatcher_.OnPeerMessage(from, message);
              },
          .on_broken =
              [this](NodeId node) {
                if (!left_) cluster_dispatcher_.OnLinkBroken(node);
              },
          .on_free =
              [this](NodeId node) {
                ports_.clients.Resume(node);
                credits_.OnFree(node);
              }};
}

NodeLease::Events RayletCore::LeaseEvents() {
  return {.publish = [this](MonotonicTime until) { events_.publish_lease(until); },
          .on_over =
              [this] {
                spdlog::error("the head has not been heard of for as long as this node's lease: its workers end");
                ports_.workers.Suspend("its node had lost the head for longer than its lease");
              },
          .on_held = [this] { ports_.workers.Resume(); }};
}

void RayletCore::Start(pb::NodeHello hello) {
  hello_ = std::move(hello);
  head_.Start();
}

void RayletCore::Leave(const std::string& reason, std::function<void()> done) {
  left_ = true;
  head_.Leave(reason, std::move(done));
}

pb::NodeHello RayletCore::Hello() const {
  pb::NodeHello hello = hello_;
  hello.set_node(identity_.node.Bytes());
  hello.set_session_dir(identity_.session_dir);
  hello.set_is_head_node(identity_.is_head_node);
  *hello.mutable_total() = ToPb(resources_.total());
  for (pb::ActorStarted& actor : actors_.Running()) *hello.add_actors() = std::move(actor);
  for (pb::ActorStarting& actor : actors_.Starting()) *hello.add_starting() = std::move(actor);
  return hello;
}

void RayletCore::FillReport(pb::NodeReport* report) const {
  *report->mutable_available() = ToPb(resources_.available());
  for (pb::Demand& demand : lease_requests_.Pending()) *report->add_pending() = std::move(demand);
  report->set_store_used(objects_.usage().used);
  report->set_workers(static_cast<std::uint32_t>(ports_.workers.size()));
  report->set_actors(static_cast<std::uint32_t>(actors_.size()));
  report->set_placement_cpu_units(actors_.PlacementCpuUnits());
}

void RayletCore::OnWelcome(const pb::Welcome& welcome) {
  identity_.cluster = IdFromPb<ClusterId>(welcome.cluster());
  events_.on_welcome(welcome);  // first: other nodes are spoken to as a member of this cluster
  lease_.SetDuration(std::chrono::milliseconds(welcome.lease_ms()));
  lease_.OnAcknowledged(0);
  cluster_dispatcher_.OnNodesChanged(welcome.nodes());
  for (const ClientInfo* client : ports_.clients.List()) client_dispatcher_.ReportClient(*client);
  directory_.OnHeadConnected();
}

void RayletCore::OnChanged() {
  head_.MarkChanged();
  lease_requests_.Kick();
}

// --- What happens ----------------------------------------------------------------------------------------------------

void RayletCore::OnWorkerStarted(const WorkerProcess& worker) {
  forwarder_.AddWorker(worker);
  ports_.logs.Watch(worker.process);
}

void RayletCore::OnWorkerExit(const WorkerProcess& worker, const std::string& cause) {
  if (!left_) deaths_.OnWorkerExit(worker, cause);
}

void RayletCore::AskToExit(ProcessId worker) {
  pb::RayletToClient message;
  message.mutable_exit()->set_reason("it has been idle for long");
  ports_.clients.Send(worker, message);
}

void RayletCore::OnOutput(ProcessId worker, bool is_stderr, std::vector<std::string> lines, std::uint64_t dropped) {
  forwarder_.Forward(worker, is_stderr, std::move(lines), dropped);
}

void RayletCore::OnDriverUpdate(const pb::DriverUpdate& update) {
  pb::NodeToHead event;
  *event.mutable_driver_update() = update;
  head_.SendEvent(std::move(event));
}

RayletCore::Held RayletCore::held() const {
  return {.actors = actors_.size(),
          .leases = leases_.size(),
          .lease_requests = lease_requests_.Pending().size(),
          .watched_actors = directory_.size(),
          .channels = channels_.size(),
          .processes = deaths_.size(),
          .watches = watches_.size(),
          .for_head = head_.outstanding()};
}

}  // namespace troupe::raylet
