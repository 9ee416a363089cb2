// ClientPort: the connections of this node's clients, as the raylet's core sees them.
#pragma once

#include <sys/types.h>

#include <vector>

#include "raylet/ports/client_info.h"
#include "raylet/ports/outbox.h"

namespace troupe::raylet {

// Loop thread; nothing here blocks. What the clients say comes by ClientHandler.
class ClientPort : public ClientOutbox {
 public:
  // Null when there is no such registered driver or worker. Valid until the loop's next event.
  virtual const ClientInfo* Find(ProcessId process) const = 0;
  virtual std::vector<const ClientInfo*> List() const = 0;
  // To a template, which has no process id of its own to send to.
  virtual void SendToTemplate(pid_t pid, const pb::RayletToClient& message) = 0;
  // Closes the client's connection; the handler hears of it. Ignored when there is none.
  virtual void Disconnect(ProcessId client, const Status& why) = 0;
  // Reads no more from the client until the way to `node` is free: what it sends waits in its own process then.
  virtual void Pause(ProcessId client, NodeId node) = 0;
  virtual void Resume(NodeId node) = 0;
};

}  // namespace troupe::raylet
