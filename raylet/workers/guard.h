// The guard: a process that ends what belongs to a raylet when the raylet is killed.
#pragma once

#include "common/status.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Forks it; it ends by itself once this process has ended, and has killed by then whatever bears the mark of `node`: a
// worker that is stopped does not see that its raylet is gone, and the children of workers do not look. Nothing is left
// to do for it when the raylet ended in order. Before this process makes threads. `argv` is main()'s: the guard writes
// its name there, for ps(1).
Status StartGuard(NodeId node, int argc, char** argv);

}  // namespace troupe::raylet
