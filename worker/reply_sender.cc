#include "worker/reply_sender.h"

#include <memory>
#include <string>
#include <utility>

#include "worker/call_errors.h"

namespace troupe::worker {
namespace {

client::ReplyFrame ReplyTo(const Mail& mail) {
  client::ReplyFrame reply;
  reply.sequence = mail.frame.sequence;
  reply.incarnation = mail.frame.incarnation;
  return reply;
}

}  // namespace

void ReplySender::SendValue(std::unique_lock<std::mutex>& lock, const Mail& mail, internal::Payload value,
                            const ActorInstance* actor) {
  client::ReplyFrame reply = ReplyTo(mail);
  const std::size_t refs = value.objects.size() + value.actors.size();
  if (refs * client::kRefNameBytes > client::kMaxValueBytes - stored_.inline_limit()) {
    return SendError(mail,
                     {.kind = ErrorKind::kSystem,
                      .outcome = Outcome::kFailed,
                      .message = "it ran, but its result cannot be sent: it has " + std::to_string(refs) +
                                 " refs and handles inside, of 53 bytes each in a message, which may have 16 MiB"},
                     actor);
  }
  if (value.bytes.size() <= stored_.inline_limit()) {
    reply.value.kind = client::WireValue::Kind::kInline;
  } else {
    const ObjectId id{mail.from.process.value, mail.frame.sequence};
    if (auto error = stored_.Store(lock, id, value.bytes)) {
      error->outcome = Outcome::kFailed;  // it ran; only its result is lost
      return SendError(mail, std::move(*error), actor);
    }
    reply.value.kind = client::WireValue::Kind::kStored;
    reply.value.size = value.bytes.size();
    reply.value.nodes = {core_.self.node};
  }
  if (value.actors.empty()) return SendResult(mail.from, reply, value);
  // Meanwhile other calls run, and others use the CPUs of a task: the value that an actor's constructor waits for may
  // be theirs to make.
  struct Waiting {
    Address to;
    client::ReplyFrame reply;
    internal::Payload value;
    std::size_t unregistered = 0;
  };
  auto waiting = std::make_shared<Waiting>(Waiting{mail.from, std::move(reply), std::move(value)});
  waiting->unregistered = client::AwaitRegistered(waiting->value.actors, [this, waiting, of_task = actor == nullptr] {
    if (--waiting->unregistered > 0) return;
    --waiting_;
    if (of_task) SayBlocked(false);
    SendResult(waiting->to, waiting->reply, waiting->value);
  });
  if (waiting->unregistered == 0) return SendResult(mail.from, waiting->reply, waiting->value);
  ++waiting_;
  if (actor == nullptr) SayBlocked(true);
}

void ReplySender::SayBlocked(bool blocked) {
  pb::ClientToRaylet message;
  message.mutable_blocked()->set_blocked(blocked);
  core_.outbox->SendRaylet(message);
}

void ReplySender::SendResult(const Address& to, client::ReplyFrame& reply, const internal::Payload& result) {
  reply.value.contained = codec_.NamesFor(result.objects, result.actors, to);
  if (reply.value.kind == client::WireValue::Kind::kInline) reply.value.bytes = result.bytes;
  core_.outbox->Send(to, client::Encode(reply));
}

void ReplySender::SendError(const Mail& mail, ErrorInfo error, const ActorInstance* actor) {
  if (actor) error = actor->Named(std::move(error));
  client::ReplyFrame reply = ReplyTo(mail);
  reply.value = client::ErrorValue(HappenedHere(std::move(error), core_.self));
  core_.outbox->Send(mail.from, client::Encode(reply));
}

}  // namespace troupe::worker
