// What the processes of a simulated world do, and what becomes of what they say.
#include <algorithm>

#include "raylet/convert.h"
#include "tests/simulation/world.h"

namespace troupe::simulation {

void World::Die(ProcessId id, const std::string& how) {
  SimProcess& process = processes_.at(id);
  if (!std::exchange(process.alive, false)) return;
  trace_.Add("process " + id.Hex() + " " + how);
  if (options_.fault == Fault::kTellAll) {
    pb::RayletToClient died;
    died.mutable_process_died()->set_process(id.value);
    for (SimProcess* driver : Living(pb::WorkerInfo::DRIVER)) Tell(driver->id, died);
  }
  if (!presence_.contains(process.node)) return;
  const std::weak_ptr<bool> here = presence_[process.node];
  const auto at_node = [this, here, id](std::chrono::nanoseconds delay, std::function<void(SimNode&)> what) {
    loop_.After(delay, [this, here, id, what = std::move(what)] {
      if (!here.expired()) what(*NodeAt(processes_.at(id).node));
    });
  };
  // After all that it said.
  const auto closes = std::max(process.last_sent - loop_.Now(), dice_.Between(0ms, 30ms));
  at_node(closes, [id](SimNode& node) { node.Closed(id); });
  at_node(dice_.Between(0ms, 30ms), [this, id, how](SimNode& node) { node.Exited(processes_.at(id), how); });
}

void World::DiePid(pid_t pid, const std::string& how) {
  loop_.Post([this, pid, how] { Die(ProcessId{static_cast<std::uint64_t>(pid)}, how); });
}

void World::Say(SimProcess& process, const pb::ClientToRaylet& message) {
  if (!process.alive || !process.connected) return;
  const MonotonicTime now = loop_.Now();
  process.last_sent = std::max(process.last_sent, now + dice_.Between(0ms, 5ms));
  loop_.After(process.last_sent - now, [this, here = Presence(process.node), id = process.id, message] {
    if (!here.expired()) NodeAt(processes_.at(id).node)->Deliver(id, message);
  });
}

void World::Ask(SimProcess& process, const std::string& what, pb::ClientToRaylet message) {
  const std::uint64_t request = ++process.last_id;
  process.asked[request] = {what, loop_.Now()};
  message.set_request_id(request);
  trace_.Add("process " + process.id.Hex() + " asks " + std::to_string(request) + " " + what);
  Say(process, message);
}

void World::Tell(ProcessId id, const pb::RayletToClient& message) {
  SimProcess& process = processes_.at(id);
  const std::uint64_t request = message.request_id();
  if (options_.fault == Fault::kDropReply && request != 0 && request % 5 == 0) return;
  if (options_.fault == Fault::kDropGrant && message.has_lease_granted() && message.lease_granted().lease() % 3 == 0) {
    return;
  }
  const int times = options_.fault == Fault::kReplyTwice && request != 0 && request % 5 == 0 ? 2 : 1;
  for (int i = 0; i < times; ++i) {
    const MonotonicTime now = loop_.Now();
    process.last_received = std::max(process.last_received, now + dice_.Between(0ms, 5ms));
    loop_.After(process.last_received - now, [this, id, message] {
      SimProcess& told = processes_.at(id);
      if (told.alive && told.connected) OnTold(told, message);
    });
  }
}

void World::OnTold(SimProcess& process, const pb::RayletToClient& message) {
  if (message.request_id() != 0) return OnAnswer(process, message);
  switch (message.body_case()) {
    case pb::RayletToClient::kAssignActor: return Host(process, message.assign_actor());
    case pb::RayletToClient::kTerminateActor: {
      pb::ClientToRaylet intent;
      intent.mutable_exit_intent()->set_no_restart(true);
      Say(process, intent);
      loop_.After(dice_.Between(1ms, 50ms), [this, id = process.id] { Die(id, "exited as it was asked to"); });
      return;
    }
    case pb::RayletToClient::kLeaseGranted: return OnGranted(process, message.lease_granted());
    case pb::RayletToClient::kLeaseUpdate:
      if (message.lease_update().has_error()) process.wanted.erase(message.lease_update().key());
      return;
    case pb::RayletToClient::kActorUpdate:
      process.told[message.actor_update().info().id()] = message.actor_update().info();
      return;
    case pb::RayletToClient::kProcessDied: {
      const ProcessId dead{message.process_died().process()};
      if (!process.watched.contains(dead)) {
        trace_.Broken("told by interest", "process " + process.id.Hex() + " has nothing to do with " + dead.Hex());
      }
      const SimProcess& other = processes_.at(dead);
      const SimNode* const node = NodeAt(other.node);
      if (other.alive && other.connected && node != nullptr && !node->left()) {
        trace_.Broken("dead is dead", "process " + process.id.Hex() + " is told that " + dead.Hex() + " has ended");
      }
      process.heard.insert(dead);
      return;
    }
    case pb::RayletToClient::kNodeDied:
      process.heard_nodes.insert(raylet::IdFromPb<NodeId>(message.node_died().node()));
      return;
    default: return;
  }
}

void World::OnAnswer(SimProcess& process, const pb::RayletToClient& message) {
  auto asked = process.asked.extract(message.request_id());
  if (asked.empty()) {
    return trace_.Broken("answered once", "process " + process.id.Hex() + " is answered request " +
                                              std::to_string(message.request_id()) + " again");
  }
  const std::string& what = asked.mapped().first;
  trace_.Add("process " + process.id.Hex() + " is answered " + std::to_string(message.request_id()) + " " + what +
             (message.has_error() ? ": " + message.error().message() : ""));
  if (message.has_actor_reply()) {
    const pb::ActorInfo& info = message.actor_reply().info();
    if (!info.id().empty()) process.told[info.id()] = info;
  }
  if (what == "leave") Die(process.id, "leaves");
}

void World::Host(SimProcess& process, const pb::AssignActor& assign) {
  CheckHost(process, assign);
  trace_.Add("process " + process.id.Hex() + " hosts " + raylet::IdFromPb<ActorId>(assign.spec().id()).Hex() +
             " incarnation " + std::to_string(assign.incarnation()));
  process.actor = assign;
  loop_.After(dice_.Between(1ms, 150ms), [this, id = process.id] { Construct(processes_.at(id)); });
}

void World::Construct(SimProcess& process) {
  if (!process.alive) return;
  const std::uint64_t chance = dice_.Below(100);
  if (chance < 3) return Die(process.id, "crashed in a constructor");
  pb::ClientToRaylet message;
  message.mutable_actor_constructed()->set_id(process.actor->spec().id());
  message.mutable_actor_constructed()->set_incarnation(process.actor->incarnation());
  if (chance < 6) message.mutable_actor_constructed()->mutable_error()->set_message("it threw");
  Say(process, message);
  if (chance < 6) process.actor.reset();  // it takes no call
}

void World::OnGranted(SimProcess& process, const pb::LeaseGranted& granted) {
  std::uint32_t& wanted = process.wanted[granted.key()];
  if (wanted > 0) --wanted;
  trace_.Add("process " + process.id.Hex() + " has a lease of " + ProcessId{granted.worker().process()}.Hex());
  const ProcessId worker{granted.worker().process()};
  if (SimProcess* leased = Find(worker); leased != nullptr && dice_.Chance(30)) {
    pb::ClientToRaylet blocked;
    blocked.mutable_blocked()->set_blocked(true);
    Say(*leased, blocked);
    loop_.After(dice_.Between(1ms, 100ms), [this, worker] {
      pb::ClientToRaylet goes_on;
      goes_on.mutable_blocked()->set_blocked(false);
      Say(processes_.at(worker), goes_on);
    });
  }
  loop_.After(dice_.Between(5ms, 1500ms), [this, id = process.id, granted] {
    pb::ClientToRaylet message;
    message.mutable_return_lease()->set_lease(granted.lease());
    message.mutable_return_lease()->set_node(granted.worker().node());
    message.mutable_return_lease()->set_worker(granted.worker().process());
    Say(processes_.at(id), message);
  });
}

}  // namespace troupe::simulation
