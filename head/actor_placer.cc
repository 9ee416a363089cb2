#include "head/actor_placer.h"

#include <algorithm>
#include <utility>

#include "head/convert.h"

namespace troupe::head {
namespace {

using Kind = scheduler::Decision::Kind;

// What an actor that holds no CPU counts for when nodes are compared.
std::int64_t PlacementCpuUnits(const Actor& actor) {
  return actor.resources.Units(kCpu) > 0 ? 0 : actor.placement_resources.Units(kCpu);
}

bool OnlyOneNodeWillDo(const Actor& actor) {
  return actor.spec.placement().strategy() == pb::Placement::NODE_AFFINITY && !actor.spec.placement().soft();
}

}  // namespace

ActorPlacer::ActorPlacer(EventLoop& loop, ClusterView& view, ActorStore& store, const Facts& facts, Events events)
    : loop_(loop), view_(view), store_(store), facts_(facts), events_(std::move(events)) {
  last_pass_ = loop_.Now() - kBetweenPasses;
}

ActorPlacer::~ActorPlacer() { loop_.Cancel(pass_timer_); }

void ActorPlacer::Add(Actor& actor) {
  waiting_[actor.sequence] = actor.id;
  std::map<std::string, scheduler::Decision> failed;
  Try(actor, &failed);
}

void ActorPlacer::Remove(const Actor& actor) { waiting_.erase(actor.sequence); }

void ActorPlacer::Retry() {
  if (waiting_.empty() || pass_timer_ != 0) return;
  const MonotonicTime wait = last_pass_ + kBetweenPasses - loop_.Now();
  pass_timer_ = loop_.After(std::max(wait, MonotonicTime{0}), [this] { RunPass(); });
}

void ActorPlacer::RunPass() {
  pass_timer_ = 0;
  last_pass_ = loop_.Now();
  std::map<std::string, scheduler::Decision> failed;
  const std::map<std::uint64_t, ActorId> waiting = waiting_;  // events change it
  for (const auto& [sequence, id] : waiting) {
    if (!waiting_.contains(sequence)) continue;
    Actor* actor = store_.Find(id);
    if (actor != nullptr) Try(*actor, &failed);
  }
}

bool ActorPlacer::AwaitsReport(const Actor& actor) const {
  if (!actor.refused_by) return false;
  const auto reports = view_.reports(actor.refused_by);
  return reports && *reports <= actor.refused_after;
}

bool ActorPlacer::Try(Actor& actor, std::map<std::string, scheduler::Decision>* failed) {
  if (AwaitsReport(actor)) return false;
  if (auto it = failed->find(actor.shape); it != failed->end()) {
    SetReason(actor, it->second);
    return false;
  }
  const scheduler::Demand demand =
      ToDemand(actor.resources, actor.placement_resources, actor.spec.placement(), actor.creator.node);
  Usable usable = UsableFor(actor);
  scheduler::Decision decision = scheduler::Decide(demand, usable.nodes, &spread_cursor_);
  if (decision.kind != Kind::kPlaced && !actor.avoided.empty() && loop_.Now() >= actor.avoided_until) {
    actor.avoided.clear();
    usable = UsableFor(actor);
    decision = scheduler::Decide(demand, usable.nodes, &spread_cursor_);
  }
  if (decision.kind == Kind::kPlaced) {
    waiting_.erase(actor.sequence);
    actor.info.clear_infeasible();
    actor.refused_by = {};
    actor.info.clear_pending_reason();
    view_.Placed(decision.node, actor.id, actor.resources, PlacementCpuUnits(actor), loop_.Now());
    events_.placed(actor, decision.node);
    return true;
  }
  if (auto why = WhyHopeless(actor, decision)) {
    waiting_.erase(actor.sequence);
    events_.hopeless(actor, *why);
    return true;
  }
  if (usable.restriction.empty()) failed->emplace(actor.shape, decision);
  decision.reason += usable.restriction;
  SetReason(actor, decision);
  return false;
}

ActorPlacer::Usable ActorPlacer::UsableFor(const Actor& actor) const {
  Usable usable;
  usable.nodes.assign(view_.nodes().begin(), view_.nodes().end());
  const std::optional<OnlyNode> only = OnlyNodeOf(actor);
  if (only) std::erase_if(usable.nodes, [&only](const auto& view) { return view.id != only->node; });
  for (scheduler::NodeView& view : usable.nodes) view.draining |= actor.avoided.contains(view.id);
  if (only) {
    usable.restriction = "; only node " + Short(only->node) + " has its program: " + only->reason;
  } else if (!actor.avoided.empty()) {
    usable.restriction = "; " + actor.avoided.begin()->second;
  }
  return usable;
}

std::optional<ActorPlacer::OnlyNode> ActorPlacer::OnlyNodeOf(const Actor& actor) const {
  const pb::JobInfo* job = facts_.Job(actor.job);
  if (job == nullptr || !job->program().package().empty()) return std::nullopt;
  const NodeId origin = NodeIdOrNone(job->program().origin());
  if (!job->program().unpackable().empty()) return OnlyNode{origin, job->program().unpackable()};
  if (facts_.NodeDeath(origin)) return OnlyNode{origin, "it died before it had sent it"};
  return std::nullopt;
}

// What can run on one node only has no hope once that node is dead.
std::optional<std::string> ActorPlacer::WhyHopeless(const Actor& actor, const scheduler::Decision& decision) const {
  if (decision.kind == Kind::kInfeasible && OnlyOneNodeWillDo(actor)) {
    const auto death = facts_.NodeDeath(NodeIdOrNone(actor.spec.placement().node()));
    if (death) return decision.reason + ": " + *death;
  }
  const std::optional<OnlyNode> only = OnlyNodeOf(actor);
  if (!only) return std::nullopt;
  const auto death = facts_.NodeDeath(only->node);
  if (!death) return std::nullopt;
  return "its program was only on node " + Short(only->node) + ", which is dead (" + *death + "): " + only->reason;
}

void ActorPlacer::SetReason(Actor& actor, const scheduler::Decision& decision) {
  const bool infeasible = decision.kind == Kind::kInfeasible;
  // What is missing changes seldom, what is merely taken all the time.
  const bool tell = actor.info.pending_reason().empty() || infeasible != actor.info.infeasible() ||
                    (infeasible && decision.reason != actor.info.pending_reason());
  actor.info.set_infeasible(infeasible);
  actor.info.set_pending_reason(decision.reason);
  if (tell) events_.reason_changed(actor);
}

std::vector<pb::Demand> ActorPlacer::Demands() const {
  std::map<std::string, pb::Demand> by_need;
  for (const auto& [sequence, id] : waiting_) {
    const Actor& actor = *store_.Find(id);
    pb::Demand& demand = by_need[actor.shape + actor.info.class_name() + actor.job.Hex()];
    demand.set_count(demand.count() + 1);
    *demand.mutable_resources() = actor.spec.resources();
    demand.set_infeasible(actor.info.infeasible());
    demand.set_reason(actor.info.pending_reason());
    demand.set_what("actor " + actor.info.class_name());
    demand.set_job(actor.job.value);
  }
  std::vector<pb::Demand> demands;
  for (auto& [need, demand] : by_need) demands.push_back(std::move(demand));
  return demands;
}

}  // namespace troupe::head
