// How the managers speak to this node's clients and to the other nodes. Interfaces, so that tests need neither.
#pragma once

#include <string_view>

#include "common/status.h"
#include "proto/client.pb.h"
#include "proto/node.pb.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// The drivers and workers of this node. Loop thread; nothing here blocks.
class ClientOutbox {
 public:
  virtual ~ClientOutbox() = default;

  virtual bool Connected(ProcessId client) const = 0;
  // Queues `message`, in order. Does nothing when the client is gone: whoever must know learns of its end.
  virtual void Send(ProcessId to, const pb::RayletToClient& message) = 0;
  // Queues a routed frame. NotFound: no such client. ResourceExhausted: it does not read and its queue is full.
  virtual Status SendRouted(ProcessId to, const Address& from, std::string_view frame) = 0;
  // To every driver and worker.
  virtual void Broadcast(const pb::RayletToClient& message) = 0;
};

// The other nodes of the cluster. Loop thread; nothing here blocks.
class PeerOutbox {
 public:
  virtual ~PeerOutbox() = default;

  // Queues `part`, which is merged with what waits already and arrives in order. NotFound: no such live node.
  // ResourceExhausted: the queue to it is full. What is queued when the node dies is dropped.
  virtual Status Send(NodeId to, pb::PeerMessage part) = 0;
  // To every live node.
  virtual void Broadcast(const pb::PeerMessage& part) = 0;
};

// The same, with what only those need who pass messages on.
class PeerPort : public PeerOutbox {
 public:
  // More waits for the node than its connection takes at the moment.
  virtual bool Congested(NodeId node) const = 0;
  // So much that who sends more has no credit for it, or very many do.
  virtual bool Overfull(NodeId node) const = 0;
  // The node has joined the cluster.
  virtual void OnJoined(NodeId node) = 0;
};

}  // namespace troupe::raylet
