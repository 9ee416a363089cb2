// PeerTransport: opens streams to other nodes.
#pragma once

#include <memory>
#include <string>

#include "proto/node.pb.h"
#include "raylet/ports/message_stream.h"
#include "troupe/ids.h"

namespace troupe::raylet {

using PeerStream = MessageStream<pb::PeerMessage, pb::PeerMessage>;

// Loop thread; nothing here blocks.
class PeerTransport {
 public:
  virtual ~PeerTransport() = default;

  // Opens a stream to a live node; whether that succeeds is heard by its handlers, which are set before the next turn.
  virtual std::shared_ptr<PeerStream> Open(NodeId node, const std::string& address) = 0;
  // The node is dead: nothing will be opened to it any more.
  virtual void Forget(NodeId node) = 0;
};

}  // namespace troupe::raylet
