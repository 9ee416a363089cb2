// ActorUpdates: tells the raylets that watch an actor what has become of it.
#pragma once

#include "head/actor.h"
#include "head/environment.h"

namespace troupe::head {

class ActorUpdates {
 public:
  explicit ActorUpdates(Environment& environment) : environment_(environment) {}

  // Sends the actor's state to `node` now and after every change.
  void Watch(const NodeId& node, Actor& actor);
  // The same for who was told of it just now: that it starts goes without saying.
  void WatchFromStart(const NodeId& node, Actor& actor);
  // The actor has changed: every watcher is told, once that is committed. The news of its death is the last one, and
  // ends the watching.
  void Publish(Actor& actor);
  // To one watcher again, after it was away.
  void Resend(const NodeId& node, const Actor& actor);
  // Answers a watch of an actor that does not exist, or was forgotten long after its death.
  void SendUnknown(const NodeId& node, const ActorId& actor);

 private:
  void Send(const NodeId& node, const pb::ActorInfo& info);

  Environment& environment_;
};

}  // namespace troupe::head
