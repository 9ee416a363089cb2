// ClusterView: the nodes as the scheduler sees them, with room taken off for actors that are on their way.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/event_loop.h"
#include "common/resources.h"
#include "scheduler/scheduler.h"
#include "troupe/ids.h"

namespace troupe::head {

// What a raylet reports as free already lacks the actors it has begun to start. An actor that was placed but may not
// be in the last report yet is deducted here, until the first of
//   - the first report after ActorStarted (one stream, in order: the raylet holds the resources by then),
//   - a report in which the free amounts fell by what the actor takes (each fall pays for one actor, oldest first),
//   - a report `kSettle` after the placement: raylets report at least every interval,
//   - its end.
// So nothing is counted twice for longer than that, and a raylet that has less room than believed answers NO_ROOM.
class ClusterView {
 public:
  static constexpr std::chrono::milliseconds kSettle{250};

  // Adds a node with everything free, or renews what is known of one that came back.
  void Join(const NodeId& node, const ResourceSet& total, std::map<std::string, std::string> labels);
  void Remove(const NodeId& node);
  // A node that is silent or leaving keeps what it has and gets nothing new.
  void SetDraining(const NodeId& node, bool draining);

  void Report(const NodeId& node, const ResourceSet& available, std::int64_t placement_cpu_units, MonotonicTime now);
  // How many reports the node has sent; nullopt for an unknown node.
  std::optional<std::uint64_t> reports(const NodeId& node) const;

  // `placement_cpu_units`: what an actor that holds no CPU counts for.
  void Placed(const NodeId& node, const ActorId& actor, const ResourceSet& resources, std::int64_t placement_cpu_units,
              MonotonicTime now);
  void Started(const ActorId& actor);
  void Ended(const ActorId& actor);

  std::span<const scheduler::NodeView> nodes() const { return views_; }

 private:
  struct Deduction {
    ActorId actor;
    ResourceSet resources;
    std::int64_t placement_cpu_units;
    MonotonicTime placed;
    bool started = false;
  };
  struct Node {
    ResourceSet available;  // as reported
    std::int64_t placement_cpu_units = 0;
    std::uint64_t reports = 0;
    std::vector<Deduction> deductions;
  };

  scheduler::NodeView* View(const NodeId& node);
  void Refresh(const NodeId& id, const Node& node);

  std::map<NodeId, Node> nodes_;
  std::vector<scheduler::NodeView> views_;  // by id; what nodes_ gives after deductions
  std::unordered_map<ActorId, NodeId> on_the_way_;
};

}  // namespace troupe::head
