// Between the messages of proto/ and the types of the code. Foreign bytes are checked here and nowhere else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/resources.h"
#include "common/status.h"
#include "proto/common.pb.h"
#include "scheduler/scheduler.h"
#include "troupe/ids.h"

namespace troupe::head {

// INVALID_ARGUMENT naming `what` unless `bytes` is a non-zero id of 16 bytes.
Result<NodeId> ParseNodeId(std::string_view bytes, const char* what);
Result<ActorId> ParseActorId(std::string_view bytes, const char* what);

// The zero id for bytes of another size.
NodeId NodeIdOrNone(std::string_view bytes);
ActorId ActorIdOrNone(std::string_view bytes);
Address FromProto(const pb::Address& address);
pb::Address ToProto(const Address& address);

// INVALID_ARGUMENT names the resource that is out of range or badly named.
Result<ResourceSet> FromProto(const pb::Resources& resources);
pb::Resources ToProto(const ResourceSet& resources);

// What the scheduler is asked for `placement` of the given resources, for a request made on `local`.
scheduler::Demand ToDemand(const ResourceSet& resources, const ResourceSet& placement_resources,
                           const pb::Placement& placement, const NodeId& local);

// The same bytes for equal messages, whatever order their maps are in.
std::string CanonicalBytes(const google::protobuf::MessageLite& message);

// The first 8 digits, as logs and messages to people show ids.
template <class Id>
std::string Short(const Id& id) {
  return id.Hex().substr(0, 8);
}

}  // namespace troupe::head
