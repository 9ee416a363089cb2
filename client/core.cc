#include "client/core.h"

#include "client/frames.h"
#include "common/utf8.h"

namespace troupe::client {

void ThrowOutOfIds() {
  Throw({.kind = ErrorKind::kSystem,
         .outcome = Outcome::kNotExecuted,
         .message = "this process has made as many calls, objects and actors as there are ids for; go on in another"});
}

ErrorInfo FromProto(const pb::Error& error) {
  ErrorInfo info;
  info.kind = static_cast<ErrorKind>(error.kind());
  info.outcome = static_cast<Outcome>(error.outcome());
  info.message = error.message();
  info.remote_type = error.remote_type();
  info.actor_class = error.actor_class();
  info.method = error.method();
  info.context = error.context();
  info.actor = ActorId::FromBytes(error.actor()).value_or(ActorId{});
  info.node = NodeId::FromBytes(error.node()).value_or(NodeId{});
  info.pid = error.pid();
  return info;
}

pb::Error ToProto(const ErrorInfo& info) {
  pb::Error error;
  error.set_kind(static_cast<pb::Error::Kind>(info.kind));
  error.set_outcome(static_cast<pb::Error::Outcome>(info.outcome));
  error.set_message(Utf8(CutText(info.message)));
  error.set_remote_type(Utf8(CutText(info.remote_type)));
  error.set_actor_class(Utf8(CutText(info.actor_class)));
  error.set_method(Utf8(CutText(info.method)));
  error.set_context(Utf8(CutText(info.context)));
  if (info.actor) error.set_actor(info.actor.Bytes());
  if (info.node) error.set_node(info.node.Bytes());
  error.set_pid(info.pid);
  return error;
}

}  // namespace troupe::client
