#include "scheduler/node_use.h"

#include <algorithm>
#include <limits>

namespace troupe::scheduler {
namespace {

double Ratio(std::int64_t used, std::int64_t total) {
  if (used <= 0) return 0;
  if (total <= 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(used) / static_cast<double>(total);
}

double UseOf(const std::string& name, const Demand& demand, const NodeView& node) {
  std::int64_t used = node.total.Units(name) - node.available.Units(name);
  if (name == kCpu) used += node.placement_cpu_units;
  used += std::max(demand.resources.Units(name), demand.placement_resources.Units(name));
  return Ratio(used, node.total.Units(name));
}

}  // namespace

bool LabelsMatch(const Demand& demand, const NodeView& node) {
  return std::all_of(demand.labels.begin(), demand.labels.end(), [&node](const auto& label) {
    auto it = node.labels.find(label.first);
    return it != node.labels.end() && it->second == label.second;
  });
}

bool CouldHold(const Demand& demand, const NodeView& node) {
  return LabelsMatch(demand, node) && node.total.Contains(demand.resources);
}

bool HasRoom(const Demand& demand, const NodeView& node) { return node.available.Contains(demand.resources); }

double UseAfter(const Demand& demand, const NodeView& node) {
  double use = UseOf(kCpu, demand, node);
  for (const auto& [name, units] : demand.resources.units()) use = std::max(use, UseOf(name, demand, node));
  for (const auto& [name, units] : demand.placement_resources.units()) use = std::max(use, UseOf(name, demand, node));
  return use;
}

}  // namespace troupe::scheduler
