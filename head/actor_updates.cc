#include "head/actor_updates.h"

#include <utility>

namespace troupe::head {

void ActorUpdates::Watch(const NodeId& node, Actor& actor) {
  Send(node, actor.info);
  if (!actor.dead()) actor.watchers.insert(node);
}

void ActorUpdates::WatchFromStart(const NodeId& node, Actor& actor) {
  if (actor.info.state() != pb::STARTING) return Watch(node, actor);
  actor.watchers.insert(node);
}

void ActorUpdates::Publish(Actor& actor) {
  actor.info.set_version(actor.info.version() + 1);
  environment_.commits.Changed(Table::kActors, actor.id.Bytes());
  for (const NodeId& node : actor.watchers) Send(node, actor.info);
  if (actor.dead()) actor.watchers.clear();
}

void ActorUpdates::Resend(const NodeId& node, const Actor& actor) { Send(node, actor.info); }

void ActorUpdates::SendUnknown(const NodeId& node, const ActorId& actor) {
  pb::ActorInfo info;
  info.set_id(actor.Bytes());
  info.set_state(pb::DEAD);
  info.mutable_death()->set_kind(pb::Error::ACTOR_DIED);
  info.mutable_death()->set_outcome(pb::Error::NOT_EXECUTED);
  info.mutable_death()->set_message("no such actor");
  info.mutable_death()->set_actor(actor.Bytes());
  Send(node, info);
}

void ActorUpdates::Send(const NodeId& node, const pb::ActorInfo& info) {
  pb::HeadToNode message;
  *message.mutable_actor_update()->mutable_info() = info;
  environment_.nodes.Send(node, std::move(message));
}

}  // namespace troupe::head
