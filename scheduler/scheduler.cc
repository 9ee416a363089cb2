#include "scheduler/scheduler.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "common/number_text.h"
#include "scheduler/node_use.h"

namespace troupe::scheduler {
namespace {

using Candidates = std::vector<const NodeView*>;

constexpr double kPackUpTo = 0.5;

Decision Placed(const NodeView& node) { return {Decision::Kind::kPlaced, node.id, ""}; }
Decision Infeasible(std::string reason) { return {Decision::Kind::kInfeasible, {}, std::move(reason)}; }
Decision Wait(std::string reason) { return {Decision::Kind::kWait, {}, std::move(reason)}; }

std::string ShortId(const NodeId& node) { return node.Hex().substr(0, 8); }

std::string Amount(double amount) { return NumberText(amount, 10); }

std::string Need(const std::string& name, const Demand& demand) {
  return name + ": " + Amount(demand.resources.Amount(name));
}

Candidates All(std::span<const NodeView> nodes) {
  Candidates all;
  for (const NodeView& node : nodes) all.push_back(&node);
  return all;
}

bool TakesWork(const Demand&, const NodeView& node) { return !node.draining; }

Candidates Keep(Candidates nodes, const Demand& demand, bool (*predicate)(const Demand&, const NodeView&)) {
  std::erase_if(nodes, [&](const NodeView* node) { return !predicate(demand, *node); });
  return nodes;
}

const NodeView* Find(const Candidates& nodes, const NodeId& id) {
  auto it = std::find_if(nodes.begin(), nodes.end(), [&id](const NodeView* node) { return node->id == id; });
  return it == nodes.end() ? nullptr : *it;
}

std::string LabelsText(const Demand& demand) {
  std::string text;
  for (const auto& [key, value] : demand.labels) text += (text.empty() ? "" : ", ") + key + "=" + value;
  return text;
}

// The first resource of which no node has enough, or that no one node has all of them.
std::string WhyNever(const Demand& demand, const Candidates& nodes) {
  const Candidates labelled = Keep(nodes, demand, LabelsMatch);
  if (labelled.empty()) return "needs a node labelled " + LabelsText(demand) + ", no node is";
  for (const auto& [name, units] : demand.resources.units()) {
    double largest = 0;
    for (const NodeView* node : labelled) largest = std::max(largest, node->total.Amount(name));
    if (largest >= demand.resources.Amount(name)) continue;
    if (largest == 0) return "needs " + Need(name, demand) + ", no node has any";
    return "needs " + Need(name, demand) + ", the largest node has " + Amount(largest);
  }
  return "needs " + demand.resources.ToString() + " on one node, no node has all of it";
}

// Of the nodes that could hold it, the one that lacks the fewest resources, and what it lacks first.
std::string WhyNotNow(const Demand& demand, const Candidates& nodes) {
  auto lacks = [&demand](const NodeView* node) { return node->available.Missing(demand.resources); };
  const NodeView* closest = *std::min_element(nodes.begin(), nodes.end(), [&](const NodeView* a, const NodeView* b) {
    const auto in_a = lacks(a), in_b = lacks(b);
    if (in_a.size() != in_b.size()) return in_a.size() < in_b.size();
    const std::int64_t free_a = a->available.Units(in_a.front()), free_b = b->available.Units(in_b.front());
    return std::tuple(-free_a, a->id) < std::tuple(-free_b, b->id);
  });
  const std::string name = lacks(closest).front();
  return "waits for " + Need(name, demand) + "; node " + ShortId(closest->id) + " has " +
         Amount(std::max(0.0, closest->available.Amount(name))) + " free";
}

const NodeView* HolderOfMostArguments(const Demand& demand, const Candidates& nodes) {
  std::map<NodeId, std::uint64_t> bytes;
  for (const auto& [node, size] : demand.argument_bytes) bytes[node] += size;
  const NodeView* best = nullptr;
  std::uint64_t most = 0;
  for (const NodeView* node : nodes) {
    auto it = bytes.find(node->id);
    if (it == bytes.end() || it->second == 0) continue;
    if (it->second > most || (it->second == most && node->id == demand.local)) {
      best = node;
      most = it->second;
    }
  }
  return best;
}

const NodeView* PackThenSpread(const Demand& demand, const Candidates& nodes) {
  // Smaller is better. Below the threshold the local node comes first and then the fullest; above it the emptiest.
  auto rank = [&demand](const NodeView* node) {
    const double use = UseAfter(demand, *node);
    const int away = node->id == demand.local ? 0 : 1;
    return use <= kPackUpTo ? std::tuple(0, static_cast<double>(away), -use, 0, node->id)
                            : std::tuple(1, use, 0.0, away, node->id);
  };
  return *std::min_element(nodes.begin(), nodes.end(),
                           [&rank](const NodeView* a, const NodeView* b) { return rank(a) < rank(b); });
}

const NodeView* NextInTurn(const Candidates& nodes, NodeId* cursor) {
  auto by_id = [](const NodeView* a, const NodeView* b) { return a->id < b->id; };
  const NodeView* next = nullptr;
  for (const NodeView* node : nodes) {
    if (cursor != nullptr && *cursor < node->id && (next == nullptr || by_id(node, next))) next = node;
  }
  if (next == nullptr) next = *std::min_element(nodes.begin(), nodes.end(), by_id);
  if (cursor != nullptr) *cursor = next->id;
  return next;
}

Decision WaitForAway(const Candidates& away) {
  return Wait("waits for node " + ShortId(away.front()->id) + ", which takes no work now: it is away, or leaves");
}

// nullopt: the demand is soft and its node cannot be used, so any other will do.
std::optional<Decision> OnItsNode(const Demand& demand, const Candidates& nodes) {
  const NodeView* node = Find(nodes, demand.node);
  const bool usable = node != nullptr && CouldHold(demand, *node) && (TakesWork(demand, *node) || !demand.soft);
  if (!usable && demand.soft) return std::nullopt;
  if (node == nullptr) return Infeasible("needs node " + ShortId(demand.node) + ", which is not in the cluster");
  if (!usable) return Infeasible(WhyNever(demand, {node}) + " (only node " + ShortId(node->id) + " is asked for)");
  if (!TakesWork(demand, *node)) return WaitForAway({node});
  return HasRoom(demand, *node) ? Placed(*node) : Wait(WhyNotNow(demand, {node}));
}

}  // namespace

Decision Decide(const Demand& demand, std::span<const NodeView> nodes, NodeId* spread_cursor) {
  const Candidates all = All(nodes);
  if (demand.strategy == Strategy::kNodeAffinity) {
    if (auto decision = OnItsNode(demand, all)) return *decision;
  }
  if (Keep(all, demand, TakesWork).empty()) return Wait("no node of the cluster takes work; start one");
  const Candidates ever = Keep(all, demand, CouldHold);
  if (ever.empty()) return Infeasible(WhyNever(demand, all));
  const Candidates able = Keep(ever, demand, TakesWork);
  if (able.empty()) return WaitForAway(ever);
  const Candidates free = Keep(able, demand, HasRoom);
  if (free.empty()) return Wait(WhyNotNow(demand, able));
  if (demand.strategy == Strategy::kSpread) return Placed(*NextInTurn(free, spread_cursor));
  const NodeView* holder = HolderOfMostArguments(demand, able);
  if (holder != nullptr && HasRoom(demand, *holder)) return Placed(*holder);
  return Placed(*PackThenSpread(demand, free));
}

}  // namespace troupe::scheduler
