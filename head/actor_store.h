// ActorStore: the actors, found by id, by name, by who made them and by where they run.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "head/actor.h"

namespace troupe::head {

// Owns the records; pointers to them are valid until Retire() drops them. Keeps the last 10 000 dead ones.
class ActorStore {
 public:
  static constexpr std::size_t kDeadKept = 10'000;

  // The last of all by its order of registration. Its id and its name must be free.
  Actor& Add(Actor actor);
  // Takes in an actor of an earlier start, which has its place in that order: after those that are here. Dead ones are
  // forgotten in that order, too. DATA_LOSS when its id or its name is taken.
  Status Restore(Actor actor);
  // The actor is no more one for which its job goes on: it is being ended. Idempotent.
  void LeaveJob(Actor& actor);
  // Lets go of the actor's name, creator and job once it is dead. Drops the longest dead actor when there are too many,
  // and returns its id.
  std::optional<ActorId> Retire(Actor& actor);
  // Notes where `actor` runs; a zero address: nowhere, but `last_address` stays.
  void SetAddress(Actor& actor, const Address& address);

  Actor* Find(const ActorId& id) const;
  // The holder of the name: never a dead actor.
  Actor* FindNamed(const std::string& name_space, const std::string& name);
  Actor* InProcess(ProcessId process) const;
  std::vector<Actor*> MadeBy(ProcessId creator);  // not dead
  // Whether an actor of the job is neither dead nor being ended.
  bool HasLive(JobId job) const { return live_by_job_.contains(job); }

  // In the order of registration.
  const std::map<std::uint64_t, Actor*>& all() const { return by_sequence_; }
  std::size_t size() const { return actors_.size(); }

 private:
  std::unordered_map<ActorId, std::unique_ptr<Actor>> actors_;
  std::map<std::uint64_t, Actor*> by_sequence_;
  std::map<std::pair<std::string, std::string>, ActorId> names_;
  std::unordered_map<ProcessId, std::unordered_set<ActorId>> by_creator_;
  std::unordered_map<ProcessId, ActorId> by_process_;
  std::unordered_map<JobId, std::size_t> live_by_job_;
  std::deque<ActorId> dead_;
  std::uint64_t last_sequence_ = 0;
};

}  // namespace troupe::head
