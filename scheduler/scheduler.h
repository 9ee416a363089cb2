// Where a task or an actor should run: pure decisions over a view of the cluster. No clock, no I/O, no locks.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/resources.h"
#include "troupe/ids.h"

namespace troupe::scheduler {

// What the decider knows of one live node.
struct NodeView {
  NodeId id;
  ResourceSet total;
  ResourceSet available;
  std::int64_t placement_cpu_units = 0;  // what actors that hold no CPU count for when a node is chosen
  std::map<std::string, std::string> labels;
  bool draining = false;  // it takes nothing now: it leaves, or is silent and may come back
};

enum class Strategy { kDefault, kSpread, kNodeAffinity };

// What wants to run.
struct Demand {
  ResourceSet resources;            // must be free
  ResourceSet placement_resources;  // counted when nodes are compared; empty: `resources`
  Strategy strategy = Strategy::kDefault;
  NodeId node;                                // for kNodeAffinity
  bool soft = false;                          // kNodeAffinity: elsewhere when the node is gone or can never hold it
  std::map<std::string, std::string> labels;  // each must equal the node's
  std::vector<std::pair<NodeId, std::uint64_t>> argument_bytes;  // large arguments, by where they lie
  NodeId local;                                                  // where the request comes from; preferred among equals
};

// The outcome: a node, or why there is none.
struct Decision {
  enum class Kind {
    kPlaced,
    kWait,        // a node could hold it, none has room now or takes work now
    kInfeasible,  // no node of this cluster could ever hold it
  };
  Kind kind = Kind::kWait;
  NodeId node;  // for kPlaced
  std::string
      reason;  // for the others: "needs GPU: 4, the largest node has 2", "waits for CPU: 2; node ab12cd34 has 1 free"
};

// Chooses a node. Default: the node that holds most bytes of large arguments when it has room; else nodes less
// than half used after placement, in the order local first, then the most used (pack); when all would be more
// than half used, the least used (spread). A node's use is the largest used/total over the demanded resources
// and the CPU. kSpread: the node with room after `*spread_cursor` in id order, which is then moved on.
// Deterministic in its arguments. O(nodes).
Decision Decide(const Demand& demand, std::span<const NodeView> nodes, NodeId* spread_cursor);

}  // namespace troupe::scheduler
