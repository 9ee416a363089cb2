// ClientHandler: what happens to a client's messages. An interface between the connections and the managers.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/status.h"
#include "proto/client.pb.h"
#include "raylet/ports/client_info.h"

namespace troupe::raylet {

// Loop thread. A failed Status says that the client broke the protocol: its connection is closed.
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;

  // Admits a process: `done` runs once, now or later, with what it is from now on known as, or with why it is refused.
  // `pid` is the kernel's word.
  using Admitted = std::function<void(Result<ClientInfo>)>;
  virtual void Admit(const pb::RegisterClient& request, pid_t pid, Admitted done) = 0;
  // Completes the answer to an admitted client.
  virtual void FillRegistered(const ClientInfo& client, pb::Registered* registered) = 0;
  // It has been answered and can be spoken to.
  virtual void OnRegistered(const ClientInfo& client) = 0;

  virtual Status OnMessage(const ClientInfo& client, const pb::ClientToRaylet& message) = 0;
  virtual Status OnRouted(const ClientInfo& client, std::string_view payload) = 0;
  // Its connection has ended, after everything it sent. Only for admitted clients.
  virtual void OnClosed(const ClientInfo& client, const Status& why) = 0;
};

}  // namespace troupe::raylet
