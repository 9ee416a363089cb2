// HeadPort: what the raylet's managers ask of the head. An interface, so that tests need none.
#pragma once

#include <functional>

#include "common/status.h"
#include "proto/client.pb.h"
#include "proto/head.pb.h"

namespace troupe::raylet {

// Loop thread; nothing blocks. Calls answer once, with UNAVAILABLE while the head is away.
class HeadPort {
 public:
  template <class Reply>
  using Done = std::function<void(Result<Reply>)>;
  virtual ~HeadPort() = default;

  virtual void RegisterJob(const pb::RegisterJobRequest& request, Done<pb::RegisterJobReply> done) = 0;
  // Once it has answered OK, neither `existed` nor `ask_again`, this node watches the actor.
  virtual void RegisterActor(const pb::RegisterActorRequest& request, Done<pb::ActorReply> done) = 0;
  virtual void GetActor(const pb::FindActor& request, Done<pb::ActorReply> done) = 0;
  virtual void KillActor(const pb::KillActorRequest& request, Done<pb::ActorReply> done) = 0;
  virtual void ListActors(const pb::ListActorsRequest& request, Done<pb::ListActorsReply> done) = 0;

  // These reach the head however long it is away, as long as this raylet lives. `heard` runs when it has answered.
  virtual void FinishJob(const pb::FinishJobRequest& request, std::function<void()> heard) = 0;
  virtual void ReleaseActor(const pb::ReleaseActor& request) = 0;

  // On this node's stream. An event is kept, and sent again after each new connection, until the head has acknowledged
  // it, and the head takes it once; anything else (subscriptions, reports) is dropped while the head is away, as
  // reconnecting sends them anew.
  virtual void SendEvent(pb::NodeToHead event) = 0;
  // The same for what nobody waits for: it goes with whatever is sent next, in its order, or by itself a little later.
  virtual void SendEventLater(pb::NodeToHead event) = 0;
  virtual void SendIfConnected(const pb::NodeToHead& message) = 0;
};

}  // namespace troupe::raylet
