// ActorPlacer: the actors that wait for a node, oldest first.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "head/actor_store.h"
#include "head/cluster_view.h"
#include "head/facts.h"

namespace troupe::head {

// Loop thread only. An actor that has no room does not hold up those behind it that need something else.
class ActorPlacer {
 public:
  struct Events {
    std::function<void(Actor&, const NodeId&)> placed;         // the actor waits no more
    std::function<void(Actor&, const std::string&)> hopeless;  // its only node is dead; it waits no more
    std::function<void(Actor&)> reason_changed;  // it begins to wait, or whether or why no node could hold it
  };

  // Passes over the queue are at least this far apart.
  static constexpr std::chrono::milliseconds kBetweenPasses{10};

  ActorPlacer(EventLoop& loop, ClusterView& view, ActorStore& store, const Facts& facts, Events events);
  ~ActorPlacer();

  // Places `actor` at once, or lets it wait.
  void Add(Actor& actor);
  // The actor waits no more, if it did.
  void Remove(const Actor& actor);
  // Nodes or their resources have changed: tries those that wait again, soon.
  void Retry();

  // What waits, by what it needs.
  std::vector<pb::Demand> Demands() const;

 private:
  void RunPass();
  // Whether it is over with waiting. `failed` maps shapes that had no room in this pass to why.
  bool Try(Actor& actor, std::map<std::string, scheduler::Decision>* failed);
  bool AwaitsReport(const Actor& actor) const;
  // The nodes, and why some of them do not count for this actor.
  struct Usable {
    std::vector<scheduler::NodeView> nodes;
    std::string restriction;  // empty: all count
  };
  Usable UsableFor(const Actor& actor) const;
  // Set when the actor's program has no package and will get none.
  struct OnlyNode {
    NodeId node;
    std::string reason;
  };
  std::optional<OnlyNode> OnlyNodeOf(const Actor& actor) const;
  std::optional<std::string> WhyHopeless(const Actor& actor, const scheduler::Decision& decision) const;
  void SetReason(Actor& actor, const scheduler::Decision& decision);

  EventLoop& loop_;
  ClusterView& view_;
  ActorStore& store_;
  const Facts& facts_;
  const Events events_;
  std::map<std::uint64_t, ActorId> waiting_;  // by order of registration
  NodeId spread_cursor_;
  TimerId pass_timer_ = 0;
  MonotonicTime last_pass_{};
};

}  // namespace troupe::head
