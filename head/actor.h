// Actor: what the head keeps of one actor, and the messages made of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/event_loop.h"
#include "common/resources.h"
#include "common/status.h"
#include "head/environment.h"
#include "proto/common.pb.h"
#include "troupe/ids.h"

namespace troupe::head {

struct Actor {
  ActorId id;
  JobId job;
  pb::ActorSpec spec;          // without `arguments` once it is dead
  pb::ActorInfo info;          // what others are told
  std::uint64_t sequence = 0;  // order of registration
  std::string content;         // digest of the spec as registered: tells a repeated request from another one
  std::string shape;           // equal for actors that the scheduler cannot tell apart

  ResourceSet resources;
  ResourceSet placement_resources;
  Address creator;

  NodeId node;           // of the process that runs or starts now
  Address last_address;  // of the latest process that ran, kept after its death for its logs
  int failures = 0;      // in a row
  MonotonicTime alive_since{};
  TimerId back_off = 0;

  // While it waits for a node.
  NodeId refused_by;                      // had no room; asked again after its next report
  std::uint64_t refused_after = 0;        // reports of `refused_by` seen by then
  std::map<NodeId, std::string> avoided;  // could not get its program, and why: others come first,
  MonotonicTime avoided_until{};          // and if none takes it, these are asked again from then on

  bool released = false;  // its creator needs it no more: ends when what is queued has run
  // It is being ended for good, and this will be its death. It keeps its name until its process is known to have ended:
  // its raylet has said so, or its node is dead.
  std::optional<pb::Error> doomed;
  bool in_job = true;            // its job goes on for it (ActorStore)
  bool stop_to_restart = false;  // killed, but may come back: its next death counts as a failure
  std::set<NodeId> watchers;
  std::vector<Reply<pb::ActorReply>> awaiting_death;  // who has killed it

  bool dead() const { return info.state() == pb::DEAD; }
  // Not dead yet, and to be given to nobody any more.
  bool ending() const { return !dead() && (released || doomed); }
  bool has_process() const { return info.state() == pb::STARTING || info.state() == pb::ALIVE; }
};

// Checks every field of a foreign spec, and makes the PENDING actor of it. INVALID_ARGUMENT names the field.
Result<Actor> MakeActor(const pb::ActorSpec& spec);

// What equal registrations have in common.
std::string SpecContent(const pb::ActorSpec& spec);

// An error that says why the actor has no process, with the actor's names filled in.
pb::Error DeathError(const Actor& actor, pb::Error::Kind kind, const std::string& message);

// "actor Counter (1a2b…)", with its name if it has one; for logs and messages.
std::string Describe(const Actor& actor);

}  // namespace troupe::head
