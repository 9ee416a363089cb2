// ActorTable: what happens to actors.
#include "head/actor_table.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "head/actor_row.h"
#include "head/convert.h"
#include "head/restart_policy.h"
#include "head/row_reader.h"

namespace troupe::head {
namespace {

// An actor that ran this long has recovered: its next failure is the first one again.
constexpr std::chrono::nanoseconds kRecoveredAfter = kLongestBackOff;
// A node that could not get an actor's program is asked again after this time, if no other takes the actor.
constexpr std::chrono::seconds kAvoidFor{2};

std::string BudgetNote(const pb::ActorInfo& info) {
  if (info.max_restarts() == 0) return "";
  return "; all " + std::to_string(info.max_restarts()) + " restarts are used";
}

// What a raylet says about a death, with what it left out.
pb::Error Complete(const Actor& actor, const pb::Error& said, const std::string& otherwise) {
  pb::Error error = DeathError(actor, pb::Error::ACTOR_DIED, otherwise);
  error.MergeFrom(said);
  return error;
}

}  // namespace

ActorTable::ActorTable(Environment& environment, ClusterView& view, const Facts& facts, ActorLimits limits,
                       std::function<void(JobId)> on_last_died)
    : environment_(environment),
      view_(view),
      facts_(facts),
      limits_(limits),
      on_last_died_(std::move(on_last_died)),
      updates_(environment),
      placer_(environment.loop, view, store_, facts,
              {.placed = [this](Actor& actor, const NodeId& node) { Start(actor, node); },
               .hopeless =
                   [this](Actor& actor, const std::string& reason) {
                     Die(actor, DeathError(actor, pb::Error::UNSCHEDULABLE, reason));
                   },
               .reason_changed = [this](Actor& actor) { updates_.Publish(actor); }}),
      names_(environment.loop) {
  environment_.commits.Keep(Table::kActors, [this](const std::string& key) -> std::optional<std::string> {
    const Actor* actor = store_.Find(ActorIdOrNone(key));
    if (actor == nullptr) return std::nullopt;
    return ToRow(*actor).SerializeAsString();
  });
  environment_.commits.Keep(Table::kActorSpecs, [this](const std::string& key) -> std::optional<std::string> {
    const Actor* actor = store_.Find(ActorIdOrNone(key));
    if (actor == nullptr || actor->dead()) return std::nullopt;
    return actor->spec.SerializeAsString();
  });
}

ActorTable::~ActorTable() {
  for (const auto& [sequence, actor] : store_.all()) environment_.loop.Cancel(actor->back_off);
}

void ActorTable::Start(Actor& actor, const NodeId& node) {
  actor.node = node;
  actor.info.set_state(pb::STARTING);
  actor.info.set_incarnation(actor.info.incarnation() + 1);
  updates_.Publish(actor);
  SendStart(actor);
}

void ActorTable::SendStart(const Actor& actor) {
  pb::HeadToNode message;
  pb::StartActor& start = *message.mutable_start_actor();
  *start.mutable_spec() = actor.spec;
  start.set_incarnation(actor.info.incarnation());
  const pb::JobInfo* job = facts_.Job(actor.job);
  TROUPE_CHECK(job != nullptr);  // kept while it has live actors
  *start.mutable_job() = *job;
  start.mutable_job()->set_in_use(true);  // by this actor, should the job have ended
  environment_.nodes.Send(actor.node, std::move(message));
}

void ActorTable::SendStop(const Actor& actor, const std::string& reason, bool graceful) {
  pb::HeadToNode message;
  pb::StopActor& stop = *message.mutable_stop_actor();
  stop.set_id(actor.info.id());
  stop.set_incarnation(actor.info.incarnation());
  stop.set_reason(reason);
  stop.set_graceful(graceful);
  environment_.nodes.Send(actor.node, std::move(message));
}

void ActorTable::StopStray(const NodeId& node, const std::string& id, std::uint64_t incarnation) {
  pb::HeadToNode message;
  message.mutable_stop_actor()->set_id(id);
  message.mutable_stop_actor()->set_incarnation(incarnation);
  message.mutable_stop_actor()->set_reason("the head does not know this incarnation, or has ended it");
  environment_.nodes.Send(node, std::move(message));
}

Actor* ActorTable::Current(const NodeId& node, const std::string& id, std::uint64_t incarnation) {
  Actor* actor = store_.Find(ActorIdOrNone(id));
  if (actor == nullptr || !actor->has_process()) return nullptr;
  return actor->node == node && actor->info.incarnation() == incarnation ? actor : nullptr;
}

void ActorTable::OnStarted(const NodeId& node, const pb::ActorStarted& started) {
  Actor* actor = Current(node, started.id(), started.incarnation());
  // No process of a raylet bears the id 0; nobody could reach the actor there.
  const bool nowhere = started.address().process() == 0;
  if (actor == nullptr || nowhere) return StopStray(node, started.id(), started.incarnation());
  view_.Started(actor->id);
  if (actor->doomed) return SendStop(*actor, actor->info.ending(), false);
  if (actor->info.state() == pb::ALIVE) return;
  store_.SetAddress(*actor, {node, ProcessId{started.address().process()}});
  actor->alive_since = environment_.loop.Now();
  actor->info.set_state(pb::ALIVE);
  *actor->info.mutable_address() = ToProto(actor->last_address);
  actor->info.set_pid(started.pid());
  actor->info.set_started_ms(environment_.wall_ms());
  actor->info.clear_death();
  updates_.Publish(*actor);
  if (actor->released) SendStop(*actor, "its last handle went", true);
}

void ActorTable::OnStartFailed(const NodeId& node, const pb::ActorStartFailed& failed) {
  Actor* actor = Current(node, failed.id(), failed.incarnation());
  if (actor == nullptr) return;
  if (actor->doomed) return Die(*actor, *actor->doomed);
  if (actor->info.state() == pb::ALIVE)
    return ProcessGone(*actor, Complete(*actor, failed.error(), "its process died"));
  switch (failed.reason()) {
    case pb::ActorStartFailed::NO_ROOM: return NoRoom(*actor);
    case pb::ActorStartFailed::NOT_NOW: return NotNow(*actor, failed.error());
    case pb::ActorStartFailed::CONSTRUCTOR:
      return Die(*actor, Complete(*actor, failed.error(), "its constructor failed"));
    case pb::ActorStartFailed::PROGRAM: {
      pb::Error error = DeathError(*actor, pb::Error::PROGRAM, "its program could not be started");
      error.MergeFrom(failed.error());
      return Die(*actor, std::move(error));
    }
    default: return ProcessGone(*actor, Complete(*actor, failed.error(), "its process died in the constructor"));
  }
}

void ActorTable::NoRoom(Actor& actor) {
  actor.refused_by = actor.node;
  actor.refused_after = view_.reports(actor.node).value_or(0);
  WaitAgain(actor, "node " + Short(actor.node) + " had no room after all; waits for its next report");
}

void ActorTable::NotNow(Actor& actor, const pb::Error& error) {
  const std::string reason = "node " + Short(actor.node) + " cannot run it now: " + error.message();
  spdlog::info("{} is placed again: {}", Describe(actor), reason);
  actor.avoided[actor.node] = reason;
  actor.avoided_until = environment_.loop.Now() + kAvoidFor;
  WaitAgain(actor, reason);
}

void ActorTable::WaitAgain(Actor& actor, const std::string& reason) {
  view_.Ended(actor.id);
  actor.node = {};
  actor.info.set_state(actor.info.restarts() > 0 ? pb::RESTARTING : pb::PENDING);
  if (actor.released) return End(actor, "its last handle went");
  actor.stop_to_restart = false;
  actor.info.set_pending_reason(reason);
  updates_.Publish(actor);
  placer_.Add(actor);
}

void ActorTable::OnProcessDied(const NodeId& node, const pb::ActorProcessDied& died) {
  Actor* actor = Current(node, died.id(), died.incarnation());
  if (actor == nullptr) return;
  if (actor->doomed) return Die(*actor, *actor->doomed);
  pb::Error error = Complete(*actor, died.error(), died.intended() ? "it exited" : "its process died");
  // Killing it in order to restart it is no intention of its own to end.
  if (died.intended() && !actor->stop_to_restart) return Die(*actor, std::move(error));
  ProcessGone(*actor, std::move(error));
}

void ActorTable::ProcessGone(Actor& actor, pb::Error error) {
  if (actor.doomed) return Die(actor, *actor.doomed);
  if (actor.released) return Die(actor, std::move(error));
  if (!MayRestart(actor.info)) {
    error.set_message(error.message() + BudgetNote(actor.info));
    return Die(actor, std::move(error));
  }
  const MonotonicTime now = environment_.loop.Now();
  const bool recovered = actor.info.state() == pb::ALIVE && now - actor.alive_since >= kRecoveredAfter;
  actor.failures = recovered ? 1 : actor.failures + 1;
  view_.Ended(actor.id);
  store_.SetAddress(actor, {});
  actor.node = {};
  actor.stop_to_restart = false;
  actor.info.set_state(pb::RESTARTING);
  actor.info.set_restarts(actor.info.restarts() + 1);
  actor.info.clear_address();
  actor.info.clear_pid();
  *actor.info.mutable_death() = std::move(error);
  updates_.Publish(actor);
  Rest(actor);
}

void ActorTable::Rest(Actor& actor) {
  const auto delay = BackOff(actor.failures, environment_.random());
  spdlog::info("{} restarts in {} ms: {}", Describe(actor), delay / std::chrono::milliseconds(1),
               actor.info.death().message());
  actor.back_off = environment_.loop.After(delay, [this, id = actor.id] {
    Actor* rested = store_.Find(id);
    rested->back_off = 0;
    placer_.Add(*rested);
  });
}

void ActorTable::End(Actor& actor, const std::string& reason) {
  pb::Error error = DeathError(actor, pb::Error::ACTOR_DIED, reason);
  if (!actor.has_process()) return Die(actor, std::move(error));
  if (actor.doomed) return;
  actor.doomed = std::move(error);
  actor.info.set_ending(reason);
  updates_.Publish(actor);
  SendStop(actor, reason, false);
  LeaveJob(actor);
}

void ActorTable::LeaveJob(Actor& actor) {
  const JobId job = actor.job;
  if (!actor.in_job) return;
  store_.LeaveJob(actor);
  if (on_last_died_ && !store_.HasLive(job)) on_last_died_(job);
}

void ActorTable::Die(Actor& actor, pb::Error error) {
  spdlog::info("{} is dead: {}", Describe(actor), error.message());
  environment_.loop.Cancel(actor.back_off);
  actor.back_off = 0;
  placer_.Remove(actor);
  view_.Ended(actor.id);
  actor.node = {};
  actor.info.set_state(pb::DEAD);
  actor.info.clear_address();
  actor.info.clear_pending_reason();
  actor.info.clear_infeasible();
  actor.info.clear_ending();
  *actor.info.mutable_death() = std::move(error);
  actor.doomed.reset();
  actor.spec.clear_arguments();
  updates_.Publish(actor);
  environment_.commits.Changed(Table::kActorSpecs, actor.id.Bytes());
  LeaveJob(actor);
  if (auto dropped = store_.Retire(actor)) environment_.commits.Changed(Table::kActors, dropped->Bytes());
  for (const auto& reply : std::exchange(actor.awaiting_death, {})) AnswerKnown(actor, true, reply);
  if (!actor.info.name().empty()) NameIsFree(actor.info.name_space(), actor.info.name());
}

void ActorTable::NodeJoined(const NodeId& node, const pb::NodeHello& hello) {
  std::set<ActorId> listed;  // those of another incarnation, which may be about to end there, do not count
  const auto list = [&](const std::string& id, std::uint64_t incarnation) {
    const Actor* actor = Current(node, id, incarnation);
    if (actor != nullptr) listed.insert(actor->id);
    return actor != nullptr;
  };
  for (const pb::ActorStarted& started : hello.actors()) {
    list(started.id(), started.incarnation());
    OnStarted(node, started);
  }
  for (const pb::ActorStarting& starting : hello.starting()) {
    if (!list(starting.id(), starting.incarnation())) StopStray(node, starting.id(), starting.incarnation());
  }
  auto& unlisted = unlisted_[node];
  unlisted.clear();
  ForEachLive([&](Actor& actor) {
    if (actor.watchers.contains(node)) updates_.Resend(node, actor);
    if (actor.node != node || !actor.has_process()) return;
    if (!listed.contains(actor.id)) {
      unlisted.emplace_back(actor.id, actor.info.incarnation());
      return;
    }
    if (actor.doomed) return SendStop(actor, actor.info.ending(), false);
    if (actor.stop_to_restart) return SendStop(actor, "it was killed", false);
    // One that starts is told once its constructor has returned.
    if (actor.released && actor.info.state() == pb::ALIVE) SendStop(actor, "its last handle went", true);
  });
}

void ActorTable::NodeReported(const NodeId& node) {
  if (auto unlisted = unlisted_.extract(node); !unlisted.empty()) {
    for (const auto& [id, incarnation] : unlisted.mapped()) Resync(node, id, incarnation);
  }
  placer_.Retry();
}

void ActorTable::Resync(const NodeId& node, const ActorId& id, std::uint64_t incarnation) {
  Actor* actor = Current(node, id.Bytes(), incarnation);
  if (actor == nullptr) return;
  if (actor->doomed)
    return SendStop(*actor, actor->info.ending(), false);  // if it does not run there, that is answered
  if (actor->info.state() == pb::STARTING) {               // a raylet that has the order already takes it once
    SendStart(*actor);
    if (actor->stop_to_restart) SendStop(*actor, "it was killed", false);
    return;
  }
  ProcessGone(*actor, DeathError(*actor, pb::Error::ACTOR_DIED,
                                 "its process was gone when its node, " + Short(node) + ", came back"));
}

void ActorTable::NodeDied(const NodeId& node, const std::string& reason) {
  const std::string text = "node " + Short(node) + " died: " + reason;
  unlisted_.erase(node);
  ForEachLive([&](Actor& actor) {
    actor.watchers.erase(node);
    const bool orphaned = actor.creator.node == node && !actor.info.detached();
    if (orphaned && actor.node != node) return End(actor, "its creator ended: " + text);
    if (orphaned) return Die(actor, DeathError(actor, pb::Error::ACTOR_DIED, "its creator ended: " + text));
    if (actor.node == node) ProcessGone(actor, DeathError(actor, pb::Error::ACTOR_DIED, text));
  });
  placer_.Retry();
}

void ActorTable::ProcessEnded(ProcessId process) {
  for (Actor* actor : store_.MadeBy(process)) {
    if (!actor->info.detached()) End(*actor, "its creator, process " + process.Hex() + ", ended");
  }
}

// What is not ended here and has no living creator or handle soon ends for want of that.
void ActorTable::JobEnded(JobId job) {
  bool goes_on = false;
  ForEachLive([&](const Actor& actor) { goes_on |= actor.job == job && actor.info.detached(); });
  std::vector<ActorId> ending;
  ForEachLive([&](Actor& actor) {
    if (actor.job == job && !(goes_on && OutlivesJob(actor))) ending.push_back(actor.id);
  });
  for (const ActorId& id : ending) End(*store_.Find(id), "its job, " + job.Hex() + ", ended");
}

// What a detached actor has made belongs to that actor, not to the driver. A task has made it for whoever runs the
// task, which may be a detached actor.
bool ActorTable::OutlivesJob(const Actor& actor) {
  const Actor* owner = &actor;
  while (!owner->info.detached()) {
    const Actor* creator = store_.InProcess(owner->creator.process);
    if (creator == nullptr) return owner->creator.process != ProcessId{facts_.Job(actor.job)->driver().process()};
    // A creator is always older; a spec that claims otherwise must not send this loop round for ever.
    if (creator->sequence >= owner->sequence) return false;
    owner = creator;
  }
  return true;
}

void ActorTable::ForEachLive(const std::function<void(Actor&)>& visit) {
  std::vector<ActorId> live;  // ids: ending one actor may drop the record of another, long dead
  for (const auto& [sequence, actor] : store_.all()) {
    if (!actor->dead()) live.push_back(actor->id);
  }
  for (const ActorId& id : live) {
    Actor* actor = store_.Find(id);
    if (actor != nullptr && !actor->dead()) visit(*actor);
  }
}

void ActorTable::Changed(const Actor& actor) { environment_.commits.Changed(Table::kActors, actor.id.Bytes()); }

Status ActorTable::Restore(const Rows& rows) {
  std::map<std::uint64_t, Actor> restored;  // by order of registration
  TROUPE_RETURN_IF_ERROR(
      ForEachRow<pb::ActorRow>(rows, Table::kActors, [&](const std::string& key, const pb::ActorRow& row) -> Status {
        const std::string what = "the registry's row of actor " + ActorIdOrNone(key).Hex();
        const auto spec = rows.find({Table::kActorSpecs, key});
        pb::ActorSpec parsed;
        const bool has_spec = spec != rows.end() && parsed.ParseFromString(spec->second);
        Result<Actor> actor = FromRow(row, has_spec ? &parsed : nullptr);
        if (!actor.ok()) return actor.status().WithContext(what);
        actor->info.set_epoch(environment_.epoch);
        actor->alive_since = environment_.loop.Now();
        if (!restored.emplace(row.sequence(), std::move(actor).value()).second) return DataLoss(what + " is not alone");
        return OkStatus();
      }));
  for (auto& [sequence, actor] : restored) {
    TROUPE_RETURN_IF_ERROR(store_.Restore(std::move(actor)).WithContext("the registry's rows of actors"));
  }
  ForEachLive([this](Actor& actor) {
    if (actor.info.state() == pb::RESTARTING) Rest(actor);
    if (actor.info.state() == pb::PENDING) placer_.Add(actor);
  });
  return OkStatus();
}

}  // namespace troupe::head
