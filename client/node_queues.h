// NodeQueues: what a process sends to processes of other nodes, and what of it waits, node by node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/client_wire.h"
#include "troupe/ids.h"

namespace troupe::client {

// A frame waits while its node has as much under way as the window allows (ipc::kRoutedWindow), and while the raylet
// has much to read. So a node that takes nothing holds up only those who send to it, and little of a flood lies between
// a process and its raylet, or before other messages to it. Frames to one node stay in order. Needs the mutex.
class NodeQueues {
 public:
  using Send = std::function<void(const Address& to, std::string_view frame)>;

  // `send` passes a frame on to the raylet, which `has_room` for more or not.
  NodeQueues(Send send, std::function<bool()> has_room) : send_(std::move(send)), has_room_(std::move(has_room)) {}

  void Write(const Address& to, std::string frame);
  // The raylet has passed on so much, or will.
  void OnCredit(NodeId node, std::uint64_t bytes);
  // The raylet has room again.
  void OnRoom();
  // The node is dead; what waits for it goes nowhere.
  void Drop(NodeId node) { queues_.erase(node); }

  std::size_t bytes(NodeId node) const;
  bool empty() const;

 private:
  struct Queue {
    std::int64_t credit = ipc::kRoutedWindow;
    std::deque<std::pair<Address, std::string>> frames;
    std::size_t bytes = 0;
  };

  void Pass(Queue& queue, const Address& to, std::string_view frame);

  const Send send_;
  const std::function<bool()> has_room_;
  std::map<NodeId, Queue> queues_;  // of nodes that something has been sent to
};

}  // namespace troupe::client
