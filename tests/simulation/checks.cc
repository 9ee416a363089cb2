// What must hold in a simulated world.
#include <string>

#include "raylet/convert.h"
#include "tests/simulation/world.h"

namespace troupe::simulation {
namespace {

std::string Name(const pb::ActorInfo& info) {
  return "actor " + raylet::IdFromPb<ActorId>(info.id()).Hex() + " (" + pb::ActorState_Name(info.state()) +
         ", incarnation " + std::to_string(info.incarnation()) + ")";
}

}  // namespace

// An actor is in one process at a time, and so is a name, whatever the tables say.
void World::CheckHost(const SimProcess& process, const pb::AssignActor& assign) {
  for (const auto& [id, other] : processes_) {
    if (!other.alive || !other.actor || id == process.id) continue;
    const pb::ActorSpec& spec = other.actor->spec();
    if (spec.id() == assign.spec().id()) {
      trace_.Broken("one process", "actor " + raylet::IdFromPb<ActorId>(spec.id()).Hex() + " is in process " +
                                       id.Hex() + " and in process " + process.id.Hex());
    } else if (!spec.name().empty() && spec.name() == assign.spec().name()) {
      trace_.Broken("one holder",
                    "name " + spec.name() + " is held in process " + id.Hex() + " and in process " + process.id.Hex());
    }
  }
}

void World::CheckAtRest() {
  CheckRequests();
  CheckActors();
  CheckDeathsAreKnown();
}

void World::CheckRequests() {
  bool room = false;
  for (const auto& [id, node] : nodes_) {
    room |= node->core().resources().available().Units(kCpu) >= ResourceSet::kUnit;
  }
  for (const auto& [id, process] : processes_) {
    if (!process.alive) continue;
    for (const auto& [request, what] : process.asked) {
      trace_.Broken("answered", "process " + id.Hex() + " has no answer to request " + std::to_string(request) + ", " +
                                    what.first + ", of " + std::to_string(what.second / 1ms) + " ms");
    }
    if (!process.connected && process.is_driver()) {
      trace_.Broken("answered", "driver " + id.Hex() + " has not been admitted or refused");
    }
    for (const auto& [key, wanted] : process.wanted) {
      if (wanted > 0 && room) {
        trace_.Broken("leases are granted", "process " + id.Hex() + " waits for " + std::to_string(wanted) +
                                                " of key " + std::to_string(key) + " while a CPU is free");
      }
    }
  }
}

// What the head says of the actors is so in the world.
void World::CheckActors() {
  std::map<std::string, const SimProcess*> hosts;
  for (const auto& [id, process] : processes_) {
    if (process.alive && process.actor) hosts[process.actor->spec().id()] = &process;
  }
  bool room = false;
  for (const auto& [id, node] : nodes_) {
    room |= node->core().resources().available().Units(kCpu) - node->core().placement_cpu_units() >= ResourceSet::kUnit;
  }
  for (const pb::ActorInfo& info : ActorsOfHead()) {
    const SimProcess* host = hosts.contains(info.id()) ? hosts[info.id()] : nullptr;
    switch (info.state()) {
      case pb::DEAD:
        if (info.death().message().empty()) trace_.Broken("dead with a cause", Name(info) + " died of nothing");
        if (host != nullptr) trace_.Broken("dead is dead", Name(info) + " runs in process " + host->id.Hex());
        break;
      case pb::ALIVE:
        if (host == nullptr || host->actor->incarnation() != info.incarnation() ||
            host->id.value != info.address().process()) {
          trace_.Broken("alive is alive",
                        Name(info) + " is not in its process, " + ProcessId{info.address().process()}.Hex());
        }
        break;
      default:
        if (room || info.state() == pb::STARTING) {
          trace_.Broken("alive again", Name(info) + " is stuck: " + info.pending_reason());
        }
    }
  }
}

// Who has asked for the end of a process knows of it. (That nobody else is told is seen when it happens.)
void World::CheckDeathsAreKnown() {
  for (const auto& [id, process] : processes_) {
    if (!process.alive || !process.connected) continue;
    for (ProcessId watched : process.watched) {
      const SimProcess& other = processes_.at(watched);
      if (other.alive || process.heard.contains(watched) || process.heard_nodes.contains(other.node)) continue;
      trace_.Broken("deaths are known", "process " + id.Hex() + " on node " + std::to_string(process.node.low) +
                                            " does not know that process " + watched.Hex() + " of node " +
                                            std::to_string(other.node.low) + " has ended");
    }
  }
}

void World::CheckTheEnd() {
  for (const auto& [id, process] : processes_) {
    if (process.alive && process.actor) {
      trace_.Broken("nothing lives on", "process " + id.Hex() + " hosts an actor, and all jobs have ended");
    } else if (process.alive) {
      trace_.Broken("nothing lives on", "process " + id.Hex() + " lives, and all jobs have ended");
    }
  }
  for (const pb::ActorInfo& info : ActorsOfHead()) {
    if (info.state() != pb::DEAD) trace_.Broken("nothing lives on", Name(info) + " is not dead");
  }
  for (const auto& [id, node] : nodes_) {
    const raylet::RayletCore& core = node->core();
    const std::string where = "on node " + std::to_string(id.low);
    if (!(core.resources().available() == core.resources().total())) {
      trace_.Broken("resources come back", where + " " + core.resources().available().ToString() + " of " +
                                               core.resources().total().ToString() + " are free");
    }
    const auto held = core.held();
    if (held.actors + held.leases + held.lease_requests + held.watched_actors + held.channels + held.processes +
            held.watches + held.for_head !=
        0) {
      trace_.Broken("nothing is left",
                    where + ": actors " + std::to_string(held.actors) + ", leases " + std::to_string(held.leases) +
                        ", requests " + std::to_string(held.lease_requests) + ", watched " +
                        std::to_string(held.watched_actors) + ", channels " + std::to_string(held.channels) +
                        ", processes " + std::to_string(held.processes) + ", watches " + std::to_string(held.watches) +
                        ", for the head " + std::to_string(held.for_head));
    }
    // Its next report, and the end of its lease.
    if (node->timers() > 2) trace_.Broken("nothing is left", where + ": " + std::to_string(node->timers()) + " timers");
  }
}

}  // namespace troupe::simulation
