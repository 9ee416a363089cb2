// Between messages and the types of common/ and scheduler/. Pure.
#pragma once

#include <string>

#include "common/resources.h"
#include "common/status.h"
#include "proto/client.pb.h"
#include "proto/common.pb.h"
#include "scheduler/scheduler.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// InvalidArgument for names or amounts that ResourceSet refuses.
Result<ResourceSet> ResourcesFromPb(const pb::Resources& resources);
// As reported by a raylet: amounts below zero are kept (its workers lend CPUs while they wait), bad names are not
// looked for.
ResourceSet AvailableFromPb(const pb::Resources& resources);
pb::Resources ToPb(const ResourceSet& resources);

// The zero address when `address` has no valid node id.
Address AddressFromPb(const pb::Address& address);
pb::Address ToPb(const Address& address);

// The zero id when `bytes` are not 16.
template <class Id>
Id IdFromPb(const std::string& bytes) {
  return Id::FromBytes(bytes).value_or(Id{});
}

// What a lease asks for, seen from node `local`. InvalidArgument as ResourcesFromPb, or for a GPU amount above one
// that is not whole.
Result<scheduler::Demand> DemandFromPb(const pb::LeaseRequest& request, NodeId local);

// What the scheduler may know of a live node.
scheduler::NodeView ViewFromPb(const pb::NodeInfo& info);

// InvalidArgument unless `resources` can be given out at all: GPUs above one come whole.
Status CheckGrantable(const ResourceSet& resources);

}  // namespace troupe::raylet
