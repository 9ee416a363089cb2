// How one node stands towards one demand.
#pragma once

#include "scheduler/scheduler.h"

namespace troupe::scheduler {

// Whether every label that `demand` asks for equals the node's.
bool LabelsMatch(const Demand& demand, const NodeView& node);

// Whether the node could hold `demand` if nothing else ran on it.
bool CouldHold(const Demand& demand, const NodeView& node);

// Whether the node can hold it now.
bool HasRoom(const Demand& demand, const NodeView& node);

// The node's use with `demand` on it: the largest used/total over the demanded resources and the CPU. Above 1 when
// more is counted than there is, which happens only to what placing counts and running does not hold.
double UseAfter(const Demand& demand, const NodeView& node);

}  // namespace troupe::scheduler
