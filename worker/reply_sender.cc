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

void ReplySender::SendValue(std::unique_lock<std::mutex>& lock, const Mail& mail, ReplySink result,
                            const ActorInstance* actor) {
  const std::size_t refs = result.objects().size() + result.actors().size();
  if (refs * client::kRefNameBytes > client::kMaxValueBytes - stored_.inline_limit()) {
    return SendError(mail,
                     {.kind = ErrorKind::kSystem,
                      .outcome = Outcome::kFailed,
                      .message = "it ran, but its result cannot be sent: it has " + std::to_string(refs) +
                                 " refs and handles inside, of 53 bytes each in a message, which may have 16 MiB"},
                     actor);
  }
  std::optional<client::ReplyFrame> stored;
  if (result.bytes().size() > stored_.inline_limit()) {
    if (auto error = stored_.Store(lock, FirstResultId(mail.id()), result.bytes())) {
      error->outcome = Outcome::kFailed;  // it ran; only its result is lost
      return SendError(mail, std::move(*error), actor);
    }
    stored = ReplyTo(mail);
    stored->value.kind = client::WireValue::Kind::kStored;
    stored->value.size = result.bytes().size();
    stored->value.nodes = {core_.self.node};
  }
  if (result.actors().empty()) return SendResult(mail.from, result, stored);
  // Meanwhile other calls run, and others use the CPUs of a task: the value that an actor's constructor waits for may
  // be theirs to make.
  struct Waiting {
    Address to;
    ReplySink result;
    std::optional<client::ReplyFrame> stored;
    std::size_t unregistered = 0;
  };
  auto waiting = std::make_shared<Waiting>(Waiting{mail.from, std::move(result), std::move(stored)});
  waiting->unregistered =
      client::AwaitRegistered(waiting->result.actors(), [this, waiting, of_task = actor == nullptr] {
        if (--waiting->unregistered > 0) return;
        --waiting_;
        if (of_task) SayBlocked(false);
        SendResult(waiting->to, waiting->result, waiting->stored);
      });
  if (waiting->unregistered == 0) return SendResult(mail.from, waiting->result, waiting->stored);
  ++waiting_;
  if (actor == nullptr) SayBlocked(true);
}

void ReplySender::SayBlocked(bool blocked) {
  pb::ClientToRaylet message;
  message.mutable_blocked()->set_blocked(blocked);
  core_.outbox->SendRaylet(message);
}

void ReplySender::SendResult(const Address& to, ReplySink& result, std::optional<client::ReplyFrame>& stored) {
  std::vector<client::RefName> names = codec_.NamesFor(result.objects(), result.actors(), to);
  if (!stored) {
    core_.outbox->Send(to, result.Take(names));
    return;
  }
  stored->value.contained = std::move(names);
  core_.outbox->Send(to, client::Encode(*stored));
}

void ReplySender::SendError(const Mail& mail, ErrorInfo error, const ActorInstance* actor) {
  if (actor) error = actor->Named(std::move(error));
  client::ReplyFrame reply = ReplyTo(mail);
  reply.value = client::ErrorValue(HappenedHere(std::move(error), core_.self));
  core_.outbox->Send(mail.from, client::Encode(reply));
}

}  // namespace troupe::worker
