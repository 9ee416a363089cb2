// ObjectTable: the objects this process owns or borrows, their values, and who else holds them.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "client/core.h"
#include "client/frames.h"
#include "client/object_index.h"

namespace troupe::client {

// How names of refs become refs and back, for both kinds; implemented by ObjectTable and ActorTable together.
struct Contained {
  std::vector<internal::ObjectPtr> objects;
  std::vector<internal::ActorPtr> actors;
};

// Room for a value in a frame: the rest is for what is around it.
inline constexpr std::size_t kMaxValueBytes = Outbox::kMaxFrame - 1024;
// What the value takes in a message, about.
std::size_t MessageBytes(const ObjectRecord& record);

class RefCodec {
 public:
  virtual ~RefCodec() = default;
  // Names for a message to `receiver`; from now on the owners count the receiver as a holder of each. For bytes that
  // several processes may read, or one read often, `receiver` is this process: then nobody is counted, the names hold
  // as long as this process keeps the refs, and readers borrow instead of adopting.
  virtual std::vector<RefName> NamesFor(const std::vector<internal::ObjectPtr>& objects,
                                        const std::vector<internal::ActorPtr>& actors, const Address& receiver) = 0;
  // Takes over what a sender named for this process.
  virtual Contained Adopt(const std::vector<RefName>& names) = 0;
};

// All functions need the core's mutex.
class ObjectTable {
 public:
  ObjectTable(Core& core, RefCodec& codec) : core_(core), codec_(codec) {}
  ~ObjectTable();
  ObjectTable(const ObjectTable&) = delete;
  ObjectTable& operator=(const ObjectTable&) = delete;

  // A new object of this process without a value yet, with the ref that keeps it.
  internal::ObjectPtr NewPending(std::shared_ptr<PendingCall> call);
  internal::ObjectPtr NewInline(internal::Payload value);
  internal::ObjectPtr NewStored(ObjectId id, std::uint64_t size, internal::Payload contained);
  // The id that the next object of this process will have.
  ObjectId NextId() { return core_.ResultOf(core_.NextSequence()); }

  // Null when this process knows no such object.
  std::shared_ptr<ObjectRecord> Find(ObjectId id) const;
  // The object of that name. One that was not known here is announced to its owner.
  internal::ObjectPtr Borrow(const internal::ObjectName& name);
  internal::ObjectPtr Adopt(const RefName& name);
  RefName NameFor(const internal::ObjectPtr& object, const Address& receiver);

  // Asks the owner for the value if nobody has asked; the record becomes ready later.
  void Ask(ObjectRecord& record);
  // Asks again, for a value whose copies are lost; the one that is known stays until the owner has answered.
  void AskAgain(ObjectRecord& record);

  // Gives the object its value, as it arrived from `from`.
  void Resolve(const std::shared_ptr<ObjectRecord>& record, const WireValue& value);
  // Gives a pending object what this process made itself. `stored_size`: of the bytes, if they are in the store under
  // the object's id; 0: they are in `value`.
  void Fulfil(const std::shared_ptr<ObjectRecord>& record, internal::Payload value, std::uint64_t stored_size);
  void Fail(const std::shared_ptr<ObjectRecord>& record, ErrorInfo error) {
    Fail(record, std::make_shared<const ErrorInfo>(std::move(error)));
  }
  void Fail(const std::shared_ptr<ObjectRecord>& record, std::shared_ptr<const ErrorInfo> error);
  // The object's value for a message to `receiver`. The object must be ready.
  WireValue ValueFor(ObjectRecord& record, const Address& receiver);

  void OnGetObject(const Address& from, const GetObjectFrame& frame);
  // Only the owner is believed.
  void OnObjectValue(const Address& from, const ObjectValueFrame& frame);
  void OnRefCount(FrameType type, const RefCountFrame& frame);
  void OnReleased(ObjectRecord& record);
  void OnProcessGone(ProcessId process, const std::string& reason);
  void OnPathBroken(ProcessId process);
  // Forgets the copies there, and adds the processes of the node that it knows.
  void OnNodeGone(NodeId node, std::set<ProcessId>* processes);
  // Every object without a value fails with `error`: nothing can arrive any more.
  void FailAll(ErrorInfo error);

  // Tells the raylets of stored objects that are unused now. After a batch of releases and counts.
  void FlushDeletes();

  // Whether this process owns an object that somebody still refers to.
  bool OwnsAny() const;

  std::size_t size() const { return records_.size(); }

 private:
  std::shared_ptr<ObjectRecord> NewRecord(ObjectId id, Address owner);
  internal::ObjectPtr Handle(const std::shared_ptr<ObjectRecord>& record);
  void SetValue(ObjectRecord& record, internal::Payload&& value, std::uint64_t stored_size) const;
  void Ready(const std::shared_ptr<ObjectRecord>& record);
  void AnswerAskers(const std::shared_ptr<ObjectRecord>& record);
  void FreeIfUnused(const std::shared_ptr<ObjectRecord>& record);
  void Count(ObjectRecord& record, FrameType type, const RefCountFrame& frame);
  void Unlink(ProcessId process, const ObjectId& object);
  void TellIfUnheard(const ObjectRecord& record);

  Core& core_;
  RefCodec& codec_;
  ObjectIndex records_;
  // By process: the objects that it owns, or that it holds and this process owns.
  std::unordered_map<ProcessId, std::unordered_set<ObjectId>> shared_with_;
  std::map<NodeId, std::vector<ObjectId>> deletes_;
  std::set<std::string> told_;  // the calls of whose failures nobody else heard
};

// How long a way that broke is left alone before it is tried again.
inline constexpr std::chrono::milliseconds kPathPause{100};

// Arranges that `registered` runs as often as it returns: once for each of `actors` that this process has made and that
// the head does not know yet. What names an actor may leave this process only then.
std::size_t AwaitRegistered(const std::vector<internal::ActorPtr>& actors, const std::function<void()>& registered);

// Shared with ActorTable: applies a count to a thing this process owns, ignoring dead holders, and has the holder's end
// told. Whether it is a holder now.
bool ApplyCount(Core& core, RefCounts& refs, FrameType type, const RefCountFrame& frame);
// Adds those holders that are on `node`.
void AddHolders(const RefCounts& refs, NodeId node, std::set<ProcessId>* processes);
// Tells `owner` that `holder` holds `count` more (or fewer) of `name`.
void SendCount(Core& core, FrameType type, const RefName& name, const Address& holder, std::int64_t count);

}  // namespace troupe::client
