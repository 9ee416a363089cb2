// ClientDispatcher: admits clients and hands each of their messages to the part of the raylet that it is for.
#pragma once

#include <memory>
#include <string_view>

#include "raylet/cluster_view.h"
#include "raylet/leases/lease_manager.h"
#include "raylet/leases/local_leases.h"
#include "raylet/links/actor_directory.h"
#include "raylet/links/channel_broker.h"
#include "raylet/links/death_watches.h"
#include "raylet/links/node_credits.h"
#include "raylet/links/router.h"
#include "raylet/logs/log_flusher.h"
#include "raylet/node_identity.h"
#include "raylet/objects/object_manager.h"
#include "raylet/ports/client_handler.h"
#include "raylet/ports/client_port.h"
#include "raylet/ports/head_port.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/worker_port.h"
#include "raylet/programs/job_packager.h"
#include "raylet/programs/job_table.h"
#include "raylet/workers/actor_host.h"
#include "raylet/workers/process_deaths.h"

namespace troupe::raylet {

// Loop thread. What does not fit the protocol is refused, which ends the client's connection.
class ClientDispatcher : public ClientHandler {
 public:
  // All outlive it.
  struct Parts {
    const NodeIdentity& identity;
    ClusterView& cluster;
    JobTable& jobs;
    JobPackager& packager;
    LocalLeases& leases;
    LeaseManager& lease_requests;
    ActorHost& actors;
    ActorDirectory& directory;
    ObjectManager& objects;
    ChannelBroker& channels;
    Router& router;
    DeathWatches& watches;
    NodeCredits& credits;
    LogFlusher& log_flusher;
    ProcessDeaths& deaths;
    ClientPort& clients;
    PeerPort& peers;
    HeadPort& head;
    WorkerPort& workers;
  };

  explicit ClientDispatcher(Parts parts) : m_(parts), self_(std::make_shared<ClientDispatcher*>(this)) {}

  void Admit(const pb::RegisterClient& request, pid_t pid, Admitted done) override;
  void FillRegistered(const ClientInfo& client, pb::Registered* registered) override;
  void OnRegistered(const ClientInfo& client) override;
  Status OnMessage(const ClientInfo& client, const pb::ClientToRaylet& message) override;
  Status OnRouted(const ClientInfo& client, std::string_view payload) override;
  void OnClosed(const ClientInfo& client, const Status& why) override;

  // Tells the head of a driver or worker that lives.
  void ReportClient(const ClientInfo& client);

 private:
  void AdmitDriver(const pb::RegisterClient& request, pid_t pid, Admitted done);
  void AdmitWorker(const pb::RegisterClient& request, pid_t pid, Admitted done);
  void AdmitTemplate(const pb::RegisterClient& request, pid_t pid, Admitted done);
  Status OnRequest(const ClientInfo& client, const pb::ClientToRaylet& message);
  Status OnNotice(const ClientInfo& client, const pb::ClientToRaylet& message);
  Status OnWorkerNotice(const ClientInfo& client, const pb::ClientToRaylet& message);
  void OpenChannel(const ClientInfo& client, std::uint64_t request_id, const pb::OpenChannel& open);
  void LetLeave(const ClientInfo& client, std::uint64_t request_id);
  void ReplyDone(ProcessId client, std::uint64_t request_id);
  void ReplyClusterState(const ClientInfo& client, std::uint64_t request_id);

  const Parts m_;
  std::shared_ptr<ClientDispatcher*> self_;  // what calls to the head hold weakly: gone with this
};

}  // namespace troupe::raylet
