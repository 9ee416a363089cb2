// ObjectTransfers: how the object manager gets objects from other nodes. An interface, so that tests need no network.
#pragma once

#include <functional>
#include <vector>

#include "common/status.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Loop thread; nothing blocks.
class ObjectTransfers {
 public:
  virtual ~ObjectTransfers() = default;

  // Brings a copy of `id` into this node's store from one of `nodes`, tried in turn. `done` runs once, later: OK when
  // the copy is sealed here (`from` tells whence), NOT_FOUND when none of them has it, RESOURCE_EXHAUSTED when it did
  // not fit. At most one fetch per object at a time.
  using Done = std::function<void(Status status, NodeId from)>;
  virtual void Fetch(ObjectId id, std::vector<NodeId> nodes, Done done) = 0;

  // Gives up a fetch: `done` will not run and nothing of the object stays. Ignored when there is none.
  virtual void Cancel(ObjectId id) = 0;

  // The node is gone: what comes from it is asked of the next.
  virtual void OnNodeDied(NodeId node) = 0;
};

}  // namespace troupe::raylet
