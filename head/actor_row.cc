#include "head/actor_row.h"

#include <utility>

#include "head/convert.h"

namespace troupe::head {
namespace {

Result<Actor> DeadActor(const pb::ActorRow& row) {
  Actor actor;
  TROUPE_ASSIGN_OR_RETURN(actor.id, ParseActorId(row.info().id(), "an actor's id"));
  actor.job = JobId{row.info().job()};
  actor.creator = FromProto(row.info().creator());
  return actor;
}

}  // namespace

pb::ActorRow ToRow(const Actor& actor) {
  pb::ActorRow row;
  *row.mutable_info() = actor.info;
  row.mutable_info()->clear_pending_reason();  // changes all the time, and is found out anew
  row.mutable_info()->clear_infeasible();
  row.mutable_info()->clear_epoch();  // of whoever reads it
  row.set_sequence(actor.sequence);
  row.set_content(actor.content);
  if (actor.node) row.set_node(actor.node.Bytes());
  if (actor.last_address) *row.mutable_last_address() = ToProto(actor.last_address);
  row.set_failures(static_cast<std::uint32_t>(actor.failures));
  row.set_released(actor.released);
  if (actor.doomed) *row.mutable_doomed() = *actor.doomed;
  row.set_stop_to_restart(actor.stop_to_restart);
  return row;
}

Result<Actor> FromRow(const pb::ActorRow& row, const pb::ActorSpec* spec) {
  const bool dead = row.info().state() == pb::DEAD;
  if (spec == nullptr && !dead) return DataLoss("there is no spec of it");
  Result<Actor> actor = dead ? DeadActor(row) : MakeActor(*spec);
  if (!actor.ok()) return DataLoss(actor.status().message());
  if (actor->id.Bytes() != row.info().id()) return DataLoss("its spec is of another actor");
  actor->info = row.info();
  actor->sequence = row.sequence();
  actor->content = row.content();
  actor->node = NodeIdOrNone(row.node());
  actor->last_address = FromProto(row.last_address());
  actor->failures = static_cast<int>(row.failures());
  actor->released = row.released();
  if (row.has_doomed()) actor->doomed = row.doomed();
  actor->in_job = !dead && !row.has_doomed();
  actor->stop_to_restart = row.stop_to_restart();
  if (actor->has_process() != static_cast<bool>(actor->node)) return DataLoss("it runs, but on no node");
  return actor;
}

}  // namespace troupe::head
