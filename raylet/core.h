// RayletCore: what a raylet knows and decides. It sees the world through ports only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/event_loop.h"
#include "common/resources.h"
#include "object_store/store_owner.h"
#include "proto/head.pb.h"
#include "raylet/cluster_view.h"
#include "raylet/leases/lease_manager.h"
#include "raylet/leases/local_leases.h"
#include "raylet/leases/local_resources.h"
#include "raylet/leases/node_lease.h"
#include "raylet/leases/remote_leases.h"
#include "raylet/links/actor_directory.h"
#include "raylet/links/channel_broker.h"
#include "raylet/links/client_dispatcher.h"
#include "raylet/links/cluster_dispatcher.h"
#include "raylet/links/death_watches.h"
#include "raylet/links/head_link.h"
#include "raylet/links/node_credits.h"
#include "raylet/links/peer_links.h"
#include "raylet/links/router.h"
#include "raylet/logs/log_flusher.h"
#include "raylet/logs/log_forwarder.h"
#include "raylet/node_identity.h"
#include "raylet/objects/object_manager.h"
#include "raylet/ports/client_port.h"
#include "raylet/ports/driver_port.h"
#include "raylet/ports/head_transport.h"
#include "raylet/ports/log_port.h"
#include "raylet/ports/object_transfers.h"
#include "raylet/ports/peer_transport.h"
#include "raylet/ports/program_packer.h"
#include "raylet/ports/regions.h"
#include "raylet/ports/worker_port.h"
#include "raylet/programs/job_packager.h"
#include "raylet/programs/job_table.h"
#include "raylet/workers/actor_host.h"
#include "raylet/workers/process_deaths.h"

namespace troupe::raylet {

// Loop thread. It makes no ids and reads no clock but the loop's: given the same events it does the same.
class RayletCore {
 public:
  struct Options {
    NodeIdentity identity;  // its cluster is learned
    ResourceSet resources;
    std::map<std::string, std::string> labels;
    std::string channel_prefix;  // begins the names of channels' regions
  };
  // All outlive the core, and may be complete only after it is made: none is used before Start().
  struct Ports {
    EventLoop& loop;
    store::StoreOwner& store;
    Regions& regions;
    HeadTransport& head;
    PeerTransport& peers;
    ClientPort& clients;
    WorkerPort& workers;
    DriverProcesses& driver_processes;
    SubmittedDrivers& drivers;
    LogPort& logs;
    ProgramPacker& packer;
    ObjectTransfers& transfers;
  };
  struct Events {
    std::function<void(MonotonicTime)> publish_lease;            // until when the node is believed
    std::function<void(const pb::Welcome&)> on_welcome;          // by the head, each time; clients may come
    std::function<void(const Status&)> on_refused;               // the head will not have this node (any more)
    std::function<void(const std::string& reason)> on_shutdown;  // the head asks for it
  };

  RayletCore(Options options, Ports ports, Events events);
  RayletCore(const RayletCore&) = delete;
  RayletCore& operator=(const RayletCore&) = delete;

  // Begins to join the cluster. `hello`: what the core does not know by itself.
  void Start(pb::NodeHello hello);
  // Says farewell to the head; `done` runs once that is on its way. Nothing is taken up any more.
  void Leave(const std::string& reason, std::function<void()> done);

  // --- What happens.
  ClientHandler& client_handler() { return client_dispatcher_; }
  void OnPeerStream(std::shared_ptr<PeerStream> stream) { peers_.Accept(std::move(stream)); }
  void OnWorkerStarted(const WorkerProcess& worker);
  void OnWorkerExit(const WorkerProcess& worker, const std::string& cause);
  // An idle worker is not needed any more.
  void AskToExit(ProcessId worker);
  void OnOutput(ProcessId worker, bool is_stderr, std::vector<std::string> lines, std::uint64_t dropped);
  // Something that the job's user should read.
  void OnNote(JobId job, const std::string& text) { forwarder_.Note(job, text); }
  void OnDriverUpdate(const pb::DriverUpdate& update);
  // The head's process is seen to have ended.
  void OnHeadEnded() { lease_.OnHeadEnded(); }
  // Another node wants a copy; as ObjectManager::WhenSealed.
  void WhenSealed(ObjectId id, std::function<void(Status)> ready) { objects_.WhenSealed(id, std::move(ready)); }

  const ClusterView& cluster() const { return cluster_; }
  const NodeIdentity& identity() const { return identity_; }
  const LocalResources& resources() const { return resources_; }
  std::int64_t placement_cpu_units() const { return actors_.PlacementCpuUnits(); }
  // What is held at the moment, for tests: all zero when nothing goes on.
  struct Held {
    std::size_t actors = 0;
    std::size_t leases = 0;
    std::size_t lease_requests = 0;
    std::size_t watched_actors = 0;
    std::size_t channels = 0;
    std::size_t processes = 0;
    std::size_t watches = 0;
    std::size_t for_head = 0;
  };
  Held held() const;

 private:
  // Those of whom this node knows may own objects here; they end with their node.
  class LostOwners : public ProcessObserver {
   public:
    LostOwners(DeathWatches& watches, ObjectManager& objects) : watches_(watches), objects_(objects) {}
    void OnNodeOver(NodeId node, const std::string& reason) override;

   private:
    DeathWatches& watches_;
    ObjectManager& objects_;
  };
  // The last lines of a worker go to its driver before the worker is forgotten.
  class EndedOutput : public ProcessObserver {
   public:
    EndedOutput(LogPort& logs, LogForwarder& forwarder) : logs_(logs), forwarder_(forwarder) {}
    void OnProcessOver(const EndedProcess& process) override;

   private:
    LogPort& logs_;
    LogForwarder& forwarder_;
  };

  HeadLink::Events HeadEvents();
  PeerLinks::Events PeerEvents();
  NodeLease::Events LeaseEvents();
  void Observe();
  pb::NodeHello Hello() const;
  void FillReport(pb::NodeReport* report) const;
  void OnWelcome(const pb::Welcome& welcome);
  void OnChanged();

  const Ports ports_;
  const Events events_;
  NodeIdentity identity_;
  pb::NodeHello hello_;
  bool left_ = false;

  NodeLease lease_;
  ClusterView cluster_;
  LocalResources resources_;
  HeadLink head_;
  PeerLinks peers_;
  JobTable jobs_;
  JobPackager packager_;
  ActorHost actors_;
  LogForwarder forwarder_;
  LogFlusher log_flusher_;
  LocalLeases leases_;
  LeaseManager lease_requests_;
  RemoteLeases remote_leases_;
  ObjectManager objects_;
  ActorDirectory directory_;
  ChannelBroker channels_;
  DeathWatches watches_;
  NodeCredits credits_;
  Router router_;
  LostOwners lost_owners_;
  EndedOutput ended_output_;
  ProcessDeaths deaths_;
  ClientDispatcher client_dispatcher_;
  ClusterDispatcher cluster_dispatcher_;
};

}  // namespace troupe::raylet
