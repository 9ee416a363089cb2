#include "client/task_shape.h"

#include <algorithm>
#include <map>
#include <utility>

#include "client/records.h"
#include "common/resources.h"

namespace troupe::client {
namespace {

// Maps serialise in no fixed order, so the amounts are written in order here.
std::string KeyOf(const pb::Resources& resources, const pb::Placement& placement) {
  const std::map<std::string, std::int64_t> units(resources.units().begin(), resources.units().end());
  std::string key;
  for (const auto& [name, amount] : units) key += name + '=' + std::to_string(amount) + ';';
  key += '|' + std::to_string(placement.strategy()) + placement.node() + (placement.soft() ? "s" : "h");
  const std::map<std::string, std::string> labels(placement.labels().begin(), placement.labels().end());
  for (const auto& [name, value] : labels) key += '|' + name + '=' + value;
  for (const pb::ArgumentBytes& argument : placement.arguments()) key += '@' + argument.node();
  return key;
}

}  // namespace

ShapePtr MakeShape(pb::Resources resources, pb::Placement placement) {
  auto shape = std::make_shared<TaskShape>();
  shape->key = KeyOf(resources, placement);
  if (const auto cpus = resources.units().find(kCpu); cpus != resources.units().end()) shape->cpu_units = cpus->second;
  shape->only_cpus = std::all_of(resources.units().begin(), resources.units().end(),
                                 [](const auto& amount) { return amount.first == kCpu || amount.second == 0; });
  shape->resources = std::move(resources);
  shape->placement = std::move(placement);
  return shape;
}

ShapePtr NearArguments(ShapePtr shape, const internal::Arguments& arguments) {
  std::map<NodeId, std::uint64_t> bytes;
  for (const auto& [position, object] : arguments.refs) {
    const ObjectRecord& record = *object->record();
    if (record.state != ObjectRecord::State::kStored) continue;
    for (const NodeId& node : record.nodes) bytes[node] += record.size;
  }
  const auto most =
      std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == bytes.end()) return shape;
  pb::Placement placement = shape->placement;
  pb::ArgumentBytes* argument = placement.add_arguments();
  argument->set_node(most->first.Bytes());
  argument->set_bytes(most->second);
  return MakeShape(shape->resources, std::move(placement));
}

bool BelongsOn(NodeId node, const TaskShape& shape) {
  const pb::Placement& placement = shape.placement;
  const bool anywhere = placement.strategy() == pb::Placement::DEFAULT;
  const bool here = placement.strategy() == pb::Placement::NODE_AFFINITY && placement.node() == node.Bytes();
  const bool arguments_here = std::all_of(placement.arguments().begin(), placement.arguments().end(),
                                          [&](const auto& argument) { return argument.node() == node.Bytes(); });
  return shape.only_cpus && (anywhere || here) && placement.labels().empty() && arguments_here;
}

}  // namespace troupe::client
