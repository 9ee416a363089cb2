#include "raylet/raylet.h"

#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

#include "common/exit_watch.h"
#include "common/owner_mark.h"
#include "common/process_stat.h"
#include "common/session_memory.h"
#include "common/utf8.h"
#include "ipc/node_lease.h"
#include "ipc/server_socket.h"
#include "ipc/shared_region.h"
#include "ipc/spin_budget.h"
#include "object_store/store_owner.h"
#include "raylet/convert.h"
#include "raylet/leases/lease_manager.h"
#include "raylet/leases/local_leases.h"
#include "raylet/leases/local_resources.h"
#include "raylet/leases/node_lease.h"
#include "raylet/leases/remote_leases.h"
#include "raylet/links/actor_directory.h"
#include "raylet/links/channel_broker.h"
#include "raylet/links/client_dispatcher.h"
#include "raylet/links/client_registry.h"
#include "raylet/links/cluster_dispatcher.h"
#include "raylet/links/cluster_view.h"
#include "raylet/links/head_link.h"
#include "raylet/links/peer_links.h"
#include "raylet/links/router.h"
#include "raylet/logs/log_flusher.h"
#include "raylet/logs/log_forwarder.h"
#include "raylet/logs/log_keeper.h"
#include "raylet/logs/log_monitor.h"
#include "raylet/managers.h"
#include "raylet/node_identity.h"
#include "raylet/objects/memory_thread.h"
#include "raylet/objects/object_fetcher.h"
#include "raylet/objects/object_manager.h"
#include "raylet/objects/object_server.h"
#include "raylet/objects/regions.h"
#include "raylet/programs/job_packager.h"
#include "raylet/programs/job_table.h"
#include "raylet/programs/program_cache.h"
#include "raylet/session_files.h"
#include "raylet/workers/actor_host.h"
#include "raylet/workers/driver_runner.h"
#include "raylet/workers/orphans.h"
#include "raylet/workers/pool_workers.h"
#include "raylet/workers/process_deaths.h"
#include "raylet/workers/worker_pool.h"
#include "rpc/client.h"
#include "rpc/server.h"

namespace troupe::raylet {
namespace {

constexpr std::chrono::seconds kLeaveTimeout{1};
constexpr std::chrono::seconds kKillMarkedLimit{1};
constexpr std::size_t kSpareLogs = 64;  // two for each worker that may be starting, and for as many that end at once
constexpr std::size_t kMaxPeerMessageBytes = 32u << 20;

std::string HostName() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

Result<std::unique_ptr<store::StoreOwner>> OpenStore(const std::string& tag, std::uint64_t capacity,
                                                     store::SegmentMemory* memory) {
  const std::string prefix = tag + "-store";
  TROUPE_ASSIGN_OR_RETURN(std::size_t stale, store::StoreOwner::ReclaimStale(prefix));
  for (const std::string& region : ipc::ListRegions(tag + "-")) {
    ipc::SharedRegion::Unlink(region);
    ++stale;
  }
  if (stale > 0) spdlog::warn("removed {} pieces of shared memory that a killed raylet had left", stale);
  store::StoreOptions options;
  options.name_prefix = prefix;
  options.capacity = capacity;
  return store::StoreOwner::Open(std::move(options), memory);
}

}  // namespace

// Members are destroyed in reverse order: each uses only those above it while it goes.
struct Raylet::Impl {
  Impl(AsioEventLoop& event_loop, RayletOptions raylet_options, Events raylet_events,
       std::unique_ptr<MemoryThread> memory_thread, std::unique_ptr<store::StoreOwner> object_store,
       ipc::NodeLeaseOwner node_lease, const std::string& tag);

  Status Start();
  void Stop(const std::string& reason, std::function<void()> done);

  rpc::ClientOptions HeadClientOptions();
  rpc::ServerOptions PeerServerOptions() const;
  HeadLink::Events HeadEvents();
  WorkerPool::Options PoolOptions() const;
  WorkerPool::Events PoolEvents();
  LogMonitor::Options LogOptions();
  LogKeeper::Options KeeperOptions() const;
  LogKeeper::Options DriverKeeperOptions() const;
  JobTable::Events JobEvents();
  NodeLease::Events LeaseEvents();
  PeerLinks::Events PeerEvents();
  Managers AllManagers();

  pb::NodeHello Hello() const;
  void FillReport(pb::NodeReport* report) const;
  void OnWelcome(const pb::Welcome& welcome);
  Status BecomeReady();
  void WatchHead(const pb::MachineProcess& process);
  void OnChanged();
  void AwaitChildEnd();

  AsioEventLoop& loop;
  const RayletOptions options;
  const Events events;
  NodeIdentity identity;
  rpc::Credentials credentials;
  std::string address;  // of the server, once started
  bool ready = false;
  bool stopping = false;
  Managers managers;

  std::unique_ptr<MemoryThread> memory;
  std::unique_ptr<store::StoreOwner> store;
  ipc::NodeLeaseOwner lease_region;
  NodeLease lease;
  std::unique_ptr<ExitWatch> head_process;  // where the head runs on this machine
  SharedRegions regions;
  ClusterView cluster;
  LocalResources resources;
  rpc::Client head_client;
  HeadLink head;
  rpc::Server server;
  PeerLinks peers;
  ProgramCache programs;
  JobTable jobs;
  JobPackager packager;
  ClientDispatcher client_dispatcher;
  ClusterDispatcher cluster_dispatcher;
  ClientRegistry clients;
  LogKeeper log_keeper;
  LogKeeper driver_log_keeper;
  LogMonitor log_monitor;
  WorkerPool pool;
  PoolWorkers workers;
  DriverRunner drivers;
  ActorHost actors;
  LogForwarder logs;
  LogFlusher log_flusher;
  LocalLeases leases;
  LeaseManager lease_requests;
  RemoteLeases remote_leases;
  ObjectFetcher fetcher;
  ObjectManager objects;
  ObjectServer object_server;
  ActorDirectory directory;
  ChannelBroker channels;
  Router router;
  ProcessDeaths deaths;
  Orphans orphans;
  boost::asio::posix::stream_descriptor child_ends;
  std::shared_ptr<ipc::ServerSocket> socket;
};

Raylet::Impl::Impl(AsioEventLoop& event_loop, RayletOptions raylet_options, Events raylet_events,
                   std::unique_ptr<MemoryThread> memory_thread, std::unique_ptr<store::StoreOwner> object_store,
                   ipc::NodeLeaseOwner node_lease, const std::string& tag)
    : loop(event_loop),
      options(std::move(raylet_options)),
      events(std::move(raylet_events)),
      identity{options.node, {}, options.session_dir, options.head, options.is_head_node, node_lease.name()},
      credentials{options.token, "", rpc::kProtocolVersion},
      memory(std::move(memory_thread)),
      store(std::move(object_store)),
      lease_region(std::move(node_lease)),
      lease(loop, LeaseEvents()),
      cluster(identity.node),
      resources(options.capacity.resources, [this] { OnChanged(); }),
      head_client(HeadClientOptions()),
      head(loop, head_client, HeadEvents()),
      server(PeerServerOptions(), loop),
      peers(
          loop, cluster, [this] { return credentials; }, PeerEvents()),
      programs(loop, head, identity.node, options.session_dir, options.keep_program_bytes),
      jobs(JobEvents()),
      packager(loop, cluster, jobs, programs, head),
      client_dispatcher(managers, identity),
      cluster_dispatcher(managers),
      clients(loop, tag + "-bell-", regions, client_dispatcher),
      log_keeper(loop, KeeperOptions()),
      driver_log_keeper(loop, DriverKeeperOptions()),
      log_monitor(loop, loop.context(), LogOptions(),
                  [this](ProcessId worker, bool is_stderr, std::vector<std::string> lines, std::uint64_t dropped) {
                    logs.Forward(worker, is_stderr, std::move(lines), dropped);
                  }),
      pool(loop, loop.context(), PoolOptions(), PoolEvents(), programs),
      workers(pool),
      drivers(
          loop, loop.context(),
          {.node = identity.node, .session_dir = options.session_dir, .address = options.session_dir},
          [this](const pb::DriverUpdate& update) {
            if (update.ended()) driver_log_keeper.OnEnded({DriverLogName(update.submission())});
            pb::NodeToHead event;
            *event.mutable_driver_update() = update;
            head.SendEvent(std::move(event));
          },
          programs),
      actors(identity.node, resources, workers, clients, head, [this] { OnChanged(); }),
      logs(identity.node, jobs, actors, clients, peers),
      log_flusher(loop, cluster, peers,
                  [this](JobId job) {
                    for (ProcessId worker : logs.WorkersOf(job)) log_monitor.Flush(worker);
                  }),
      leases(identity.node, resources, workers, clients,
             [this](ProcessId worker) {
               if (const ClientInfo* client = clients.Find(worker)) client_dispatcher.ReportClient(*client);
             }),
      lease_requests({loop, cluster, resources, leases, jobs, clients, peers}, options.capacity.labels,
                     [this] { return actors.PlacementCpuUnits(); }),
      remote_leases(jobs, leases, peers),
      fetcher(loop, *store, [this](NodeId node) { return peers.ClientOf(node); }),
      objects(identity.node, {loop, *store, clients, peers, fetcher}, [this] { head.MarkChanged(); }),
      object_server(*store, [this](ObjectId id,
                                   std::function<void(Status)> sealed) { objects.WhenSealed(id, std::move(sealed)); }),
      directory(identity.node, head, clients),
      channels(tag + "-ch-", regions, clients, [this](ProcessId process) { return clients.Find(process); }),
      router(cluster, clients, peers),
      deaths(loop.context(), managers),
      orphans(loop, identity.node, [this](std::uint64_t owner) { return pool.Owns(owner) || drivers.Owns(owner); }),
      child_ends(loop.context(), options.child_ends) {
  managers = AllManagers();
}

// --- Wiring ----------------------------------------------------------------------------------------------------------

rpc::ClientOptions Raylet::Impl::HeadClientOptions() {
  rpc::ClientOptions client;
  client.target = options.head;
  client.peer_name = "the head";
  client.credentials = credentials;
  client.loop = &loop;
  return client;
}

rpc::ServerOptions Raylet::Impl::PeerServerOptions() const {
  rpc::ServerOptions server_options;
  server_options.host = options.bind;
  server_options.port = options.port;
  server_options.credentials = credentials;
  server_options.max_message_bytes = kMaxPeerMessageBytes;
  return server_options;
}

HeadLink::Events Raylet::Impl::HeadEvents() {
  HeadLink::Events head_events;
  head_events.hello = [this] { return Hello(); };
  head_events.on_welcome = [this](const pb::Welcome& welcome) { OnWelcome(welcome); };
  head_events.on_message = [this](const pb::HeadToNode& message) {
    if (stopping) return;
    if (message.has_shutdown()) return events.on_shutdown(message.shutdown().reason());
    cluster_dispatcher.OnHeadMessage(message);
  };
  head_events.fill_report = [this](pb::NodeReport* report) { FillReport(report); };
  head_events.on_sent = [this](std::uint64_t version) { lease.OnSent(version); };
  head_events.on_acknowledged = [this](std::uint64_t version) { lease.OnAcknowledged(version); };
  head_events.on_lost = [this] { lease.OnDisconnected(); };
  head_events.on_refused = [this](const Status& why) { events.on_failed(why); };
  return head_events;
}

WorkerPool::Options Raylet::Impl::PoolOptions() const {
  WorkerPool::Options pool_options;
  pool_options.node = identity.node;
  pool_options.session_dir = options.session_dir;
  pool_options.socket_path = options.session_dir + "/raylet.sock";
  return pool_options;
}

WorkerPool::Events Raylet::Impl::PoolEvents() {
  WorkerPool::Events pool_events;
  pool_events.on_exit = [this](const WorkerProcess& worker, const ExitCause& cause) {
    if (!stopping) deaths.OnWorkerExit(worker, cause.text);
  };
  pool_events.on_started = [this](const WorkerProcess& worker) {
    logs.AddWorker(worker);
    log_monitor.Watch(worker.process);
  };
  pool_events.on_removed = [this] { orphans.Sweep(); };
  pool_events.ask_exit = [this](const WorkerProcess& worker) {
    pb::RayletToClient message;
    message.mutable_exit()->set_reason("it has been idle for long");
    clients.Send(worker.process, message);
  };
  pool_events.on_new_log = [this](const std::string& name) { log_keeper.Reuse(name); };
  pool_events.on_logs_ended = [this](std::vector<std::string> names) { log_keeper.OnEnded(std::move(names)); };
  pool_events.on_note = [this](JobId job, const std::string& text) { logs.Note(job, text); };
  return pool_events;
}

LogMonitor::Options Raylet::Impl::LogOptions() {
  LogMonitor::Options log_options;
  log_options.session_dir = options.session_dir;
  log_options.raylet_log = options.log_file;
  log_options.driver_running = [this](const std::string& submission) { return drivers.running(submission); };
  log_options.was_empty = [this](const std::string& path) { return log_keeper.WasEmpty(path); };
  return log_options;
}

LogKeeper::Options Raylet::Impl::KeeperOptions() const {
  LogKeeper::Options keeper = options.worker_logs;
  keeper.folder = options.session_dir + "/logs";
  keeper.spares = kSpareLogs;
  return keeper;
}

// That a job printed nothing is worth knowing.
LogKeeper::Options Raylet::Impl::DriverKeeperOptions() const {
  LogKeeper::Options keeper = KeeperOptions();
  keeper.keep_empty = true;
  return keeper;
}

JobTable::Events Raylet::Impl::JobEvents() {
  JobTable::Events job_events;
  job_events.on_learned = [this](const pb::JobInfo& job) { pool.AddJob(job); };
  job_events.on_ended = [this](const pb::JobInfo& job) { cluster_dispatcher.OnJobEnded(JobId{job.id()}); };
  return job_events;
}

NodeLease::Events Raylet::Impl::LeaseEvents() {
  NodeLease::Events lease_events;
  lease_events.publish = [this](MonotonicTime until) { lease_region.Set(until); };
  lease_events.on_over = [this] {
    spdlog::error("the head has not been heard of for as long as this node's lease: its workers end");
    pool.Suspend("its node had lost the head for longer than its lease");
  };
  lease_events.on_held = [this] { pool.Resume(); };
  return lease_events;
}

PeerLinks::Events Raylet::Impl::PeerEvents() {
  PeerLinks::Events peer_events;
  peer_events.on_message = [this](NodeId from, const pb::PeerMessage& message) {
    if (!stopping) cluster_dispatcher.OnPeerMessage(from, message);
  };
  peer_events.on_broken = [this](NodeId node) {
    if (!stopping) cluster_dispatcher.OnLinkBroken(node);
  };
  peer_events.on_free = [this](NodeId node) { clients.Resume(node); };
  return peer_events;
}

Managers Raylet::Impl::AllManagers() {
  return {.loop = &loop,
          .self = identity.node,
          .cluster = &cluster,
          .jobs = &jobs,
          .leases = &leases,
          .lease_requests = &lease_requests,
          .remote_leases = &remote_leases,
          .actors = &actors,
          .directory = &directory,
          .objects = &objects,
          .channels = &channels,
          .router = &router,
          .peers = &peers,
          .head = &head,
          .clients = &clients,
          .pool = &pool,
          .logs = &logs,
          .log_flusher = &log_flusher,
          .log_monitor = &log_monitor,
          .log_keeper = &log_keeper,
          .drivers = &drivers,
          .packager = &packager,
          .deaths = &deaths};
}

// --- Joining ---------------------------------------------------------------------------------------------------------

Status Raylet::Impl::Start() {
  AwaitChildEnd();
  identity.spin = ipc::SpinBudget::MeasureWakeUp();
  peers.Serve(&server);
  object_server.Serve(&server);
  TROUPE_ASSIGN_OR_RETURN(const int port, server.Start());
  address = options.bind + ":" + std::to_string(port);
  TROUPE_RETURN_IF_ERROR(log_monitor.Start());
  log_keeper.TakeUp(
      [](const std::string& name) { return name.starts_with("worker-") || name.starts_with("template-"); });
  driver_log_keeper.TakeUp([](const std::string& name) { return name.starts_with("job-"); });
  spdlog::info("node {} joins the cluster of the head at {} with {}; a wake-up costs {} us here", identity.node.Hex(),
               options.head, resources.total().ToString(), identity.spin.count() / 1000);
  for (const std::string& limit : options.capacity.limits) spdlog::info("{}", limit);
  head.Start();
  return OkStatus();
}

pb::NodeHello Raylet::Impl::Hello() const {
  pb::NodeHello hello;
  hello.set_node(identity.node.Bytes());
  hello.set_address(address);
  hello.set_hostname(Utf8(options.node_name.empty() ? HostName() : options.node_name));
  *hello.mutable_total() = ToPb(resources.total());
  for (const auto& [name, value] : options.capacity.labels) (*hello.mutable_labels())[name] = value;
  hello.set_is_head_node(options.is_head_node);
  hello.set_raylet_pid(::getpid());
  hello.set_session_dir(options.session_dir);
  hello.set_store_capacity(options.capacity.store);
  for (const std::string& limit : options.capacity.limits) hello.add_limits(limit);
  for (pb::ActorStarted& actor : actors.Running()) *hello.add_actors() = std::move(actor);
  for (pb::ActorStarting& actor : actors.Starting()) *hello.add_starting() = std::move(actor);
  return hello;
}

void Raylet::Impl::FillReport(pb::NodeReport* report) const {
  *report->mutable_available() = ToPb(resources.available());
  for (pb::Demand& demand : lease_requests.Pending()) *report->add_pending() = std::move(demand);
  report->set_store_used(objects.usage().used);
  report->set_workers(static_cast<std::uint32_t>(pool.size()));
  report->set_actors(static_cast<std::uint32_t>(actors.size()));
  report->set_placement_cpu_units(actors.PlacementCpuUnits());
}

void Raylet::Impl::OnWelcome(const pb::Welcome& welcome) {
  identity.cluster = IdFromPb<ClusterId>(welcome.cluster());
  credentials.cluster_id = identity.cluster.Hex();
  head_client.SetClusterId(credentials.cluster_id);
  server.SetClusterId(credentials.cluster_id);
  WatchHead(welcome.head());
  lease.SetDuration(std::chrono::milliseconds(welcome.lease_ms()));
  lease.OnAcknowledged(0);
  cluster_dispatcher.OnNodesChanged(welcome.nodes());
  for (const ClientInfo* client : clients.List()) client_dispatcher.ReportClient(*client);
  directory.OnHeadConnected();
  if (ready) return;
  if (const Status status = BecomeReady(); !status.ok()) return events.on_failed(status);
  ready = true;
  spdlog::info("ready: node {} at {}", identity.node.Hex(), address);
  events.on_ready();
}

Status Raylet::Impl::BecomeReady() {
  const std::string path = options.session_dir + "/raylet.sock";
  TROUPE_ASSIGN_OR_RETURN(
      socket, ipc::ServerSocket::Listen(loop.context(), path, [this](std::shared_ptr<ipc::ServerConnection> client) {
        clients.Accept(std::move(client));
      }));
  return WriteNodeFile(options.session_dir, {.node_id = identity.node.Hex(),
                                             .address = address,
                                             .head = options.head,
                                             .pid = ::getpid(),
                                             .socket = path,
                                             .cluster_id = credentials.cluster_id,
                                             .version = std::string(rpc::SoftwareVersion()),
                                             .limits = options.capacity.limits});
}

void Raylet::Impl::AwaitChildEnd() {
  child_ends.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [this](const boost::system::error_code& error) {
                          if (error) return;
                          signalfd_siginfo seen;
                          while (::read(child_ends.native_handle(), &seen, sizeof seen) > 0) {
                          }
                          orphans.Sweep();
                          AwaitChildEnd();
                        });
}

// The head's process is on this machine, perhaps: then its end can be seen, and is told from a connection that broke.
void Raylet::Impl::WatchHead(const pb::MachineProcess& process) {
  head_process.reset();
  if (process.pid_space().empty() || process.pid_space() != PidSpace()) return;
  auto watch = ExitWatch::Begin(loop.context(), process.pid(), [this] {
    spdlog::warn("the head's process has ended; what runs here goes on");
    lease.OnHeadEnded();
  });
  const auto stat = ReadProcessStat(process.pid());
  if (stat && stat->start_time == process.start_time()) head_process = std::move(watch);
}

void Raylet::Impl::OnChanged() {
  head.MarkChanged();
  lease_requests.Kick();
}

// --- Leaving ---------------------------------------------------------------------------------------------------------

void Raylet::Impl::Stop(const std::string& reason, std::function<void()> done) {
  spdlog::info("leaving the cluster: {}", reason);
  stopping = true;
  RemoveNodeFile(options.session_dir);
  if (socket) socket->Close();
  auto once = std::make_shared<std::function<void()>>(std::move(done));
  const auto finish = [once] {
    if (*once) std::exchange(*once, nullptr)();
  };
  // First: what a node that has left hosted may start elsewhere at once.
  pool.KillAll();
  drivers.KillAll();
  KillMarked(identity.node, kKillMarkedLimit);  // what had left their process groups
  head.Leave(reason, finish);
  loop.After(kLeaveTimeout, finish);
}

Raylet::Raylet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Raylet::~Raylet() = default;

Result<std::unique_ptr<Raylet>> Raylet::Start(AsioEventLoop& loop, RayletOptions options, Events events) {
  const std::string tag = RegionTag(options.session_dir);
  auto memory = std::make_unique<MemoryThread>(loop);
  TROUPE_ASSIGN_OR_RETURN(auto store, OpenStore(tag, options.capacity.store, memory.get()));
  TROUPE_ASSIGN_OR_RETURN(auto lease, ipc::NodeLeaseOwner::Create(tag + "-lease"));
  auto impl = std::make_unique<Impl>(loop, std::move(options), std::move(events), std::move(memory), std::move(store),
                                     std::move(lease), tag);
  TROUPE_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<Raylet>(new Raylet(std::move(impl)));
}

void Raylet::Stop(const std::string& reason, std::function<void()> done) { impl_->Stop(reason, std::move(done)); }

}  // namespace troupe::raylet
