// ActorTable: what clients ask for.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "head/actor_table.h"
#include "head/convert.h"

namespace troupe::head {
namespace {

constexpr std::uint32_t kDefaultListLimit = 10'000;
constexpr std::size_t kMaxAwaitingDeath = 1'000;

Status NameTaken(const Actor& holder, const Actor& wanted) {
  return AlreadyExists("the name '" + wanted.info.name() + "' in namespace '" + wanted.info.name_space() +
                       "' is held by actor " + holder.id.Hex() + " (" + holder.info.class_name() + ", " +
                       pb::ActorState_Name(holder.info.state()) + "); choose another name, or use GetActor");
}

bool Matches(const pb::ListActorsRequest& request, const Actor& actor) {
  if (actor.dead() && !request.include_dead()) return false;
  if (request.named_only() && actor.info.name().empty()) return false;
  return request.all_namespaces() || actor.info.name_space() == request.name_space();
}

}  // namespace

void ActorTable::Register(const pb::RegisterActorRequest& request, Reply<pb::ActorReply> reply) {
  pb::ActorSpec spec = request.spec();
  const pb::JobInfo* job = facts_.Job(JobId{spec.job()});
  if (spec.name_space().empty() && job != nullptr) spec.set_name_space(job->name_space());
  Result<Actor> actor = MakeActor(spec);
  if (!actor.ok()) return reply(actor.status());
  actor->content = SpecContent(spec);

  if (Actor* same = store_.Find(actor->id)) {
    if (same->content == actor->content) {
      if (const NodeId watcher = NodeIdOrNone(request.watcher())) updates_.Watch(watcher, *same);
      return AnswerKnown(*same, false, reply);
    }
    return reply(AlreadyExists("actor id " + actor->id.Hex() + " is taken by " + Describe(*same)));
  }
  if (Actor* holder = store_.FindNamed(spec.name_space(), spec.name()); holder != nullptr && !spec.name().empty()) {
    if (holder->ending()) {
      pb::RegisterActorRequest waiting = request;
      *waiting.mutable_spec() = std::move(spec);
      return names_.Add(std::move(waiting), std::move(reply));
    }
    const bool same_class = holder->info.class_name() == spec.class_name();
    if (request.get_if_exists() && same_class) return AnswerKnown(*holder, true, reply);
    return reply(NameTaken(*holder, *actor));
  }
  if (Status status = CheckCreator(*actor); !status.ok()) return reply(status);
  if (store_.size() >= limits_.actors) {
    return reply(ResourceExhausted("the head knows " + std::to_string(store_.size()) +
                                   " actors, as many as it may; end some of them"));
  }

  actor->info.set_epoch(environment_.epoch);
  Actor& stored = store_.Add(std::move(actor).value());
  spdlog::debug("{} registered", Describe(stored));
  Changed(stored);
  environment_.commits.Changed(Table::kActorSpecs, stored.id.Bytes());
  AnswerKnown(stored, false, reply);
  placer_.Add(stored);
  if (const NodeId watcher = NodeIdOrNone(request.watcher())) updates_.WatchFromStart(watcher, stored);
}

void ActorTable::NameIsFree(const std::string& name_space, const std::string& name) {
  std::vector<NameQueue::Waiting> waiting = names_.Take(name_space, name);
  if (waiting.empty()) return;
  // Not within the end of the holder, which may be one of many.
  environment_.loop.Post([this, alive = std::weak_ptr<bool>(alive_), waiting = std::move(waiting)] {
    if (alive.expired()) return;
    for (const auto& [request, reply] : waiting) Register(request, reply);
  });
}

void ActorTable::AnswerKnown(const Actor& known, bool existed, const Reply<pb::ActorReply>& reply) {
  pb::ActorReply answer;
  *answer.mutable_info() = known.info;
  answer.set_existed(existed);
  reply(std::move(answer));
}

Status ActorTable::CheckCreator(const Actor& actor) const {
  const pb::JobInfo* job = facts_.Job(actor.job);
  if (job == nullptr) {
    return FailedPrecondition("job " + actor.job.Hex() + " of " + Describe(actor) + " is not known to the head");
  }
  // Detached actors outlive their job, and may go on to make actors, in their constructors and tasks too. Every other
  // process of the job is about to end, and what it makes with it.
  const bool goes_on = store_.HasLive(actor.job) && actor.creator.process != ProcessId{job->driver().process()};
  if (facts_.JobOver(actor.job) && !goes_on) {
    return FailedPrecondition("job " + actor.job.Hex() + " of " + Describe(actor) + " has ended");
  }
  if (actor.info.detached()) return OkStatus();
  if (!actor.creator) return InvalidArgument(Describe(actor) + " is not detached, so it must name its creator");
  if (facts_.ProcessGone(actor.creator.process) || facts_.NodeDeath(actor.creator.node)) {
    return FailedPrecondition("the creator of " + Describe(actor) + ", process " + actor.creator.process.Hex() +
                              ", has ended");
  }
  return OkStatus();
}

Result<Actor*> ActorTable::FindByIdOrName(const std::string& id, const std::string& name_space,
                                          const std::string& name) {
  if (!id.empty()) {
    TROUPE_ASSIGN_OR_RETURN(const ActorId actor_id, ParseActorId(id, "an actor's id"));
    if (Actor* actor = store_.Find(actor_id)) return actor;
    return NotFound("no actor has the id " + actor_id.Hex());
  }
  if (name.empty()) return InvalidArgument("give an actor's id or its name");
  if (Actor* actor = store_.FindNamed(name_space, name)) return actor;
  return NotFound("no actor is named '" + name + "' in namespace '" + name_space + "'");
}

Result<pb::ActorInfo> ActorTable::Find(const pb::FindActor& request) {
  TROUPE_ASSIGN_OR_RETURN(const Actor* actor, FindByIdOrName(request.id(), request.name_space(), request.name()));
  if (request.id().empty() && actor->ending()) {
    return NotFound("the actor that was named '" + request.name() + "' in namespace '" + request.name_space() +
                    "' is ending: " + (actor->doomed ? actor->info.ending() : "its last handle went"));
  }
  return actor->info;
}

void ActorTable::Kill(const pb::KillActorRequest& request, Reply<pb::ActorReply> reply) {
  Result<Actor*> found = FindByIdOrName(request.id(), request.name_space(), request.name());
  if (!found.ok()) return reply(found.status());
  Actor& actor = **found;
  const std::string reason = request.reason().empty() ? "it was killed" : "it was killed: " + request.reason();
  if (!actor.dead() && request.no_restart()) {
    if (actor.awaiting_death.size() >= kMaxAwaitingDeath) {
      return reply(ResourceExhausted(Describe(actor) + " is being killed already, by many"));
    }
    if (actor.has_process()) {  // by the time of the reply nothing of it runs, and its name is free
      actor.awaiting_death.push_back(std::move(reply));
      return End(actor, reason);
    }
    End(actor, reason);
  } else if (actor.has_process() && !actor.stop_to_restart) {
    actor.stop_to_restart = true;
    Changed(actor);
    SendStop(actor, reason, false);
  }
  AnswerKnown(actor, true, reply);
}

void ActorTable::Release(const ActorId& id) {
  Actor* actor = store_.Find(id);
  if (actor == nullptr || actor->dead() || actor->info.detached() || actor->released) return;
  actor->released = true;
  Changed(*actor);
  const std::string reason = "its last handle went";
  if (actor->info.state() == pb::ALIVE) {
    SendStop(*actor, reason, true);
  } else if (actor->info.state() != pb::STARTING) {  // a starting one is told once its constructor has returned
    End(*actor, reason);
  }
}

pb::ListActorsReply ActorTable::List(const pb::ListActorsRequest& request) const {
  const std::uint32_t limit = request.limit() == 0 ? kDefaultListLimit : request.limit();
  pb::ListActorsReply reply;
  std::uint32_t total = 0;
  for (const auto& [sequence, actor] : store_.all()) {
    if (!Matches(request, *actor)) continue;
    if (++total <= limit) *reply.add_actors() = actor->info;
  }
  reply.set_total(total);
  return reply;
}

void ActorTable::Watch(const NodeId& node, const ActorId& id, bool stop) {
  Actor* actor = store_.Find(id);
  if (stop) {
    if (actor != nullptr) actor->watchers.erase(node);
  } else if (actor == nullptr) {
    updates_.SendUnknown(node, id);
  } else {
    updates_.Watch(node, *actor);
  }
}

void ActorTable::Count(pb::Status* status) const {
  std::uint32_t counts[pb::ActorState_ARRAYSIZE] = {};
  for (const auto& [sequence, actor] : store_.all()) ++counts[actor->info.state()];
  status->set_actors_alive(counts[pb::ALIVE]);
  status->set_actors_pending(counts[pb::PENDING] + counts[pb::STARTING]);
  status->set_actors_restarting(counts[pb::RESTARTING]);
  status->set_actors_dead(counts[pb::DEAD]);
}

}  // namespace troupe::head
