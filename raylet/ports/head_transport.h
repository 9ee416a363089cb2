// HeadTransport: the way to the head: a stream, and calls that do not belong to it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/status.h"
#include "proto/common.pb.h"
#include "proto/head.pb.h"
#include "raylet/ports/message_stream.h"

namespace troupe::raylet {

using HeadStream = MessageStream<pb::HeadToNode, pb::NodeToHead>;

// Loop thread; nothing here blocks. Each `done` runs once, in a turn of its own: UNAVAILABLE when the head cannot be
// reached, DEADLINE_EXCEEDED when it does not answer in time, and then the call may have taken effect.
class HeadTransport {
 public:
  template <class Reply>
  using Done = std::function<void(Result<Reply>)>;
  virtual ~HeadTransport() = default;

  // Opens the node's stream; whether that succeeds is heard by its handlers.
  virtual std::unique_ptr<HeadStream> OpenStream(MessageStreamHandlers<pb::HeadToNode> handlers) = 0;
  // Where the head is, for people.
  virtual std::string target() const = 0;

  virtual void RegisterJob(const pb::RegisterJobRequest& request, Done<pb::RegisterJobReply> done) = 0;
  virtual void FinishJob(const pb::FinishJobRequest& request, Done<pb::Done> done) = 0;
  virtual void GetActor(const pb::FindActor& request, Done<pb::ActorReply> done) = 0;
  virtual void KillActor(const pb::KillActorRequest& request, Done<pb::ActorReply> done) = 0;
  virtual void ListActors(const pb::ListActorsRequest& request, Done<pb::ListActorsReply> done) = 0;
};

}  // namespace troupe::raylet
