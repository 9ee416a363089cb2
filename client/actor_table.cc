#include "client/actor_table.h"

#include <algorithm>
#include <utility>

#include "client/arguments.h"

namespace troupe::client {
namespace {

constexpr std::chrono::milliseconds kAskHeadAgain{500};
// Should nobody here be told that a process is gone, the head's word counts after this time.
constexpr std::chrono::seconds kLastWords{2};
// A creator that does not say whether it counts this process is taken to do so after this time.
constexpr std::chrono::seconds kMaxConfirmation{2};

RefName NameOf(const ActorRecord& actor) {
  return {.kind = actor.detached ? RefName::Kind::kDetachedActor : RefName::Kind::kActor,
          .id = {actor.id.high, actor.id.low},
          .owner = actor.creator,
          .max_task_retries = actor.max_task_retries,
          .max_pending_calls = actor.max_pending_calls};
}

Address ToAddress(const pb::Address& address) {
  return {NodeId::FromBytes(address.node()).value_or(NodeId{}), ProcessId{address.process()}};
}

}  // namespace

// An actor and the calls to it that have no answer own each other.
ActorTable::~ActorTable() {
  for (const auto& [id, actor] : actors_) {
    actor->queue.clear();
    actor->sent.clear();
    actor->on_registered.clear();
    actor->on_confirmed.clear();
  }
}

// --- Handles -------------------------------------------------------------------------------------------------------

std::shared_ptr<ActorRecord> ActorTable::NewRecord(ActorId id, Address creator) {
  auto actor = std::make_shared<ActorRecord>();
  actor->id = id;
  actor->creator = creator;
  actors_.insert_or_assign(id, actor);  // as in ObjectTable::NewRecord
  return actor;
}

internal::ActorPtr ActorTable::Handle(const std::shared_ptr<ActorRecord>& actor) {
  internal::ActorPtr handle = actor->handle.lock();
  if (!handle) {
    ++actor->refs.handles;
    handle = std::make_shared<internal::ActorState>(actor, core_.releases);
    actor->handle = handle;
  }
  return handle;
}

void ActorTable::Enter(const std::shared_ptr<ActorRecord>& actor, ActorPhase phase) {
  actor->phase = phase;
  if (actor->has_process()) {
    auto& hosted = by_process_[actor->address.process];
    if (std::find(hosted.begin(), hosted.end(), actor) == hosted.end()) hosted.push_back(actor);
  } else if (const auto at = by_process_.find(actor->address.process); at != by_process_.end()) {
    std::erase(at->second, actor);
    if (at->second.empty()) by_process_.erase(at);
  }
}

internal::ActorPtr ActorTable::Create(pb::ActorSpec spec, bool get_if_exists, internal::Arguments arguments,
                                      std::function<void(const pb::RayletToClient&)> registered) {
  const ActorId id{core_.self.process.value, core_.NextSequence()};
  auto actor = NewRecord(id, core_.self);
  actor->detached = spec.detached();
  actor->max_task_retries = spec.max_task_retries();
  actor->max_pending_calls = spec.max_pending_calls();
  actor->class_name = spec.class_name();
  spec.set_id(id.Bytes());
  actor->spec = std::move(spec);
  actor->arguments = std::move(arguments);
  Enter(actor, ActorPhase::kComposing);
  internal::ActorPtr handle = Handle(actor);
  actor->unresolved = AwaitArguments(objects_, actor->arguments, [this, actor, get_if_exists, registered] {
    if (--actor->unresolved == 0) SendCreation(actor, get_if_exists, registered);
  });
  if (actor->unresolved == 0) SendCreation(actor, get_if_exists, registered);
  return handle;
}

void ActorTable::SendCreation(const std::shared_ptr<ActorRecord>& actor, bool get_if_exists,
                              const Registered& registered) {
  if (actor->phase == ActorPhase::kComposing) {
    const std::string constructor = "the constructor of " + actor->class_name;
    std::optional<ErrorInfo> error = ArgumentError(actor->arguments, constructor);
    if (!error && (error = TooLong(actor->arguments))) error->method = constructor;
    if (error) {
      actor->death = std::move(*error);
      Die(actor);
    }
  }
  if (actor->phase != ActorPhase::kComposing) {  // be it that the raylet was lost meanwhile
    pb::RayletToClient refused;
    *refused.mutable_error() = ToProto(actor->death);
    return registered(refused);
  }
  auto message = std::make_shared<pb::ClientToRaylet>();
  pb::CreateActor& create = *message->mutable_create_actor();
  *create.mutable_spec() = std::move(*actor->spec);
  actor->spec.reset();
  create.set_get_if_exists(get_if_exists);
  // The arguments may be read by several incarnations, so nobody is counted: this process keeps what they name.
  create.mutable_spec()->set_arguments(EncodeArguments(ToWire(objects_, codec_, actor->arguments, core_.self)));
  Enter(actor, ActorPhase::kRegistering);
  AskToRegister(actor, std::move(message), registered);
}

void ActorTable::AskToRegister(const std::shared_ptr<ActorRecord>& actor,
                               std::shared_ptr<const pb::ClientToRaylet> creation, const Registered& registered) {
  core_.outbox->Request(*creation, [this, actor, creation, registered](const pb::RayletToClient& reply) {
    const pb::ActorReply& answer = reply.actor_reply();
    if (reply.has_error() || !(answer.ask_again() || answer.existed())) {
      return OnRegistered(actor, reply, registered);
    }
    // The one that has the name ends, and the head waits for that.
    if (answer.ask_again()) return AskToRegister(actor, creation, registered);
    Obtain(answer.info(), [this, actor, creation, registered, reply](const internal::ActorPtr& other) {
      if (!other && core_.lost.empty()) return AskToRegister(actor, creation, registered);
      OnRegistered(actor, reply, registered);
    });
  });
}

void ActorTable::OnRegistered(const std::shared_ptr<ActorRecord>& actor, const pb::RayletToClient& reply,
                              const Registered& registered) {
  EndRegistration(actor, reply);
  registered(reply);
  ReleaseIfUnused(actor);
}

void ActorTable::EndRegistration(const std::shared_ptr<ActorRecord>& actor, const pb::RayletToClient& reply) {
  if (!actor->registering()) return;
  if (reply.has_error()) {
    const bool refused = reply.error().kind() != pb::Error::SYSTEM;  // else the head may have made it
    if (!refused) TellRelease(*actor);
    actor->death = FromProto(reply.error());
    actor->death.outcome = refused ? Outcome::kNotExecuted : Outcome::kUnknown;
    return Die(actor);
  }
  if (reply.actor_reply().info().id() != actor->id.Bytes()) {
    actor->death = {
        .kind = ErrorKind::kRefused, .outcome = Outcome::kNotExecuted, .message = "another actor has its name"};
    return Die(actor);
  }
  Enter(actor, ActorPhase::kAway);
  Apply(actor, reply.actor_reply().info());
  for (auto& work : std::exchange(actor->on_registered, {})) core_.work.Run(std::move(work));
}

std::pair<std::shared_ptr<ActorRecord>, bool> ActorTable::FindOrMake(const internal::ActorName& name) {
  if (auto it = actors_.find(name.id); it != actors_.end()) return {it->second, false};
  auto actor = NewRecord(name.id, name.creator);
  actor->detached = name.detached;
  actor->max_task_retries = name.max_task_retries;
  actor->max_pending_calls = name.max_pending_calls;
  return {actor, true};
}

// The head's answer and the creator's release of the actor take different ways. Only the creator knows whether this
// process came in time. To be called as the answer arrives: what the raylet tells next finds the record then.
void ActorTable::Obtain(const pb::ActorInfo& info, std::function<void(internal::ActorPtr)> then) {
  if (IsOver(info)) return then(nullptr);
  const auto [actor, is_new] = FindOrMake({.id = ActorId::FromBytes(info.id()).value_or(ActorId{}),
                                           .creator = ToAddress(info.creator()),
                                           .detached = info.detached(),
                                           .max_task_retries = info.max_task_retries(),
                                           .max_pending_calls = info.max_pending_calls()});
  internal::ActorPtr handle = Handle(actor);
  if (is_new) {
    CountSelf(*actor);
    AskCreator(actor);
  }
  Apply(actor, info);
  auto end = [this, info, handle = std::move(handle), then = std::move(then)] {
    then(IsOver(info) ? nullptr : handle);
  };
  if (!actor->unconfirmed) return end();
  actor->on_confirmed.emplace_back(std::move(end));
}

void ActorTable::AskCreator(const std::shared_ptr<ActorRecord>& actor) {
  if (actor->detached || actor->creator.process == core_.self.process) return;
  actor->unconfirmed = true;
  core_.outbox->Send(actor->creator, Encode(AskActorFrame{actor->id}));
  // A creator that is stopped says nothing, and its actors go on.
  core_.outbox->After(kMaxConfirmation, [this, actor] { Confirmed(*actor); });
}

void ActorTable::Confirmed(ActorRecord& actor) {
  actor.unconfirmed = false;
  for (auto& work : std::exchange(actor.on_confirmed, {})) core_.work.Run(std::move(work));
}

void ActorTable::OnAskActor(const Address& from, const AskActorFrame& frame) {
  auto it = actors_.find(frame.id);
  const bool known = it != actors_.end() && it->second->creator.process == core_.self.process && !it->second->dead();
  core_.outbox->Send(from, Encode(ActorKnownFrame{frame.id, known}));
}

void ActorTable::OnActorKnown(const Address& from, const ActorKnownFrame& frame) {
  auto it = actors_.find(frame.id);
  if (it == actors_.end() || !it->second->unconfirmed || it->second->creator.process != from.process) return;
  const std::shared_ptr<ActorRecord> actor = it->second;
  if (!frame.known && !actor->dead()) {
    actor->death = {.kind = ErrorKind::kActorDied,
                    .outcome = Outcome::kNotExecuted,
                    .message = "its last handle went before this process had one"};
    Die(actor);
  }
  Confirmed(*actor);
}

internal::ActorPtr ActorTable::Borrow(const internal::ActorName& name) {
  const auto [actor, is_new] = FindOrMake(name);
  internal::ActorPtr handle = Handle(actor);
  if (is_new) {
    CountSelf(*actor);
    AskHead(actor);
  }
  return handle;
}

void ActorTable::CountSelf(ActorRecord& actor) {
  if (actor.detached || actor.creator.process == core_.self.process) return;
  actor.refs.borrowed = 1;
  SendCount(core_, FrameType::kAddRef, NameOf(actor), core_.self, 1);
}

internal::ActorPtr ActorTable::Adopt(const RefName& name) {
  const auto [actor, is_new] = FindOrMake({.id = {name.id.high, name.id.low},
                                           .creator = name.owner,
                                           .detached = name.kind == RefName::Kind::kDetachedActor,
                                           .max_task_retries = name.max_task_retries,
                                           .max_pending_calls = name.max_pending_calls});
  internal::ActorPtr handle = Handle(actor);
  if (is_new) AskHead(actor);
  if (!actor->detached && name.owner.process != core_.self.process) ++actor->refs.borrowed;
  return handle;
}

RefName ActorTable::NameFor(const internal::ActorPtr& handle, const Address& receiver) {
  ActorRecord& actor = *handle->record();
  const RefName name = NameOf(actor);
  if (actor.detached || receiver.process == actor.creator.process || receiver.process == core_.self.process) {
    return name;
  }
  if (actor.creator.process == core_.self.process) {
    ApplyCount(core_, actor.refs, FrameType::kAddRef, {name, receiver, 1});
  } else {
    SendCount(core_, FrameType::kAddRef, name, receiver, 1);
  }
  return name;
}

void ActorTable::OnRefCount(FrameType type, const RefCountFrame& frame) {
  auto it = actors_.find({frame.name.id.high, frame.name.id.low});
  if (it == actors_.end() || it->second->creator.process != core_.self.process) return;
  const std::shared_ptr<ActorRecord> actor = it->second;
  ApplyCount(core_, actor->refs, type, frame);
  ReleaseIfUnused(actor);
}

void ActorTable::OnReleased(const std::shared_ptr<ActorRecord>& actor) {
  --actor->refs.handles;
  ReleaseIfUnused(actor);
}

// The record stays while calls are unanswered, whose results may still be wanted, and until the head knows the actor: a
// release must not come before its registration. Whoever ends such a state asks here again.
void ActorTable::ReleaseIfUnused(const std::shared_ptr<ActorRecord>& actor) {
  if (actor->registering() || actor->phase == ActorPhase::kReleased) return;
  if (!actor->refs.Unused() || !actor->queue.empty() || actor->in_flight > 0) return;
  if (!actor->detached) {
    if (actor->creator.process == core_.self.process) {
      if (!actor->dead()) TellRelease(*actor);
    } else if (actor->refs.borrowed != 0) {
      SendCount(core_, FrameType::kDropRef, NameOf(*actor), core_.self, std::exchange(actor->refs.borrowed, 0));
    }
  }
  Enter(actor, ActorPhase::kReleased);
  if (auto it = actors_.find(actor->id); it != actors_.end() && it->second == actor) actors_.erase(it);
}

bool ActorTable::IsOver(const pb::ActorInfo& info) const {
  if (info.state() == pb::DEAD) return true;
  if (!info.detached() && core_.IsDead(ToAddress(info.creator()))) return true;
  auto it = actors_.find(ActorId::FromBytes(info.id()).value_or(ActorId{}));
  if (it != actors_.end()) return it->second->dead();
  return !info.detached() && info.creator().process() == core_.self.process.value;
}

void ActorTable::TellRelease(const ActorRecord& actor) {
  pb::ClientToRaylet message;
  message.mutable_release_actor()->set_id(actor.id.Bytes());
  core_.outbox->SendRaylet(message);
}

void ActorTable::AskHead(const std::shared_ptr<ActorRecord>& actor) {
  pb::ClientToRaylet message;
  message.mutable_find_actor()->set_id(actor->id.Bytes());
  core_.outbox->Request(std::move(message), [this, actor](const pb::RayletToClient& reply) {
    if (actor->dead() || actor->phase == ActorPhase::kReleased) return;
    if (!reply.has_error()) return Apply(actor, reply.actor_reply().info());
    // The head could not be asked, which says nothing of the actor.
    if (reply.error().kind() == pb::Error::SYSTEM && core_.lost.empty()) {
      return core_.outbox->After(kAskHeadAgain, [this, actor] {
        if (!actor->dead() && actor->phase != ActorPhase::kReleased) AskHead(actor);
      });
    }
    actor->death = FromProto(reply.error());
    Die(actor);
  });
}

bool ActorTable::OwnsAny() const {
  return std::any_of(actors_.begin(), actors_.end(), [this](const auto& entry) {
    const ActorRecord& actor = *entry.second;
    return actor.creator.process == core_.self.process && !actor.detached && !actor.dead();
  });
}

// --- Events --------------------------------------------------------------------------------------------------------

void ActorTable::OnUpdate(const pb::ActorInfo& info) {
  auto it = actors_.find(ActorId::FromBytes(info.id()).value_or(ActorId{}));
  if (it == actors_.end()) return;
  const std::shared_ptr<ActorRecord> actor = it->second;
  Apply(actor, info);
}

void ActorTable::Apply(const std::shared_ptr<ActorRecord>& actor, const pb::ActorInfo& info) {
  // While it is registering another thread may have been told of it; the registration's own answer says as much.
  if (actor->registering() || actor->dead() || actor->phase == ActorPhase::kReleased) return;
  if (actor->held && actor->held->state() == pb::DEAD) return;
  // An answer that was waited for may come after an update that followed it. The last word needs no number.
  const std::pair version(info.epoch(), info.version());
  const bool stale = version < actor->version || info.incarnation() < actor->incarnation;
  if (stale && info.state() != pb::DEAD) return;
  // The process whose last words are awaited has ended, by the head's own word.
  const std::uint64_t ended = actor->phase == ActorPhase::kLastWords ? actor->incarnation : actor->ended;
  if (info.state() == pb::ALIVE && info.incarnation() <= ended) return;  // old news
  actor->version = version;
  if (!info.class_name().empty()) actor->class_name = info.class_name();
  const bool ends_process = info.state() != pb::ALIVE || info.incarnation() != actor->incarnation;
  switch (actor->phase) {
    case ActorPhase::kLastWords: actor->held = info; return;
    case ActorPhase::kCut:
    case ActorPhase::kRunning:
      if (!ends_process) return;  // it is there, as was known: an incarnation has one process
      if (actor->running() && !core_.IsDead(actor->address)) return Hold(actor, info);
      break;
    default: break;
  }
  Take(actor, info);
}

void ActorTable::Hold(const std::shared_ptr<ActorRecord>& actor, const pb::ActorInfo& info) {
  actor->held = info;
  Enter(actor, ActorPhase::kLastWords);
  core_.outbox->After(kLastWords, [this, actor, incarnation = actor->incarnation] {
    if (actor->phase != ActorPhase::kLastWords || actor->incarnation != incarnation) return;
    OnProcessLost(actor, "its node did not tell how it ended", kAllReached);
  });
}

void ActorTable::Take(const std::shared_ptr<ActorRecord>& actor, const pb::ActorInfo& info) {
  const bool alive = info.state() == pb::ALIVE;
  if (actor->has_process()) LoseProcess(actor, info.death().message(), kAllReached);
  actor->incarnation = std::max(actor->incarnation, info.incarnation());  // the last word may have none
  actor->infeasible = info.infeasible();
  actor->pending_reason = info.pending_reason();
  if (!alive && info.state() != pb::PENDING) actor->death = FromProto(info.death());
  if (alive) {
    actor->address = ToAddress(info.address());
    Enter(actor, ActorPhase::kRunning);
    core_.IsDead(actor->address) ? LoseProcess(actor, "", kAllReached) : Flush(actor);
  } else if (info.state() == pb::DEAD) {
    Die(actor);
  } else if (info.state() == pb::PENDING || info.infeasible()) {
    TellPending(*actor);
  }
  ReleaseIfUnused(actor);
}

// The program would wait without a word for what no node has. Once per class and reason: a loop may start many.
void ActorTable::TellPending(const ActorRecord& actor) {
  constexpr std::size_t kMaxTold = 100;
  const bool is_own = actor.creator.process == core_.self.process;
  if (!is_own || actor.pending_reason.empty() || told_.size() >= kMaxTold) return;
  if (!told_.insert(actor.class_name + actor.pending_reason).second) return;
  core_.outbox->Tell("actor " + actor.class_name + WhyPending(actor) + ".");
}

std::string ActorTable::WhyPending(const ActorRecord& actor) {
  if (actor.pending_reason.empty() || actor.running()) return "";
  if (!actor.infeasible) return " waits to be placed: " + actor.pending_reason;
  return " cannot be placed: " + actor.pending_reason + "; it waits for such a node to join";
}

void ActorTable::Die(const std::shared_ptr<ActorRecord>& actor) {
  const auto sent = std::exchange(actor->sent, {});
  const auto queue = std::exchange(actor->queue, {});
  actor->in_flight = actor->in_flight_bytes = 0;
  actor->held.reset();
  actor->spec.reset();
  actor->arguments = {};
  Enter(actor, ActorPhase::kDead);
  for (const auto& call : sent) {
    if (!call->done) FailCall(call, DeathError(*actor, Outcome::kUnknown, call->name));
  }
  for (const auto& call : queue) {
    // A call that was sent before and waited to be sent again may have run.
    const Outcome outcome = call->attempt > 0 ? Outcome::kUnknown : Outcome::kNotExecuted;
    FailCall(call, DeathError(*actor, outcome, call->name));
  }
  for (auto& work : std::exchange(actor->on_registered, {})) core_.work.Run(std::move(work));
  Confirmed(*actor);
  ReleaseIfUnused(actor);
}

// A copy: the loss of one may end another.
std::vector<std::shared_ptr<ActorRecord>> ActorTable::InProcess(ProcessId process) const {
  const auto it = by_process_.find(process);
  return it == by_process_.end() ? std::vector<std::shared_ptr<ActorRecord>>() : it->second;
}

void ActorTable::OnProcessGone(ProcessId process, const std::string& reason, std::uint64_t reached) {
  for (const auto& actor : InProcess(process)) {
    if (actor->has_process()) OnProcessLost(actor, reason, reached);
  }
  std::vector<std::shared_ptr<ActorRecord>> held, found;
  for (const auto& [id, actor] : actors_) {
    if (actor->refs.holders.contains(process)) held.push_back(actor);
    if (actor->unconfirmed && actor->creator.process == process) found.push_back(actor);
  }
  for (const auto& actor : found) Confirmed(*actor);
  for (const auto& actor : held) {
    actor->refs.holders.erase(process);
    ReleaseIfUnused(actor);
  }
}

void ActorTable::OnNodeGone(NodeId node, std::set<ProcessId>* processes) const {
  for (const auto& [process, actors] : by_process_) {
    if (actors.front()->address.node == node) processes->insert(process);
  }
  for (const auto& [id, actor] : actors_) AddHolders(actor->refs, node, processes);
}

void ActorTable::OnProcessLost(const std::shared_ptr<ActorRecord>& actor, const std::string& reason,
                               std::uint64_t reached) {
  const std::optional<pb::ActorInfo> held = std::exchange(actor->held, std::nullopt);
  LoseProcess(actor, held ? held->death().message() : reason, reached);
  if (held && !actor->dead() && actor->phase != ActorPhase::kReleased) Take(actor, *held);
  ReleaseIfUnused(actor);
}

void ActorTable::FailAll(const ErrorInfo& error) {
  auto actors = actors_;
  for (const auto& [id, actor] : actors) {
    if (actor->dead() || actor->phase == ActorPhase::kReleased) continue;
    actor->death = error;
    Die(actor);
  }
}

}  // namespace troupe::client
