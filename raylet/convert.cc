#include "raylet/convert.h"

#include <map>
#include <utility>

namespace troupe::raylet {

Result<ResourceSet> ResourcesFromPb(const pb::Resources& resources) {
  return ResourceSet::FromUnits({resources.units().begin(), resources.units().end()});
}

ResourceSet AvailableFromPb(const pb::Resources& resources) {
  ResourceSet set;
  for (const auto& [name, units] : resources.units()) set.SetUnits(name, units);
  return set;
}

pb::Resources ToPb(const ResourceSet& resources) {
  pb::Resources message;
  for (const auto& [name, units] : resources.units()) (*message.mutable_units())[name] = units;
  return message;
}

Address AddressFromPb(const pb::Address& address) {
  auto node = NodeId::FromBytes(address.node());
  if (!node) return {};
  return {*node, ProcessId{address.process()}};
}

pb::Address ToPb(const Address& address) {
  pb::Address message;
  message.set_node(address.node.Bytes());
  message.set_process(address.process.value);
  return message;
}

Status CheckGrantable(const ResourceSet& resources) {
  const std::int64_t gpus = resources.Units(kGpu);
  if (gpus <= ResourceSet::kUnit || gpus % ResourceSet::kUnit == 0) return OkStatus();
  return InvalidArgument("asks for " + std::to_string(resources.Amount(kGpu)) +
                         " GPUs; ask for a whole number, or for a part of one GPU");
}

Result<scheduler::Demand> DemandFromPb(const pb::LeaseRequest& request, NodeId local) {
  scheduler::Demand demand;
  TROUPE_ASSIGN_OR_RETURN(demand.resources, ResourcesFromPb(request.resources()));
  TROUPE_RETURN_IF_ERROR(CheckGrantable(demand.resources));
  const pb::Placement& placement = request.placement();
  switch (placement.strategy()) {
    case pb::Placement::SPREAD: demand.strategy = scheduler::Strategy::kSpread; break;
    case pb::Placement::NODE_AFFINITY: demand.strategy = scheduler::Strategy::kNodeAffinity; break;
    default: demand.strategy = scheduler::Strategy::kDefault; break;
  }
  demand.node = IdFromPb<NodeId>(placement.node());
  demand.soft = placement.soft();
  demand.labels = {placement.labels().begin(), placement.labels().end()};
  for (const pb::ArgumentBytes& argument : placement.arguments()) {
    demand.argument_bytes.emplace_back(IdFromPb<NodeId>(argument.node()), argument.bytes());
  }
  demand.local = local;
  return demand;
}

scheduler::NodeView ViewFromPb(const pb::NodeInfo& info) {
  scheduler::NodeView view;
  view.id = IdFromPb<NodeId>(info.id());
  view.total = AvailableFromPb(info.total());
  view.available = AvailableFromPb(info.available());
  view.placement_cpu_units = info.placement_cpu_units();
  view.labels = {info.labels().begin(), info.labels().end()};
  return view;
}

}  // namespace troupe::raylet
