#include "raylet/cluster_view.h"

#include "raylet/convert.h"

namespace troupe::raylet {

ClusterView::Changes ClusterView::Apply(const google::protobuf::RepeatedPtrField<pb::NodeInfo>& nodes) {
  Changes changes;
  for (const pb::NodeInfo& info : nodes) {
    const auto id = NodeId::FromBytes(info.id());
    if (!id) continue;
    auto [it, added] = nodes_.try_emplace(*id);
    const bool was_alive = !added && it->second.info.alive();
    if (!added && !was_alive) continue;
    it->second = Node{info, it->second.report + 1};
    if (!info.alive()) ForgetOldDead(*id);
    if (*id == self_) continue;
    if (info.alive() && !was_alive) changes.joined.push_back(*id);
    if (!info.alive() && was_alive) changes.died.emplace_back(*id, info.death_reason());
  }
  return changes;
}

void ClusterView::ApplyLoads(const google::protobuf::RepeatedPtrField<pb::NodeLoad>& loads) {
  for (const pb::NodeLoad& load : loads) {
    const auto id = NodeId::FromBytes(load.id());
    auto it = id ? nodes_.find(*id) : nodes_.end();
    if (it == nodes_.end() || !it->second.info.alive()) continue;
    it->second = Node{std::move(it->second.info), it->second.report + 1};
    pb::NodeInfo& info = it->second.info;
    auto& available = *info.mutable_available()->mutable_units();
    for (const auto& [name, units] : load.available()) {
      units == 0 ? static_cast<void>(available.erase(name)) : static_cast<void>(available[name] = units);
    }
    info.set_placement_cpu_units(load.placement_cpu_units());
    info.set_store_used(load.store_used());
    info.set_workers(load.workers());
    info.set_actors(load.actors());
    info.set_version(load.version());
  }
}

void ClusterView::ForgetOldDead(NodeId died) {
  dead_.push_back(died);
  if (dead_.size() <= kMaxDead) return;
  nodes_.erase(dead_.front());
  dead_.erase(dead_.begin());
}

const pb::NodeInfo* ClusterView::Find(NodeId node) const {
  auto it = nodes_.find(node);
  return it == nodes_.end() ? nullptr : &it->second.info;
}

bool ClusterView::Alive(NodeId node) const {
  const pb::NodeInfo* info = Find(node);
  return info != nullptr && info->alive();
}

std::string ClusterView::DeathReason(NodeId node) const {
  const pb::NodeInfo* info = Find(node);
  if (info == nullptr) return "node " + node.Hex().substr(0, 8) + " is not part of this cluster";
  return "node " + node.Hex().substr(0, 8) + " died: " + info->death_reason();
}

std::vector<NodeId> ClusterView::AliveOthers() const {
  std::vector<NodeId> ids;
  for (const auto& [id, node] : nodes_) {
    if (id != self_ && node.info.alive()) ids.push_back(id);
  }
  return ids;
}

std::vector<pb::NodeInfo> ClusterView::Nodes() const {
  std::vector<pb::NodeInfo> infos;
  for (const auto& [id, node] : nodes_) infos.push_back(node.info);
  return infos;
}

std::vector<scheduler::NodeView> ClusterView::Views() const {
  std::vector<scheduler::NodeView> views;
  for (const auto& [id, node] : nodes_) {
    if (id == self_ || !node.info.alive()) continue;
    scheduler::NodeView view = ViewFromPb(node.info);
    view.available = node.full ? ResourceSet() : view.available.Subtract(node.debited);
    views.push_back(std::move(view));
  }
  return views;
}

std::uint64_t ClusterView::Debit(NodeId node, const ResourceSet& resources) {
  auto it = nodes_.find(node);
  if (it == nodes_.end()) return 0;
  it->second.debited.Add(resources);
  return it->second.report;
}

void ClusterView::Credit(NodeId node, std::uint64_t report, const ResourceSet& resources) {
  auto it = nodes_.find(node);
  if (it != nodes_.end() && it->second.report == report) it->second.debited.Subtract(resources);
}

void ClusterView::SetFull(NodeId node) {
  if (auto it = nodes_.find(node); it != nodes_.end()) it->second.full = true;
}

void ClusterView::Reopen(NodeId node) {
  if (auto it = nodes_.find(node); it != nodes_.end()) it->second.full = false;
}

}  // namespace troupe::raylet
