#include "client/object_table.h"

#include <algorithm>
#include <utility>

#include "client/actor_record.h"
#include "common/check.h"

namespace troupe::client {

namespace {

// Whether the value may go to another process.
bool CanBeSent(const ObjectRecord& record) {
  return record.ready() && std::none_of(record.contained_actors.begin(), record.contained_actors.end(),
                                        [](const auto& actor) { return actor->record()->registering(); });
}

// Failures that say something of the program, and come of no end that somebody wanted.
bool IsWorthTelling(const ErrorInfo& error) {
  switch (error.kind) {
    case ErrorKind::kThrew:
    case ErrorKind::kWorkerDied:
    case ErrorKind::kObjectLost:
    case ErrorKind::kUnknownMethod:
    case ErrorKind::kBadArguments:
    case ErrorKind::kUnschedulable:
    case ErrorKind::kProgram:
    case ErrorKind::kRefused:
    case ErrorKind::kSystem: return true;
    default: return false;
  }
}

}  // namespace

std::size_t MessageBytes(const ObjectRecord& record) {
  constexpr std::size_t kOther = 64;
  return kOther + record.bytes.size() + record.nodes.size() * sizeof(NodeId) +
         (record.contained_objects.size() + record.contained_actors.size()) * kRefNameBytes;
}

std::size_t AwaitRegistered(const std::vector<internal::ActorPtr>& actors, const std::function<void()>& registered) {
  std::size_t waiting = 0;
  for (const internal::ActorPtr& actor : actors) {
    if (!actor->record()->registering()) continue;
    actor->record()->on_registered.push_back(registered);
    ++waiting;
  }
  return waiting;
}

bool ApplyCount(Core& core, RefCounts& refs, FrameType type, const RefCountFrame& frame) {
  if (core.IsDead(frame.holder)) return false;
  const ProcessId process = frame.holder.process;
  if (!refs.holders.contains(process)) core.outbox->Watch(frame.holder);  // somebody else may have counted it here
  Holders::Holder& holder = refs.holders[process];
  holder.node = frame.holder.node;
  const std::int64_t change = type == FrameType::kAddRef ? frame.count : -frame.count;
  // Nobody holds that many: whoever says so is not believed.
  if (std::int64_t sum; !__builtin_add_overflow(holder.count, change, &sum)) holder.count = sum;
  if (holder.count != 0) return true;
  refs.holders.erase(process);
  return false;
}

void AddHolders(const RefCounts& refs, NodeId node, std::set<ProcessId>* processes) {
  for (const auto& [process, holder] : refs.holders.all()) {
    if (holder.node == node) processes->insert(process);
  }
}

void SendCount(Core& core, FrameType type, const RefName& name, const Address& holder, std::int64_t count) {
  core.outbox->Send(name.owner, Encode(type, RefCountFrame{name, holder, count}));
}

// An object without a value and the calls that wait for it own each other.
ObjectTable::~ObjectTable() {
  records_.ForEach([](const std::shared_ptr<ObjectRecord>& record) {
    record->on_ready = {};
    record->call.reset();
  });
}

std::shared_ptr<ObjectRecord> ObjectTable::NewRecord(ObjectId id, Address owner) {
  auto record = std::make_shared<ObjectRecord>(core_.releases);
  record->id = id;
  record->owner = owner;
  records_.Put(record);  // in place of one that a peer's forged name made before this process came to the id
  if (owner.process != core_.self.process) shared_with_[owner.process].insert(id);
  return record;
}

internal::ObjectPtr ObjectTable::Handle(const std::shared_ptr<ObjectRecord>& record) {
  if (record->AddPointer()) {
    ++record->refs.handles;
    record->self = record;
  }
  return internal::ObjectPtr::Counted(record.get());
}

internal::ObjectPtr ObjectTable::NewPending(std::shared_ptr<PendingCall> call) {
  auto record = NewRecord(core_.ResultOf(call->sequence), core_.self);
  record->state = ObjectRecord::State::kPending;
  record->call = std::move(call);
  return Handle(record);
}

internal::ObjectPtr ObjectTable::NewInline(internal::Payload value) {
  auto record = NewRecord(NextId(), core_.self);
  SetValue(*record, std::move(value), 0);
  return Handle(record);
}

internal::ObjectPtr ObjectTable::NewStored(ObjectId id, std::uint64_t size, internal::Payload contained) {
  auto record = NewRecord(id, core_.self);
  SetValue(*record, std::move(contained), size);
  return Handle(record);
}

void ObjectTable::SetValue(ObjectRecord& record, internal::Payload&& value, std::uint64_t stored_size) const {
  if (stored_size == 0) {
    record.state = ObjectRecord::State::kInline;
    record.bytes = std::move(value.bytes);
  } else {
    record.state = ObjectRecord::State::kStored;
    record.size = stored_size;
    record.nodes = {core_.self.node};
  }
  record.contained_objects = std::move(value.objects);
  record.contained_actors = std::move(value.actors);
}

std::shared_ptr<ObjectRecord> ObjectTable::Find(ObjectId id) const { return records_.Find(id); }

internal::ObjectPtr ObjectTable::Borrow(const internal::ObjectName& name) {
  auto record = Find(name.id);
  if (!record) {
    record = NewRecord(name.id, name.owner);
    if (name.owner.process == core_.self.process || core_.IsDead(name.owner)) {
      // Every ref to it was dropped before: its name outlived it in some bytes.
      Fail(record, {.kind = ErrorKind::kObjectLost,
                    .outcome = Outcome::kUnknown,
                    .message = "object " + name.id.Hex() + " is gone: no ref to it was left, or its owner died"});
    } else {
      record->refs.borrowed = 1;
      SendCount(core_, FrameType::kAddRef, {.id = name.id, .owner = name.owner}, core_.self, 1);
    }
  }
  return Handle(record);
}

internal::ObjectPtr ObjectTable::Adopt(const RefName& name) {
  auto record = Find(name.id);
  if (name.owner.process == core_.self.process) return record ? Handle(record) : Borrow({name.id, name.owner});
  if (!record) record = NewRecord(name.id, name.owner);
  ++record->refs.borrowed;
  return Handle(record);
}

RefName ObjectTable::NameFor(const internal::ObjectPtr& object, const Address& receiver) {
  ObjectRecord& record = *object->record();
  RefName name{.kind = RefName::Kind::kObject, .id = record.id, .owner = record.owner};
  if (receiver.process == record.owner.process || receiver.process == core_.self.process) return name;
  if (record.owner.process == core_.self.process) {
    Count(record, FrameType::kAddRef, {name, receiver, 1});
  } else {
    SendCount(core_, FrameType::kAddRef, name, receiver, 1);
  }
  return name;
}

void ObjectTable::Ask(ObjectRecord& record) {
  if (record.state != ObjectRecord::State::kUnknown) return;
  AskAgain(record);
}

void ObjectTable::AskAgain(ObjectRecord& record) {
  if (record.owner.process == core_.self.process) return;
  if (record.state == ObjectRecord::State::kUnknown) record.state = ObjectRecord::State::kPending;
  record.asked = true;
  if (!core_.lost.empty()) {
    return Fail(Find(record.id), {.kind = ErrorKind::kConnection, .outcome = Outcome::kUnknown, .message = core_.lost});
  }
  if (core_.IsDead(record.owner)) {
    return Fail(Find(record.id), {.kind = ErrorKind::kObjectLost,
                                  .outcome = Outcome::kUnknown,
                                  .message = "the owner of object " + record.id.Hex() + " died"});
  }
  core_.outbox->Send(record.owner, Encode(GetObjectFrame{record.id}));
}

void ObjectTable::Resolve(const std::shared_ptr<ObjectRecord>& record, const WireValue& value) {
  Contained contained = codec_.Adopt(value.contained);
  switch (value.kind) {
    case WireValue::Kind::kInline:
      record->bytes = value.bytes;
      record->state = ObjectRecord::State::kInline;
      break;
    case WireValue::Kind::kStored:
      record->size = value.size;
      record->nodes = value.nodes;
      record->state = ObjectRecord::State::kStored;
      break;
    case WireValue::Kind::kError:
      record->error = value.error;
      record->state = ObjectRecord::State::kError;
      break;
  }
  record->contained_objects = std::move(contained.objects);
  record->contained_actors = std::move(contained.actors);
  Ready(record);
}

void ObjectTable::Fulfil(const std::shared_ptr<ObjectRecord>& record, internal::Payload value,
                         std::uint64_t stored_size) {
  SetValue(*record, std::move(value), stored_size);
  Ready(record);
}

void ObjectTable::Fail(const std::shared_ptr<ObjectRecord>& record, std::shared_ptr<const ErrorInfo> error) {
  record->error = std::move(error);
  record->state = ObjectRecord::State::kError;
  Ready(record);
}

void ObjectTable::Ready(const std::shared_ptr<ObjectRecord>& record) {
  record->call.reset();
  record->asked = false;
  ObjectWatch::Ready(record->watches);
  AnswerAskers(record);
  if (!record->on_ready.empty()) {
    for (auto& work : record->on_ready.TakeAll()) core_.work.Run(std::move(work));
  }
  FreeIfUnused(record);
}

void ObjectTable::AnswerAskers(const std::shared_ptr<ObjectRecord>& record) {
  if (record->askers.empty() || !CanBeSent(*record)) return;
  for (const Address& asker : record->askers.TakeAll()) {
    core_.outbox->Send(asker, Encode(ObjectValueFrame{record->id, ValueFor(*record, asker)}));
  }
}

WireValue ObjectTable::ValueFor(ObjectRecord& record, const Address& receiver) {
  TROUPE_CHECK(record.ready());
  WireValue value;
  if (record.state == ObjectRecord::State::kError) {
    value.kind = WireValue::Kind::kError;
    value.error = record.error;
    record.heard = true;
    return value;
  }
  if (MessageBytes(record) > kMaxValueBytes) {
    return ErrorValue({.kind = ErrorKind::kSystem,
                       .outcome = Outcome::kUnknown,
                       .message = "object " + record.id.Hex() + " cannot be sent: it has " +
                                  std::to_string(record.contained_objects.size() + record.contained_actors.size()) +
                                  " refs and handles inside, of 53 bytes each in a message, which may have 16 MiB"});
  }
  if (!record.contained_objects.empty() || !record.contained_actors.empty()) {
    value.contained = codec_.NamesFor(record.contained_objects.all(), record.contained_actors.all(), receiver);
  }
  if (record.state == ObjectRecord::State::kInline) {
    value.kind = WireValue::Kind::kInline;
    value.bytes = record.bytes;
  } else {
    value.kind = WireValue::Kind::kStored;
    value.size = record.size;
    value.nodes = record.nodes.all();
  }
  return value;
}

void ObjectTable::OnGetObject(const Address& from, const GetObjectFrame& frame) {
  auto record = Find(frame.id);
  if (record && record->state == ObjectRecord::State::kUnknown) Ask(*record);
  if (record && !CanBeSent(*record)) {
    // One answer is enough for who asks again.
    auto& askers = record->askers;
    if (std::find(askers.begin(), askers.end(), from) != askers.end()) return;
    askers.push_back(from);
    if (record->ready()) AwaitRegistered(record->contained_actors.all(), [this, record] { AnswerAskers(record); });
    return;
  }
  ObjectValueFrame answer{frame.id, {}};
  if (record) {
    answer.value = ValueFor(*record, from);
  } else {
    answer.value = ErrorValue({.kind = ErrorKind::kObjectLost,
                               .outcome = Outcome::kUnknown,
                               .message = "object " + frame.id.Hex() + " is gone: its owner holds no such object"});
  }
  core_.outbox->Send(from, Encode(answer));
}

void ObjectTable::OnObjectValue(const Address& from, const ObjectValueFrame& frame) {
  auto record = Find(frame.id);
  if (!record || !record->asked || record->owner.process == core_.self.process ||
      record->owner.process != from.process) {
    (void)codec_.Adopt(frame.value.contained);  // and drop: nobody waits for it any more
    return;
  }
  Resolve(record, frame.value);
}

void ObjectTable::OnRefCount(FrameType type, const RefCountFrame& frame) {
  auto record = Find(frame.name.id);
  if (!record || record->owner.process != core_.self.process) return;
  Count(*record, type, frame);
  FreeIfUnused(record);
}

void ObjectTable::Count(ObjectRecord& record, FrameType type, const RefCountFrame& frame) {
  if (ApplyCount(core_, record.refs, type, frame)) {
    shared_with_[frame.holder.process].insert(record.id);
  } else {
    Unlink(frame.holder.process, record.id);
  }
}

void ObjectTable::Unlink(ProcessId process, const ObjectId& object) {
  auto it = shared_with_.find(process);
  if (it != shared_with_.end() && it->second.erase(object) != 0 && it->second.empty()) shared_with_.erase(it);
}

void ObjectTable::OnReleased(ObjectRecord& record) {
  if (const std::shared_ptr<ObjectRecord> unused = record.NoteTaken()) FreeIfUnused(unused);
}

void ObjectTable::FreeIfUnused(const std::shared_ptr<ObjectRecord>& record) {
  if (!record->refs.Unused()) return;
  if (record->owner.process == core_.self.process) {
    // A pending one stays until its call is answered: the answer may bring refs and stored bytes to give back.
    if (!record->ready()) return;
    if (record->state == ObjectRecord::State::kStored && !record->nodes.empty()) {
      deletes_[record->nodes.front()].push_back(record->id);
    }
    if (record->state == ObjectRecord::State::kError) TellIfUnheard(*record);
  } else if (record->refs.borrowed != 0) {
    SendCount(core_, FrameType::kDropRef, {.id = record->id, .owner = record->owner}, core_.self,
              std::exchange(record->refs.borrowed, 0));
  }
  records_.Erase(*record);
  if (record->owner.process != core_.self.process) Unlink(record->owner.process, record->id);
}

// The call failed, and its ref went before anybody asked for the result. Once for each function: a loop may make many.
void ObjectTable::TellIfUnheard(const ObjectRecord& record) {
  constexpr std::size_t kMaxTold = 100;
  const ErrorInfo& error = *record.error;
  const std::string& call = error.context.empty() ? error.method : error.context;
  if (record.heard || call.empty() || !IsWorthTelling(error) || !core_.lost.empty()) return;
  if (told_.size() >= kMaxTold || !told_.insert(call).second) return;
  core_.outbox->Tell("a call failed whose result nobody asked for. " + std::string(Error(error).what()) +
                     " Keep the ObjectRef and call Get or TryGet to hear of it; this is shown once for each function.");
}

bool ObjectTable::OwnsAny() const {
  bool any = false;
  records_.ForEach([&](const auto& record) { any |= record->owner.process == core_.self.process; });
  return any;
}

void ObjectTable::FlushDeletes() {
  if (deletes_.empty()) return;
  for (auto& [node, ids] : std::exchange(deletes_, {})) {
    pb::ClientToRaylet message;
    message.mutable_delete_objects()->set_node(node.Bytes());
    for (const ObjectId& id : ids) message.mutable_delete_objects()->add_ids(id.Bytes());
    core_.outbox->SendRaylet(message);
  }
}

void ObjectTable::OnProcessGone(ProcessId process, const std::string& reason) {
  std::vector<std::shared_ptr<ObjectRecord>> touched;
  const auto shared = shared_with_.find(process);
  if (shared == shared_with_.end()) return;
  for (const ObjectId& id : shared->second) touched.push_back(Find(id));
  for (const auto& record : touched) {
    if (record->owner.process != process) {
      record->refs.holders.erase(process);
      Unlink(process, record->id);
      record->askers.EraseIf([process](const Address& asker) { return asker.process == process; });
      FreeIfUnused(record);
    } else if (record->asked) {
      Fail(record, {.kind = ErrorKind::kObjectLost,
                    .outcome = Outcome::kUnknown,
                    .message = "the owner of object " + record->id.Hex() + " died: " + reason});
    }
  }
}

// The question may be lost, or its answer. Not at once: the way may stay broken.
void ObjectTable::OnPathBroken(ProcessId process) {
  core_.outbox->After(kPathPause, [this, process] {
    std::vector<std::shared_ptr<ObjectRecord>> unanswered;
    if (auto it = shared_with_.find(process); it != shared_with_.end()) {
      for (const ObjectId& id : it->second) {
        if (const auto record = Find(id); record->asked && record->owner.process == process) {
          unanswered.push_back(record);
        }
      }
    }
    for (const auto& record : unanswered) AskAgain(*record);
  });
}

void ObjectTable::OnNodeGone(NodeId node, std::set<ProcessId>* processes) {
  records_.ForEach([&](const auto& record) {
    record->nodes.EraseIf([node](const NodeId& copy) { return copy == node; });
    if (record->owner.node == node) processes->insert(record->owner.process);
    AddHolders(record->refs, node, processes);
  });
}

void ObjectTable::FailAll(ErrorInfo error) {
  const auto shared = std::make_shared<const ErrorInfo>(std::move(error));  // there may be a million
  std::vector<std::shared_ptr<ObjectRecord>> pending;
  records_.ForEach([&](const auto& record) {
    if (record->state == ObjectRecord::State::kPending || record->asked) pending.push_back(record);
  });
  for (const auto& record : pending) {
    if (record->call) record->call->done = true;
    Fail(record, shared);
  }
}

}  // namespace troupe::client
