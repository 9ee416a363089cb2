// ClientRegistry: the connections of this node's drivers, workers and templates.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/event_loop.h"
#include "common/status.h"
#include "ipc/server_connection.h"
#include "proto/client.pb.h"
#include "raylet/ports/client_handler.h"
#include "raylet/ports/client_info.h"
#include "raylet/ports/client_port.h"
#include "raylet/ports/regions.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// The first message of a connection registers it. Whoever sends what does not decode, comes out of turn or makes no
// sense is logged and disconnected; nobody else is affected. Loop thread.
class ClientRegistry : public ClientPort {
 public:
  // `doorbell_prefix` begins the names of the clients' doorbells. `handler` and `regions` outlive this.
  ClientRegistry(EventLoop& loop, std::string doorbell_prefix, Regions& regions, ClientHandler& handler);
  // Closes every connection, and removes the doorbells; the handler hears nothing of it.
  ~ClientRegistry() override;

  // A new connection.
  void Accept(std::shared_ptr<ipc::ServerConnection> connection);

  const ClientInfo* Find(ProcessId process) const override;
  std::vector<const ClientInfo*> List() const override;

  bool Connected(ProcessId client) const override { return by_process_.contains(client); }
  void Send(ProcessId to, const pb::RayletToClient& message) override;
  Status SendRouted(ProcessId to, const Address& from, std::string_view frame) override;
  void Broadcast(const pb::RayletToClient& message) override;
  void SendToTemplate(pid_t pid, const pb::RayletToClient& message) override;
  void Disconnect(ProcessId client, const Status& why) override;
  void Pause(ProcessId client, NodeId node) override;
  void Resume(NodeId node) override;

 private:
  // A driver whose terminal is slower than its workers print does without the rest.
  static constexpr std::size_t kMaxPendingOutput = 1u << 20;
  // Callers hold back by themselves (client/actor_calls.cc); this is against those who do not.
  static constexpr std::size_t kMaxPendingRouted = 1u << 30;

  // new --RegisterClient--> admitting --admitted--> registered
  enum class State { kNew, kAdmitting, kRegistered };
  struct Session {
    std::shared_ptr<ipc::ServerConnection> connection;
    State state = State::kNew;
    std::uint64_t number = 0;
    ClientInfo info;
    std::uint64_t lines_dropped = 0;  // of output that the client has not been told of
  };
  using Number = std::uint64_t;

  void OnFrame(Number number, const ipc::Frame& frame);
  Status Handle(Session& session, const ipc::Frame& frame);
  Status Register(Session& session, const pb::ClientToRaylet& message);
  void OnAdmitted(Number number, std::uint64_t request_id, Result<ClientInfo> info);
  Status CreateDoorbell(ClientInfo* info);
  void OnClosed(Number number, const Status& why);
  void Disconnect(Number number, const Status& why);
  void Refuse(Number number, std::uint64_t request_id, const Status& why);
  void SendOn(Session& session, const pb::RayletToClient& message);
  void SendOutput(Session& session, const pb::RayletToClient& message);

  EventLoop& loop_;
  const std::string doorbell_prefix_;
  Regions& regions_;
  ClientHandler& handler_;
  Number last_number_ = 0;
  std::unordered_map<Number, Session> sessions_;
  std::unordered_map<ProcessId, Number> by_process_;  // drivers and workers
  std::unordered_map<pid_t, Number> templates_;
  std::multimap<NodeId, Number> paused_;
  std::shared_ptr<ClientRegistry*> self_;  // what admissions and posted work hold weakly: gone with this
};

}  // namespace troupe::raylet
