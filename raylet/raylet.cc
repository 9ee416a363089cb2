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
#include "raylet/core.h"
#include "raylet/leases/node_capacity.h"
#include "raylet/links/client_registry.h"
#include "raylet/links/rpc_head.h"
#include "raylet/links/rpc_peers.h"
#include "raylet/logs/log_keeper.h"
#include "raylet/logs/log_monitor.h"
#include "raylet/logs/worker_logs.h"
#include "raylet/objects/memory_thread.h"
#include "raylet/objects/object_fetcher.h"
#include "raylet/objects/object_server.h"
#include "raylet/objects/shared_regions.h"
#include "raylet/programs/program_cache.h"
#include "raylet/session_files.h"
#include "raylet/workers/driver_runner.h"
#include "raylet/workers/driver_watches.h"
#include "raylet/workers/orphans.h"
#include "raylet/workers/worker_pool.h"
#include "rpc/client.h"
#include "rpc/server.h"

namespace troupe::raylet {
namespace {

constexpr std::chrono::seconds kLeaveTimeout{1};
constexpr std::chrono::seconds kKillMarkedLimit{1};
constexpr std::size_t kSpareLogs = 64;  // two for each worker that may be starting, and for as many that end at once

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

  RayletCore::Options CoreOptions(const std::string& tag) const;
  RayletCore::Ports CorePorts();
  RayletCore::Events CoreEvents();
  rpc::ClientOptions HeadClientOptions();
  rpc::ServerOptions PeerServerOptions() const;
  WorkerPool::Options PoolOptions() const;
  WorkerPool::Events PoolEvents();
  LogMonitor::Options LogOptions();
  LogKeeper::Options KeeperOptions() const;
  LogKeeper::Options DriverKeeperOptions() const;

  pb::NodeHello Hello() const;
  void OnWelcome(const pb::Welcome& welcome);
  Status BecomeReady();
  void WatchHead(const pb::MachineProcess& process);
  void AwaitChildEnd();

  AsioEventLoop& loop;
  const RayletOptions options;
  const Events events;
  rpc::Credentials credentials;
  std::string address;  // of the server, once started
  bool ready = false;

  std::unique_ptr<MemoryThread> memory;
  std::unique_ptr<store::StoreOwner> store;
  ipc::NodeLeaseOwner lease_region;
  std::unique_ptr<ExitWatch> head_process;  // where the head runs on this machine
  SharedRegions regions;
  DriverWatches driver_watches;
  rpc::Client head_client;
  RpcHead head;
  rpc::Server server;
  RpcPeers peers;
  RayletCore core;
  ProgramCache programs;
  ClientRegistry clients;
  LogKeeper log_keeper;
  LogKeeper driver_log_keeper;
  LogMonitor log_monitor;
  WorkerLogs logs;
  WorkerPool pool;
  DriverRunner drivers;
  ObjectFetcher fetcher;
  ObjectServer object_server;
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
      credentials{options.token, "", rpc::kProtocolVersion},
      memory(std::move(memory_thread)),
      store(std::move(object_store)),
      lease_region(std::move(node_lease)),
      driver_watches(loop.context()),
      head_client(HeadClientOptions()),
      head(head_client),
      server(PeerServerOptions(), loop),
      peers(loop, core.cluster(), [this] { return credentials; }),
      core(CoreOptions(tag), CorePorts(), CoreEvents()),
      programs(loop, head, options.node, options.session_dir, options.keep_program_bytes),
      clients(loop, tag + "-bell-", regions, core.client_handler()),
      log_keeper(loop, KeeperOptions()),
      driver_log_keeper(loop, DriverKeeperOptions()),
      log_monitor(loop, loop.context(), LogOptions(),
                  [this](ProcessId worker, bool is_stderr, std::vector<std::string> lines, std::uint64_t dropped) {
                    core.OnOutput(worker, is_stderr, std::move(lines), dropped);
                  }),
      logs(log_monitor, log_keeper),
      pool(loop, loop.context(), PoolOptions(), PoolEvents(), programs),
      drivers(
          loop, loop.context(),
          {.node = options.node, .session_dir = options.session_dir, .address = options.session_dir},
          [this](const pb::DriverUpdate& update) {
            if (update.ended()) driver_log_keeper.OnEnded({DriverLogName(update.submission())});
            core.OnDriverUpdate(update);
          },
          programs),
      fetcher(loop, *store, [this](NodeId node) { return peers.ClientOf(node); }),
      object_server(
          *store, [this](ObjectId id, std::function<void(Status)> sealed) { core.WhenSealed(id, std::move(sealed)); }),
      orphans(loop, options.node, [this](std::uint64_t owner) { return pool.Owns(owner) || drivers.Owns(owner); }),
      child_ends(loop.context(), options.child_ends) {}

// --- Wiring ----------------------------------------------------------------------------------------------------------

RayletCore::Options Raylet::Impl::CoreOptions(const std::string& tag) const {
  return {.identity = {.node = options.node,
                       .cluster = {},
                       .session_dir = options.session_dir,
                       .head_address = options.head,
                       .is_head_node = options.is_head_node,
                       .lease_region = lease_region.name(),
                       .spin = ipc::SpinBudget::MeasureWakeUp()},
          .resources = options.capacity.resources,
          .labels = options.capacity.labels,
          .channel_prefix = tag + "-ch-"};
}

RayletCore::Ports Raylet::Impl::CorePorts() {
  return {.loop = loop,
          .store = *store,
          .regions = regions,
          .head = head,
          .peers = peers,
          .clients = clients,
          .workers = pool,
          .driver_processes = driver_watches,
          .drivers = drivers,
          .logs = logs,
          .packer = programs,
          .transfers = fetcher};
}

RayletCore::Events Raylet::Impl::CoreEvents() {
  return {.publish_lease = [this](MonotonicTime until) { lease_region.Set(until); },
          .on_welcome = [this](const pb::Welcome& welcome) { OnWelcome(welcome); },
          .on_refused = [this](const Status& why) { events.on_failed(why); },
          .on_shutdown = [this](const std::string& reason) { events.on_shutdown(reason); }};
}

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
  server_options.max_message_bytes = RpcPeers::kMaxMessageBytes;
  return server_options;
}

WorkerPool::Options Raylet::Impl::PoolOptions() const {
  WorkerPool::Options pool_options;
  pool_options.node = options.node;
  pool_options.session_dir = options.session_dir;
  pool_options.socket_path = options.session_dir + "/raylet.sock";
  return pool_options;
}

WorkerPool::Events Raylet::Impl::PoolEvents() {
  WorkerPool::Events pool_events;
  pool_events.on_exit = [this](const WorkerProcess& worker, const ExitCause& cause) {
    core.OnWorkerExit(worker, cause.text);
  };
  pool_events.on_started = [this](const WorkerProcess& worker) { core.OnWorkerStarted(worker); };
  pool_events.on_removed = [this] { orphans.Sweep(); };
  pool_events.ask_exit = [this](const WorkerProcess& worker) { core.AskToExit(worker.process); };
  pool_events.on_new_log = [this](const std::string& name) { log_keeper.Reuse(name); };
  pool_events.on_logs_ended = [this](std::vector<std::string> names) { log_keeper.OnEnded(std::move(names)); };
  pool_events.on_note = [this](JobId job, const std::string& text) { core.OnNote(job, text); };
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

// --- Joining ---------------------------------------------------------------------------------------------------------

Status Raylet::Impl::Start() {
  AwaitChildEnd();
  RpcPeers::Serve(&server, [this](std::shared_ptr<PeerStream> stream) { core.OnPeerStream(std::move(stream)); });
  object_server.Serve(&server);
  TROUPE_ASSIGN_OR_RETURN(const int port, server.Start());
  address = options.bind + ":" + std::to_string(port);
  TROUPE_RETURN_IF_ERROR(log_monitor.Start());
  log_keeper.TakeUp(
      [](const std::string& name) { return name.starts_with("worker-") || name.starts_with("template-"); });
  driver_log_keeper.TakeUp([](const std::string& name) { return name.starts_with("job-"); });
  spdlog::info("node {} joins the cluster of the head at {} with {}; a wake-up costs {} us here", options.node.Hex(),
               options.head, options.capacity.resources.ToString(), core.identity().spin.count() / 1000);
  for (const std::string& limit : options.capacity.limits) spdlog::info("{}", limit);
  core.Start(Hello());
  return OkStatus();
}

pb::NodeHello Raylet::Impl::Hello() const {
  pb::NodeHello hello;
  hello.set_address(address);
  hello.set_hostname(Utf8(options.node_name.empty() ? HostName() : options.node_name));
  for (const auto& [name, value] : options.capacity.labels) (*hello.mutable_labels())[name] = value;
  hello.set_raylet_pid(::getpid());
  hello.set_store_capacity(options.capacity.store);
  for (const std::string& limit : options.capacity.limits) hello.add_limits(limit);
  return hello;
}

void Raylet::Impl::OnWelcome(const pb::Welcome& welcome) {
  credentials.cluster_id = core.identity().cluster.Hex();
  head_client.SetClusterId(credentials.cluster_id);
  server.SetClusterId(credentials.cluster_id);
  WatchHead(welcome.head());
  if (ready) return;
  if (const Status status = BecomeReady(); !status.ok()) return events.on_failed(status);
  ready = true;
  spdlog::info("ready: node {} at {}", options.node.Hex(), address);
  events.on_ready();
}

Status Raylet::Impl::BecomeReady() {
  const std::string path = options.session_dir + "/raylet.sock";
  TROUPE_ASSIGN_OR_RETURN(
      socket, ipc::ServerSocket::Listen(loop.context(), path, [this](std::shared_ptr<ipc::ServerConnection> client) {
        clients.Accept(std::move(client));
      }));
  return WriteNodeFile(options.session_dir, {.node_id = options.node.Hex(),
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
    core.OnHeadEnded();
  });
  const auto stat = ReadProcessStat(process.pid());
  if (stat && stat->start_time == process.start_time()) head_process = std::move(watch);
}

// --- Leaving ---------------------------------------------------------------------------------------------------------

void Raylet::Impl::Stop(const std::string& reason, std::function<void()> done) {
  spdlog::info("leaving the cluster: {}", reason);
  RemoveNodeFile(options.session_dir);
  if (socket) socket->Close();
  auto once = std::make_shared<std::function<void()>>(std::move(done));
  const auto finish = [once] {
    if (*once) std::exchange(*once, nullptr)();
  };
  // First: what a node that has left hosted may start elsewhere at once.
  pool.KillAll();
  drivers.KillAll();
  KillMarked(options.node, kKillMarkedLimit);  // what had left their process groups
  core.Leave(reason, finish);
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
