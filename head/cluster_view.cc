#include "head/cluster_view.h"

#include <algorithm>
#include <utility>

namespace troupe::head {
namespace {

// By how much each amount fell from one report to the next.
ResourceSet Fall(const ResourceSet& before, const ResourceSet& after) {
  ResourceSet fall;
  for (const auto& [name, units] : before.units()) {
    if (units > after.Units(name)) fall.SetUnits(name, units - after.Units(name));
  }
  return fall;
}

}  // namespace

scheduler::NodeView* ClusterView::View(const NodeId& node) {
  auto it = std::lower_bound(views_.begin(), views_.end(), node,
                             [](const scheduler::NodeView& view, const NodeId& id) { return view.id < id; });
  return it != views_.end() && it->id == node ? &*it : nullptr;
}

void ClusterView::Refresh(const NodeId& id, const Node& node) {
  scheduler::NodeView* view = View(id);
  view->available = node.available;
  view->placement_cpu_units = node.placement_cpu_units;
  for (const Deduction& deduction : node.deductions) {
    view->available.Subtract(deduction.resources);
    view->placement_cpu_units += deduction.placement_cpu_units;
  }
}

void ClusterView::Join(const NodeId& node, const ResourceSet& total, std::map<std::string, std::string> labels) {
  auto [it, fresh] = nodes_.try_emplace(node);
  if (fresh) {
    it->second.available = total;
    auto place = std::lower_bound(views_.begin(), views_.end(), node,
                                  [](const scheduler::NodeView& view, const NodeId& id) { return view.id < id; });
    views_.insert(place, scheduler::NodeView{})->id = node;
  }
  scheduler::NodeView* view = View(node);
  view->total = total;
  view->labels = std::move(labels);
  view->draining = false;
  Refresh(node, it->second);
}

void ClusterView::Remove(const NodeId& node) {
  auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  for (const Deduction& deduction : it->second.deductions) on_the_way_.erase(deduction.actor);
  nodes_.erase(it);
  std::erase_if(views_, [&node](const scheduler::NodeView& view) { return view.id == node; });
}

void ClusterView::SetDraining(const NodeId& node, bool draining) {
  if (scheduler::NodeView* view = View(node)) view->draining = draining;
}

void ClusterView::Report(const NodeId& id, const ResourceSet& available, std::int64_t placement_cpu_units,
                         MonotonicTime now) {
  auto it = nodes_.find(id);
  if (it == nodes_.end()) return;
  Node& node = it->second;
  ResourceSet fall = Fall(node.available, available);
  std::int64_t rise = placement_cpu_units - node.placement_cpu_units;
  std::erase_if(node.deductions, [&](const Deduction& deduction) {
    const bool paid = fall.Contains(deduction.resources) && rise >= deduction.placement_cpu_units;
    if (!deduction.started && !paid && now - deduction.placed < kSettle) return false;
    if (paid) {
      fall.Subtract(deduction.resources);
      rise -= deduction.placement_cpu_units;
    }
    on_the_way_.erase(deduction.actor);
    return true;
  });
  node.available = available;
  node.placement_cpu_units = placement_cpu_units;
  ++node.reports;
  Refresh(id, node);
}

std::optional<std::uint64_t> ClusterView::reports(const NodeId& node) const {
  auto it = nodes_.find(node);
  if (it == nodes_.end()) return std::nullopt;
  return it->second.reports;
}

void ClusterView::Placed(const NodeId& id, const ActorId& actor, const ResourceSet& resources,
                         std::int64_t placement_cpu_units, MonotonicTime now) {
  auto it = nodes_.find(id);
  if (it == nodes_.end()) return;
  it->second.deductions.push_back({actor, resources, placement_cpu_units, now});
  on_the_way_[actor] = id;
  scheduler::NodeView* view = View(id);
  view->available.Subtract(resources);
  view->placement_cpu_units += placement_cpu_units;
}

void ClusterView::Started(const ActorId& actor) {
  auto it = on_the_way_.find(actor);
  if (it == on_the_way_.end()) return;
  for (Deduction& deduction : nodes_[it->second].deductions) {
    if (deduction.actor == actor) deduction.started = true;
  }
}

void ClusterView::Ended(const ActorId& actor) {
  auto it = on_the_way_.find(actor);
  if (it == on_the_way_.end()) return;
  Node& node = nodes_[it->second];
  std::erase_if(node.deductions, [&actor](const Deduction& deduction) { return deduction.actor == actor; });
  Refresh(it->second, node);
  on_the_way_.erase(it);
}

}  // namespace troupe::head
