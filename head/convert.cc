#include "head/convert.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace troupe::head {
namespace {

template <class Id>
Result<Id> ParseId(std::string_view bytes, const char* what) {
  auto id = Id::FromBytes(bytes);
  if (!id || !*id) return InvalidArgument(std::string(what) + " must be 16 bytes and not zero");
  return *id;
}

scheduler::Strategy StrategyOf(pb::Placement::Strategy strategy) {
  switch (strategy) {
    case pb::Placement::SPREAD: return scheduler::Strategy::kSpread;
    case pb::Placement::NODE_AFFINITY: return scheduler::Strategy::kNodeAffinity;
    default: return scheduler::Strategy::kDefault;
  }
}

}  // namespace

Result<NodeId> ParseNodeId(std::string_view bytes, const char* what) { return ParseId<NodeId>(bytes, what); }
Result<ActorId> ParseActorId(std::string_view bytes, const char* what) { return ParseId<ActorId>(bytes, what); }

NodeId NodeIdOrNone(std::string_view bytes) { return NodeId::FromBytes(bytes).value_or(NodeId{}); }
ActorId ActorIdOrNone(std::string_view bytes) { return ActorId::FromBytes(bytes).value_or(ActorId{}); }

Address FromProto(const pb::Address& address) { return {NodeIdOrNone(address.node()), ProcessId{address.process()}}; }

pb::Address ToProto(const Address& address) {
  pb::Address message;
  message.set_node(address.node.Bytes());
  message.set_process(address.process.value);
  return message;
}

Result<ResourceSet> FromProto(const pb::Resources& resources) {
  return ResourceSet::FromUnits({resources.units().begin(), resources.units().end()});
}

pb::Resources ToProto(const ResourceSet& resources) {
  pb::Resources message;
  for (const auto& [name, units] : resources.units()) (*message.mutable_units())[name] = units;
  return message;
}

scheduler::Demand ToDemand(const ResourceSet& resources, const ResourceSet& placement_resources,
                           const pb::Placement& placement, const NodeId& local) {
  scheduler::Demand demand;
  demand.resources = resources;
  demand.placement_resources = placement_resources;
  demand.strategy = StrategyOf(placement.strategy());
  demand.node = NodeIdOrNone(placement.node());
  demand.soft = placement.soft();
  demand.labels = {placement.labels().begin(), placement.labels().end()};
  for (const auto& argument : placement.arguments()) {
    demand.argument_bytes.emplace_back(NodeIdOrNone(argument.node()), argument.bytes());
  }
  demand.local = local;
  return demand;
}

std::string CanonicalBytes(const google::protobuf::MessageLite& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace troupe::head
