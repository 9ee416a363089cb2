// NodeSender: where the head's messages leave for the raylets.
#pragma once

#include "common/status.h"
#include "head/commits.h"
#include "proto/head.pb.h"
#include "troupe/ids.h"

namespace troupe::head {

// Loop thread only; never blocks.
class NodeSender {
 public:
  virtual ~NodeSender() = default;

  // Queues `message` for `node`, after everything sent to it before. Dropped when the node is not connected: what it
  // must know is sent again when it comes back.
  virtual void Send(const NodeId& node, pb::HeadToNode message) = 0;

  // Ends the connection of a node that has been declared dead. Nothing when it has none.
  virtual void Disconnect(const NodeId& node, const Status& why) = 0;
};

// Sends by `to` what the head may say by then: after the commit of what it had decided.
class CommittedSender : public NodeSender {
 public:
  // Both outlive this.
  CommittedSender(Commits& commits, NodeSender& to) : commits_(commits), to_(to) {}

  void Send(const NodeId& node, pb::HeadToNode message) override {
    commits_.Then([&to = to_, node, message = std::move(message)]() mutable { to.Send(node, std::move(message)); });
  }
  void Disconnect(const NodeId& node, const Status& why) override {
    commits_.Then([&to = to_, node, why] { to.Disconnect(node, why); });
  }

 private:
  Commits& commits_;
  NodeSender& to_;
};

}  // namespace troupe::head
