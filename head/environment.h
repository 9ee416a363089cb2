// What the head's state classes get from outside: time, chance, the raylets and the registry. Tests give fakes.
#pragma once

#include <cstdint>
#include <functional>

#include "common/event_loop.h"
#include "common/status.h"
#include "head/registry.h"
#include "proto/head.pb.h"
#include "troupe/ids.h"

namespace troupe::head {

// Takes the answer to a request, once, on the loop.
template <class T>
using Reply = std::function<void(Result<T>)>;

// Where the head's decisions leave for the raylets. Loop thread only; never blocks.
class NodeSender {
 public:
  virtual ~NodeSender() = default;

  // Queues `message` for `node`, after everything sent to it before. Dropped when the node is not connected: what it
  // must know is sent again when it comes back.
  virtual void Send(const NodeId& node, const pb::HeadToNode& message) = 0;

  // Ends the connection of a node that has been declared dead. Nothing when it has none.
  virtual void Disconnect(const NodeId& node, const Status& why) = 0;
};

// Everything referred to outlives the state classes.
struct Environment {
  EventLoop& loop;
  NodeSender& nodes;
  Registry& registry;
  std::function<double()> random;         // in [0, 1)
  std::function<std::int64_t()> wall_ms;  // milliseconds since the epoch; shown to people, decides nothing
  std::function<JobId()> new_job_id = [] { return JobId::Random(); };
};

}  // namespace troupe::head
