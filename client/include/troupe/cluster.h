// The cluster as the program sees it: nodes, resources, and where the calling code runs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "troupe/internal/runtime.h"

namespace troupe {

using NodeInfo = internal::NodeDescription;

// What GetRuntimeContext returns. Ids that do not apply are none: the actor outside actors, the task outside calls.
using RuntimeContext = internal::Context;

// All nodes of the cluster, also dead ones, as the head told the raylet of this node last: what is free may be a second
// old, and while the head is away nothing changes. Blocks for one question to the raylet. Any thread. UsageError
// without Init, ConnectionError when the raylet is gone.
std::vector<NodeInfo> Nodes();

// Sums over the living nodes, by resource ("CPU", "GPU", "memory" in bytes, custom names): what they have, and what
// of it is free. Blocks and throws as Nodes().
std::map<std::string, double> ClusterResources();
std::map<std::string, double> AvailableResources();

// Where the calling code runs. Any thread; in a thread that the program made itself, the ids of the task and actor
// are none. Does not block. UsageError without Init.
RuntimeContext GetRuntimeContext();

}  // namespace troupe
