// ClusterInvariants: what must hold of the head's knowledge at any time, whatever its peers say.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/check.h"
#include "head/cluster.h"
#include "head/convert.h"

namespace troupe::head {

//   - an actor's incarnation never falls, and what is dead stays dead;
//   - a name that was given to an actor finds that actor until it begins to end, and nobody else's until it is dead;
//   - actors' states, addresses and counts of restarts agree with each other;
//   - before a node's first report no more is placed on it than it has.
class ClusterInvariants {
 public:
  explicit ClusterInvariants(Cluster& cluster) : cluster_(cluster) {}

  // The actor's registration was answered: it is known from now on.
  void Acknowledge(const std::string& actor) { acknowledged_.insert(actor); }

  // Aborts when something does not hold. After a report what is known of a node's resources may be a lie.
  void Check(const std::function<bool(const NodeId&)>& has_reported) {
    pb::ListActorsRequest everything;
    everything.set_all_namespaces(true);
    everything.set_include_dead(true);
    std::map<std::pair<std::string, std::string>, std::string> names;
    std::map<NodeId, ResourceSet> placed;
    const pb::ListActorsReply list = cluster_.actors().List(everything);
    for (const pb::ActorInfo& info : list.actors()) {
      CheckActor(info);
      if (info.state() == pb::DEAD) continue;
      if (!info.name().empty())
        TROUPE_CHECK(names.emplace(std::pair(info.name_space(), info.name()), info.id()).second);
      const Actor* actor = cluster_.actors().Get(*ActorId::FromBytes(info.id()));
      if (actor->has_process()) placed[actor->node].Add(actor->resources);
    }
    for (const auto& [name, id] : names) CheckName(name.first, name.second, id);
    for (const std::string& id : acknowledged_) CheckKnown(id);
    const pb::Status status = cluster_.Overview();
    TROUPE_CHECK(status.actors_alive() + status.actors_pending() + status.actors_restarting() + status.actors_dead() ==
                 list.total());
    CheckPlaced(placed, status, has_reported);
  }

 private:
  void CheckActor(const pb::ActorInfo& info) {
    const Actor* actor = cluster_.actors().Get(*ActorId::FromBytes(info.id()));
    TROUPE_CHECK(actor != nullptr);
    pb::ActorInfo& before = seen_[info.id()];
    if (before.state() == pb::DEAD) TROUPE_CHECK(CanonicalBytes(info) == CanonicalBytes(before));
    TROUPE_CHECK(info.incarnation() >= before.incarnation() && info.restarts() >= before.restarts());
    TROUPE_CHECK(info.max_restarts() < 0 || info.restarts() <= static_cast<std::uint64_t>(info.max_restarts()));
    TROUPE_CHECK(info.state() != pb::ACTOR_STATE_UNSPECIFIED);
    TROUPE_CHECK(info.has_address() == (info.state() == pb::ALIVE));
    TROUPE_CHECK(actor->has_process() == static_cast<bool>(actor->node));
    if (info.state() == pb::ALIVE) TROUPE_CHECK(info.address().node() == actor->node.Bytes());
    if (info.state() == pb::DEAD || info.state() == pb::RESTARTING) TROUPE_CHECK(!info.death().message().empty());
    before = info;
  }
  void CheckName(const std::string& name_space, const std::string& name, const std::string& id) {
    pb::FindActor find;
    find.set_name(name);
    find.set_name_space(name_space);
    const auto found = cluster_.actors().Find(find);
    const bool ending = cluster_.actors().Get(*ActorId::FromBytes(id))->ending();
    TROUPE_CHECK(ending ? found.status().code() == StatusCode::kNotFound : found.ok() && found->id() == id);
  }
  void CheckKnown(const std::string& id) {
    pb::FindActor find;
    find.set_id(id);
    TROUPE_CHECK(cluster_.actors().Find(find).ok());
  }
  void CheckPlaced(const std::map<NodeId, ResourceSet>& placed, const pb::Status& status,
                   const std::function<bool(const NodeId&)>& has_reported) {
    for (const auto& [node, resources] : placed) {
      if (has_reported(node)) continue;
      for (const pb::NodeInfo& info : status.nodes()) {
        if (info.id() == node.Bytes()) TROUPE_CHECK(FromProto(info.total()).value().Contains(resources));
      }
    }
  }

  Cluster& cluster_;
  std::map<std::string, pb::ActorInfo> seen_;
  std::set<std::string> acknowledged_;
};

}  // namespace troupe::head
