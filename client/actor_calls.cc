// ActorTable: the calls of this process to actors.
#include <deque>
#include <utility>

#include "client/actor_table.h"
#include "client/arguments.h"

namespace troupe::client {
namespace {

// A caller holds back when this much of what it asked of one actor is unanswered.
constexpr std::size_t kMaxUnsent = 100'000;
constexpr std::size_t kMaxInFlight = 65'536;
// Of calls to one actor of another node. What is on the way lies in the memory of the raylets, and the results will.
constexpr std::size_t kMaxFarCalls = 4'096;
constexpr std::size_t kMaxFarBytes = 16u << 20;
constexpr std::size_t kMaxHeldBack = 1'024;

}  // namespace

// Whether the way to the actor takes another call now.
bool ActorTable::TakesMore(const ActorRecord& actor) const {
  if (actor.address.node == core_.self.node) return true;
  return actor.in_flight < kMaxFarCalls && actor.in_flight_bytes < kMaxFarBytes;
}

bool ActorTable::Congested(const ActorRecord& actor) const {
  if (actor.queue.size() >= kMaxUnsent || actor.in_flight >= kMaxInFlight) return true;
  if (actor.running() && !TakesMore(actor) && actor.queue.size() >= kMaxHeldBack) return true;
  return actor.running() && core_.outbox->Backlog(actor.address) > Outbox::kBacklogLimit;
}

bool ActorTable::AwaitsAnswers(const ActorRecord& actor) const {
  if (!actor.running()) return false;
  return actor.in_flight >= kMaxInFlight || (!TakesMore(actor) && actor.queue.size() >= kMaxHeldBack);
}

internal::ObjectPtr ActorTable::Call(const std::shared_ptr<ActorRecord>& actor, std::shared_ptr<PendingCall> call) {
  call->actor = actor;
  internal::ObjectPtr result = objects_.NewPending(call);
  if (actor->dead()) {
    FailCall(call, DeathError(*actor, Outcome::kNotExecuted, call->name));
    return result;
  }
  if (!call->arguments.refs.empty() || !call->arguments.values.actors.empty()) {
    call->unresolved = AwaitArguments(objects_, call->arguments, [this, actor, call] {
      if (--call->unresolved == 0) Flush(actor);
    });
  }
  actor->queue.push_back(std::move(call));
  Flush(actor);
  return result;
}

void ActorTable::Flush(const std::shared_ptr<ActorRecord>& actor) {
  while (!actor->queue.empty() && actor->running() && TakesMore(*actor) && SendFirst(actor)) {
  }
  if (actor->queue.empty()) ReleaseIfUnused(actor);
}

bool ActorTable::SendFirst(const std::shared_ptr<ActorRecord>& actor) {
  const std::shared_ptr<PendingCall> call = actor->queue.front();
  if (call->unresolved > 0) return false;
  actor->queue.pop_front();
  if (!call->arguments.refs.empty()) {
    if (auto error = ArgumentError(call->arguments, call->name)) {
      FailCall(call, std::move(*error));
      return true;
    }
  }
  if (std::optional<ErrorInfo> error = TooLong(call->arguments)) {
    FailCall(call, std::move(*error));
    return true;
  }
  SendCall(actor, call);
  return true;
}

void ActorTable::SendCall(const std::shared_ptr<ActorRecord>& actor, const std::shared_ptr<PendingCall>& call) {
  CallFrame frame;
  frame.sequence = call->sequence;
  frame.function = call->function;
  frame.actor = actor->id;
  frame.incarnation = actor->incarnation;
  frame.attempt = call->attempt++;
  frame.arguments = ToWire(objects_, codec_, call->arguments, actor->address);
  call->incarnation = actor->incarnation;
  call->sent_to = actor->address.process;
  actor->sent.push_back(call);
  ++actor->in_flight;
  std::string bytes = Encode(frame);
  call->sent_bytes = bytes.size();
  actor->in_flight_bytes += bytes.size();
  call->sent_number = core_.outbox->Send(actor->address, std::move(bytes));
  // Without retries, and a process that says how far it has come, the bytes are not needed again; objects given as
  // arguments are, until the reply.
  if (call->retries_left == 0 && call->sent_number == 0) call->arguments.values = {};
}

void ActorTable::OnReply(const std::shared_ptr<ObjectRecord>& result, const ReplyFrame& frame) {
  const std::shared_ptr<PendingCall> call = result->call;
  const std::shared_ptr<ActorRecord> actor = call->actor;
  call->done = true;
  --actor->in_flight;
  actor->in_flight_bytes -= call->sent_bytes;
  while (!actor->sent.empty() && actor->sent.front()->done) actor->sent.pop_front();
  if (call->retry_exceptions && call->retries_left != 0 && frame.value.kind == WireValue::Kind::kError &&
      frame.value.error->kind == ErrorKind::kThrew) {
    if (call->retries_left > 0) --call->retries_left;
    call->done = false;
    call->sent_to = {};
    std::erase(actor->sent, call);  // earlier ones may be unanswered; it will be sent once more, not twice
    actor->queue.push_front(call);
    return Flush(actor);
  }
  if (frame.value.kind == WireValue::Kind::kError) {
    ErrorInfo named = *frame.value.error;
    named.method = call->name;
    if (named.actor_class.empty()) named.actor_class = actor->class_name;
    named.actor = actor->id;
    objects_.Resolve(result, ErrorValue(std::move(named)));
  } else {
    objects_.Resolve(result, frame.value);
  }
  if (!actor->queue.empty()) return Flush(actor);
  if (actor->refs.Unused()) ReleaseIfUnused(actor);
}

void ActorTable::FailCall(const std::shared_ptr<PendingCall>& call, ErrorInfo error) {
  call->done = true;
  auto result = objects_.Find(core_.ResultOf(call->sequence));
  if (!result) return;
  if (error.context.empty()) error.method = call->name;  // else it is another call that failed, or the constructor
  objects_.Fail(result, std::move(error));
}

// What was sent and not answered: what the process may have begun is sent again if it has retries left, or ends with
// `error`. What it has not begun and, being gone, never will, waits as if it had not been sent; of a process that
// lives, whose way is broken, it ends as not executed. The actor has left kRunning before.
void ActorTable::TakeBackSent(const std::shared_ptr<ActorRecord>& actor, const ErrorInfo& error, std::uint64_t reached,
                              bool gone) {
  const auto sent = std::exchange(actor->sent, {});
  actor->in_flight = actor->in_flight_bytes = 0;
  std::vector<std::shared_ptr<PendingCall>> again, lost;
  for (const auto& call : sent) {
    if (call->done) continue;
    call->sent_to = {};
    const bool may_have_begun = call->MayHaveBegun(reached);
    if (!may_have_begun) --call->attempt;
    const bool costs_a_retry = may_have_begun || !gone;
    if (costs_a_retry && call->retries_left == 0) {
      lost.push_back(call);
      continue;
    }
    if (costs_a_retry && call->retries_left > 0) --call->retries_left;
    again.push_back(call);
  }
  // First of all: what follows from the end of a call may ask whether the actor is still needed.
  actor->queue.insert(actor->queue.begin(), again.begin(), again.end());
  for (const auto& call : lost) {
    ErrorInfo own = error;
    if (call->attempt == 0) own.outcome = Outcome::kNotExecuted;
    FailCall(call, std::move(own));
  }
}

// The process of the current incarnation is gone.
void ActorTable::LoseProcess(const std::shared_ptr<ActorRecord>& actor, const std::string& why, std::uint64_t reached) {
  actor->ended = actor->incarnation;
  Enter(actor, ActorPhase::kAway);
  ErrorInfo error = DeathError(*actor, Outcome::kUnknown, "");
  error.message = "its process died during the call";
  if (!why.empty()) error.message += ": " + why;
  TakeBackSent(actor, error, reached, true);
}

// The process may live on, and the next call reach it.
void ActorTable::OnPathBroken(ProcessId process, const std::string& reason, std::uint64_t reached) {
  for (const auto& actor : InProcess(process)) OnWayBroken(actor, reason, reached);
}

void ActorTable::OnWayBroken(const std::shared_ptr<ActorRecord>& actor, const std::string& reason,
                             std::uint64_t reached) {
  if (!actor->has_process() || actor->phase == ActorPhase::kCut) return;
  if (actor->phase == ActorPhase::kLastWords) return OnProcessLost(actor, reason, kAllReached);  // they are lost
  Enter(actor, ActorPhase::kCut);
  // Not at once: who keeps sending into a way that stays broken should not do nothing else.
  core_.outbox->After(kPathPause, [this, actor, incarnation = actor->incarnation] {
    if (actor->phase != ActorPhase::kCut || actor->incarnation != incarnation) return;
    Enter(actor, ActorPhase::kRunning);
    Flush(actor);
  });
  TakeBackSent(actor,
               {.kind = ErrorKind::kSystem,
                .outcome = Outcome::kUnknown,
                .message = "the way to its process broke: " + reason,
                .actor_class = actor->class_name,
                .actor = actor->id},
               reached, false);
  ReleaseIfUnused(actor);
}

ErrorInfo ActorTable::DeathError(const ActorRecord& actor, Outcome outcome, std::string_view call) {
  ErrorInfo error = actor.death;
  if (error.kind == ErrorKind::kUnspecified) error.kind = ErrorKind::kActorDied;
  if (error.kind == ErrorKind::kWorkerDied) error.kind = ErrorKind::kActorDied;
  if (error.message.empty() && error.kind != ErrorKind::kThrew) error.message = "the actor is dead";
  error.outcome = outcome;
  // What every call should tell: that the constructor failed, or did not run as an argument of it failed.
  const bool of_constructor = !error.method.empty() || !error.context.empty();
  if (of_constructor && !call.empty()) {
    const std::string became =
        std::string(call) + (outcome == Outcome::kNotExecuted ? " was not executed" : " may have run");
    error.context = became + (error.context.empty() ? "" : ": " + error.context);
  }
  if (!actor.death.context.empty()) return error;  // it is another call that failed, elsewhere
  error.actor = actor.id;
  if (error.actor_class.empty()) error.actor_class = actor.class_name;
  return error;
}

}  // namespace troupe::client
