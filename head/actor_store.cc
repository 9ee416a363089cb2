#include "head/actor_store.h"

#include <utility>

#include "common/check.h"

namespace troupe::head {

Actor& ActorStore::Add(Actor actor) {
  actor.sequence = last_sequence_ + 1;
  const Status status = Restore(std::move(actor));
  TROUPE_CHECK(status.ok());
  return *by_sequence_.rbegin()->second;
}

Status ActorStore::Restore(Actor actor) {
  const std::pair name(actor.info.name_space(), actor.info.name());
  const bool named = !actor.info.name().empty() && !actor.dead();
  if (actor.sequence <= last_sequence_ || actors_.contains(actor.id)) return DataLoss(Describe(actor) + " is not new");
  if (named && !names_.emplace(name, actor.id).second) return DataLoss("the name of " + Describe(actor) + " is taken");
  last_sequence_ = actor.sequence;
  const ActorId id = actor.id;
  Actor& stored = *actors_.emplace(id, std::make_unique<Actor>(std::move(actor))).first->second;
  by_sequence_[stored.sequence] = &stored;
  if (stored.dead()) {
    dead_.push_back(stored.id);
    return OkStatus();
  }
  by_creator_[stored.creator.process].insert(stored.id);
  if (stored.in_job) ++live_by_job_[stored.job];
  if (stored.info.state() == pb::ALIVE) SetAddress(stored, stored.last_address);
  return OkStatus();
}

void ActorStore::LeaveJob(Actor& actor) {
  if (!std::exchange(actor.in_job, false)) return;
  auto job = live_by_job_.find(actor.job);
  if (--job->second == 0) live_by_job_.erase(job);
}

std::optional<ActorId> ActorStore::Retire(Actor& actor) {
  TROUPE_CHECK(actor.dead());
  SetAddress(actor, {});
  if (!actor.info.name().empty()) names_.erase({actor.info.name_space(), actor.info.name()});
  auto creator = by_creator_.find(actor.creator.process);
  creator->second.erase(actor.id);
  if (creator->second.empty()) by_creator_.erase(creator);
  LeaveJob(actor);
  dead_.push_back(actor.id);
  if (dead_.size() <= kDeadKept) return std::nullopt;
  const ActorId oldest = dead_.front();
  dead_.pop_front();
  by_sequence_.erase(Find(oldest)->sequence);
  actors_.erase(oldest);
  return oldest;
}

void ActorStore::SetAddress(Actor& actor, const Address& address) {
  auto it = by_process_.find(actor.last_address.process);
  if (it != by_process_.end() && it->second == actor.id) by_process_.erase(it);
  if (!address) return;
  actor.last_address = address;
  by_process_[address.process] = actor.id;
}

Actor* ActorStore::Find(const ActorId& id) const {
  auto it = actors_.find(id);
  return it == actors_.end() ? nullptr : it->second.get();
}

Actor* ActorStore::FindNamed(const std::string& name_space, const std::string& name) {
  auto it = names_.find({name_space, name});
  return it == names_.end() ? nullptr : Find(it->second);
}

Actor* ActorStore::InProcess(ProcessId process) const {
  auto it = by_process_.find(process);
  return it == by_process_.end() ? nullptr : Find(it->second);
}

std::vector<Actor*> ActorStore::MadeBy(ProcessId creator) {
  std::vector<Actor*> made;
  auto it = by_creator_.find(creator);
  if (it == by_creator_.end()) return made;
  for (const ActorId& id : it->second) made.push_back(Find(id));
  return made;
}

}  // namespace troupe::head
