// ClientDispatcher: admits clients and hands each of their messages to the manager it is for.
#pragma once

#include "raylet/links/client_handler.h"
#include "raylet/managers.h"
#include "raylet/node_identity.h"

namespace troupe::raylet {

// Loop thread. Both arguments outlive it.
class ClientDispatcher : public ClientHandler {
 public:
  ClientDispatcher(const Managers& managers, const NodeIdentity& identity)
      : m_(managers), identity_(identity), self_(std::make_shared<ClientDispatcher*>(this)) {}

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
  void LetLeave(const ClientInfo& client, std::uint64_t request_id);
  void ReplyDone(ProcessId client, std::uint64_t request_id);
  void ReplyClusterState(const ClientInfo& client, std::uint64_t request_id);

  const Managers& m_;
  const NodeIdentity& identity_;
  std::shared_ptr<ClientDispatcher*> self_;  // what calls to the head hold weakly: gone with this
};

}  // namespace troupe::raylet
