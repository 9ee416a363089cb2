#include "head/node_table.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/name.h"
#include "head/convert.h"
#include "head/row_reader.h"

namespace troupe::head {
namespace {

constexpr std::size_t kDeadKept = 1'000;
// Acknowledgements are this far apart at least, unless many events wait for one.
constexpr std::chrono::milliseconds kAcknowledgeGap{250};
constexpr std::uint64_t kEventsAtOnce = 100;

Status CheckHello(const pb::NodeHello& hello) {
  if (hello.address().empty() || hello.address().find(':') == std::string::npos) {
    return InvalidArgument("the raylet's address '" + hello.address() + "' must be HOST:PORT");
  }
  if (Result<ResourceSet> total = FromProto(hello.total()); !total.ok()) {
    return total.status().WithContext("the node's resources");
  }
  for (const auto& [key, value] : hello.labels()) TROUPE_RETURN_IF_ERROR(CheckName(key, "a label's name"));
  return OkStatus();
}

void Describe(const pb::NodeHello& hello, pb::NodeInfo* info) {
  info->set_id(hello.node());
  info->set_address(hello.address());
  info->set_hostname(hello.hostname());
  info->set_alive(true);
  info->set_is_head_node(hello.is_head_node());
  *info->mutable_total() = hello.total();
  if (!info->has_available()) *info->mutable_available() = hello.total();
  *info->mutable_labels() = hello.labels();
  info->set_store_capacity(hello.store_capacity());
  info->set_raylet_pid(hello.raylet_pid());
  *info->mutable_limits() = hello.limits();
}

// `told`: what is available, as the receivers know it.
void FillLoad(const pb::NodeInfo& info, const pb::Resources& told, pb::NodeLoad* load) {
  load->set_id(info.id());
  load->set_placement_cpu_units(info.placement_cpu_units());
  load->set_store_used(info.store_used());
  load->set_workers(info.workers());
  load->set_actors(info.actors());
  load->set_version(info.version());
  auto& available = *load->mutable_available();
  for (const auto& [name, units] : info.available().units()) {
    const auto before = told.units().find(name);
    if (before == told.units().end() || before->second != units) available[name] = units;
  }
  for (const auto& [name, units] : told.units()) {
    if (units != 0 && !info.available().units().contains(name)) available[name] = 0;
  }
}

}  // namespace

NodeTable::NodeTable(Environment& environment, ClusterId cluster, NodeTimes times, ClusterView& view, Died died,
                     pb::MachineProcess head)
    : environment_(environment),
      cluster_(cluster),
      times_(times),
      view_(view),
      died_(std::move(died)),
      head_(std::move(head)) {
  environment_.commits.Keep(Table::kNodes, [this](const std::string& key) { return Row(NodeIdOrNone(key)); });
  lease_check_due_ = environment_.loop.Now() + times_.check;
  lease_timer_ = environment_.loop.After(times_.check, [this] { CheckLeases(); });
  changes_told_.last = loads_told_.last = environment_.loop.Now() - times_.broadcast;
}

NodeTable::~NodeTable() {
  environment_.loop.Cancel(lease_timer_);
  environment_.loop.Cancel(changes_told_.timer);
  environment_.loop.Cancel(loads_told_.timer);
}

Result<NodeTable::Joined> NodeTable::Join(const pb::NodeHello& hello) {
  TROUPE_ASSIGN_OR_RETURN(const NodeId id, ParseNodeId(hello.node(), "the node's id"));
  TROUPE_RETURN_IF_ERROR(CheckHello(hello));
  if (auto reason = DeathReason(id)) {
    return FailedPrecondition("node " + id.Hex() + " was declared dead (" + *reason +
                              "), and its actors may run elsewhere; start the raylet anew so that it takes a new id");
  }
  auto known = nodes_.find(id);
  const bool came_back = known != nodes_.end();
  // The same raylet may be back before its old stream is known to be broken; another one with its id may not.
  if (came_back && known->second.connected &&
      (known->second.info.raylet_pid() != hello.raylet_pid() || known->second.info.address() != hello.address())) {
    return AlreadyExists("node " + id.Hex() + " is connected already, from " + known->second.info.address() +
                         "; give this raylet a session folder of its own");
  }
  Node& node = nodes_[id];
  Describe(hello, &node.info);
  node.session = ++last_session_;
  node.connected = true;
  node.leaving.reset();
  node.last_report = environment_.loop.Now();
  node.acknowledged_event = 0;  // its stream may have broken before it heard
  view_.Join(id, FromProto(hello.total()).value(), {hello.labels().begin(), hello.labels().end()});
  Changed(id);
  MarkChanged(node.info);
  spdlog::info("node {} {} from {} ({})", Short(id), came_back ? "came back" : "joined", hello.address(),
               hello.hostname());
  return Joined{id, node.session, came_back};
}

pb::Welcome NodeTable::Welcome() const {
  pb::Welcome welcome;
  welcome.set_cluster(cluster_.Bytes());
  welcome.set_report_interval_ms(static_cast<std::uint32_t>(times_.report_interval.count()));
  welcome.set_lease_ms(static_cast<std::uint32_t>(times_.lease.count()));
  for (pb::NodeInfo& info : List()) *welcome.add_nodes() = std::move(info);
  *welcome.mutable_head() = head_;
  return welcome;
}

Status NodeTable::Report(const NodeId& id, const pb::NodeReport& report) {
  auto it = nodes_.find(id);
  if (it == nodes_.end()) return NotFound("node " + id.Hex() + " is not in the cluster");
  Node& node = it->second;
  node.last_report = environment_.loop.Now();
  node.report = report.version();
  if (node.last_report - node.acknowledged >= kAcknowledgeGap) {
    AcknowledgeReport(id, node);
    AcknowledgeEvents(id, node);
  }
  // What is free may be below zero (lent CPUs), so these units get no range check: Contains() and Subtract() are
  // right for every value, and a raylet that lies about its own node harms only that node.
  ResourceSet available;
  for (const auto& [name, units] : report.available().units()) {
    if (std::abs(static_cast<double>(units)) > ResourceSet::kMaxAmount * ResourceSet::kUnit) {
      return InvalidArgument("resource '" + name + "' in a report of node " + Short(id) + " is out of range");
    }
    available.SetUnits(name, units);
  }
  const auto placement = static_cast<double>(report.placement_cpu_units());
  if (placement < 0 || placement > ResourceSet::kMaxAmount * ResourceSet::kUnit) {
    return InvalidArgument("placement_cpu_units in a report of node " + Short(id) + " is out of range");
  }
  view_.Report(id, available, report.placement_cpu_units(), node.last_report);
  node.demands.assign(report.pending().begin(), report.pending().end());
  const std::string before = CanonicalBytes(node.info);
  const std::uint64_t version = node.info.version();
  *node.info.mutable_available() = report.available();
  node.info.set_placement_cpu_units(report.placement_cpu_units());
  node.info.set_store_used(report.store_used());
  node.info.set_workers(report.workers());
  node.info.set_actors(report.actors());
  const bool changed = CanonicalBytes(node.info) != before;
  node.info.set_version(std::max(version, report.version()));
  if (changed) MarkLoad(id);
  return OkStatus();
}

// At once: that the head hears a node rests on no row, and a registry that is slow must not end the lives of all nodes.
void NodeTable::AcknowledgeReport(const NodeId& id, Node& node) {
  node.acknowledged = environment_.loop.Now();
  pb::HeadToNode message;
  message.mutable_acknowledged()->set_report(node.report);
  environment_.at_once.Send(id, std::move(message));
}

// Their sender forgets them, so what came of them is committed first.
void NodeTable::AcknowledgeEvents(const NodeId& id, Node& node) {
  if (node.acknowledged_event == node.last_event) return;
  node.acknowledged_event = node.last_event;
  pb::HeadToNode message;
  message.mutable_acknowledged()->set_event(node.last_event);
  environment_.nodes.Send(id, std::move(message));
}

bool NodeTable::TakeEvent(const NodeId& id, std::uint64_t number) {
  auto it = nodes_.find(id);
  if (number == 0 || it == nodes_.end()) return true;
  Node& node = it->second;
  if (number <= node.last_event) return false;  // sent again, as its acknowledgement was lost
  node.last_event = number;
  if (node.last_event - node.acknowledged_event >= kEventsAtOnce) AcknowledgeEvents(id, node);
  return true;
}

void NodeTable::Leaving(const NodeId& id, const std::string& reason) {
  auto it = nodes_.find(id);
  if (it == nodes_.end()) return;
  it->second.leaving = reason.empty() ? "it left the cluster" : "it left the cluster: " + reason;
  view_.SetDraining(id, true);
}

void NodeTable::Disconnected(const NodeId& id, Session session) {
  auto it = nodes_.find(id);
  if (it == nodes_.end() || it->second.session != session) return;
  if (it->second.leaving) return MarkDead(id, *it->second.leaving);
  spdlog::warn("node {}: connection lost; waiting for it until its lease is over", Short(id));
  it->second.connected = false;
  view_.SetDraining(id, true);
}

void NodeTable::MarkDead(const NodeId& id, const std::string& reason) {
  auto entry = nodes_.extract(id);
  if (entry.empty()) return;
  spdlog::warn("node {} is dead: {}", Short(id), reason);
  pb::NodeInfo info = std::move(entry.mapped().info);
  info.set_alive(false);
  info.set_death_reason(reason);
  info.clear_available();
  info.set_died_ms(environment_.wall_ms());
  view_.Remove(id);
  MarkChanged(info);
  Bury(id, std::move(info));
  Changed(id);
  died_(id, reason);
}

void NodeTable::Bury(const NodeId& id, pb::NodeInfo info) {
  dead_.emplace(id, std::move(info));
  dead_order_.push_back(id);
  if (dead_order_.size() <= kDeadKept) return;
  Changed(dead_order_.front());
  dead_.erase(dead_order_.front());
  dead_order_.pop_front();
}

void NodeTable::Changed(const NodeId& id) { environment_.commits.Changed(Table::kNodes, id.Bytes()); }

std::optional<std::string> NodeTable::Row(const NodeId& id) const {
  if (auto dead = dead_.find(id); dead != dead_.end()) return dead->second.SerializeAsString();
  auto it = nodes_.find(id);
  if (it == nodes_.end()) return std::nullopt;
  pb::NodeInfo row = it->second.info;
  for (auto clear :
       {&pb::NodeInfo::clear_available, &pb::NodeInfo::clear_store_used, &pb::NodeInfo::clear_actors,
        &pb::NodeInfo::clear_workers, &pb::NodeInfo::clear_version, &pb::NodeInfo::clear_placement_cpu_units}) {
    (row.*clear)();
  }
  return row.SerializeAsString();
}

Status NodeTable::Restore(const Rows& rows) {
  std::multimap<std::int64_t, pb::NodeInfo> dead;  // by the time of their deaths
  TROUPE_RETURN_IF_ERROR(
      ForEachRow<pb::NodeInfo>(rows, Table::kNodes, [&](const std::string& key, const pb::NodeInfo& info) -> Status {
        const NodeId id = NodeIdOrNone(key);
        const Result<ResourceSet> total = FromProto(info.total());
        if (!id || !total.ok()) return DataLoss("the registry's row of node " + id.Hex() + " makes no sense");
        if (!info.alive()) {
          dead.emplace(info.died_ms(), info);
          return OkStatus();
        }
        Node& node = nodes_[id];
        node.info = info;
        node.connected = false;
        node.last_report = environment_.loop.Now();
        view_.Join(id, *total, {info.labels().begin(), info.labels().end()});
        view_.Report(id, ResourceSet(), 0, node.last_report);  // what is free it will say
        view_.SetDraining(id, true);
        return OkStatus();
      }));
  for (const auto& [time, info] : dead) Bury(NodeIdOrNone(info.id()), info);
  return OkStatus();
}

void NodeTable::CheckLeases() {
  const MonotonicTime now = environment_.loop.Now();
  // When this thread itself was held up, reports wait unread behind this timer: that time is nobody's silence.
  const MonotonicTime late = now - lease_check_due_;
  const std::chrono::milliseconds silence = times_.lease + times_.margin;
  std::vector<std::pair<NodeId, std::string>> expired;
  for (auto& [id, node] : nodes_) {
    if (late > times_.check) node.last_report += late;
    if (now - node.last_report < silence) continue;
    const std::string for_so_long = " for " + std::to_string(silence.count()) + " ms";
    expired.emplace_back(id, node.connected ? "no report" + for_so_long
                                            : "its raylet's connection was lost, and no report came" + for_so_long);
  }
  for (const auto& [id, reason] : expired) MarkDead(id, reason);
  lease_check_due_ = now + times_.check;
  lease_timer_ = environment_.loop.After(times_.check, [this] { CheckLeases(); });
}

void NodeTable::MarkChanged(const pb::NodeInfo& info) {
  const NodeId id = NodeIdOrNone(info.id());
  changed_[id] = info;
  loads_.erase(id);
  if (auto node = nodes_.find(id); node != nodes_.end()) node->second.told = info.available();
  Pace(changes_told_, times_.broadcast, &NodeTable::BroadcastChanges);
}

void NodeTable::MarkLoad(const NodeId& id) {
  loads_.insert(id);
  const auto gap = times_.broadcast_per_node * static_cast<std::int64_t>(nodes_.size());
  Pace(loads_told_, std::max(times_.broadcast, gap), &NodeTable::BroadcastLoads);
}

void NodeTable::Pace(Paced& paced, std::chrono::milliseconds gap, void (NodeTable::*work)()) {
  if (paced.timer != 0) return;
  const MonotonicTime wait = paced.last + gap - environment_.loop.Now();
  paced.timer = environment_.loop.After(std::max(wait, MonotonicTime{0}), [this, &paced, work] {
    paced = {.timer = 0, .last = environment_.loop.Now()};
    (this->*work)();
  });
}

void NodeTable::BroadcastChanges() {
  pb::HeadToNode message;
  for (auto& [id, info] : changed_) *message.mutable_nodes_changed()->add_nodes() = std::move(info);
  changed_.clear();
  Broadcast(message);
}

void NodeTable::BroadcastLoads() {
  pb::HeadToNode message;
  for (const NodeId& id : std::exchange(loads_, {})) {
    Node& node = nodes_.at(id);
    FillLoad(node.info, node.told, message.mutable_nodes_changed()->add_loads());
    node.told = node.info.available();
  }
  if (message.has_nodes_changed()) Broadcast(message);
}

void NodeTable::Broadcast(const pb::HeadToNode& message) {
  for (const NodeId& id : Connected()) environment_.nodes.Send(id, message);
}

std::optional<std::string> NodeTable::DeathReason(const NodeId& node) const {
  auto it = dead_.find(node);
  if (it == dead_.end()) return std::nullopt;
  return it->second.death_reason();
}

std::optional<NodeId> NodeTable::NodeForDrivers() const {
  std::optional<NodeId> oldest;
  Session first = 0;
  for (const auto& [id, node] : nodes_) {
    if (!node.connected || node.leaving) continue;
    if (node.info.is_head_node()) return id;
    if (!oldest || node.session < first) {
      oldest = id;
      first = node.session;
    }
  }
  return oldest;
}

std::vector<NodeId> NodeTable::Connected() const {
  std::vector<NodeId> connected;
  for (const auto& [id, node] : nodes_) {
    if (node.connected) connected.push_back(id);
  }
  return connected;
}

std::vector<pb::NodeInfo> NodeTable::List() const {
  std::vector<pb::NodeInfo> list;
  for (const auto& [id, node] : nodes_) list.push_back(node.info);
  for (const NodeId& id : dead_order_) list.push_back(dead_.at(id));
  return list;
}

std::vector<pb::Demand> NodeTable::Demands() const {
  std::vector<pb::Demand> demands;
  for (const auto& [id, node] : nodes_) demands.insert(demands.end(), node.demands.begin(), node.demands.end());
  return demands;
}

}  // namespace troupe::head
