// ActorTable: the actors this process has handles to, and its calls to them.
//
// Calls of this process to one actor are sent in the order they were made: each waits in the actor's queue until the
// actor is ALIVE and its arguments have values. When the actor's process dies, calls that it may have begun and has not
// answered are sent again to the next incarnation (in order, ahead of the queue) if they have retries left, and else
// end with an unknown outcome; calls that were never sent, or not begun by its own word, wait at no cost in retries,
// and end as not executed if the actor is dead for good.
//
// The head's word that a process has ended takes another way than the replies which that process gave before, and may
// overtake them. It is held until the process is known to be gone here: then all that it wrote has been read.
//
// ActorPhase (client/actor_record.h) has the states of an actor. A record leaves the table when nothing needs it, and a
// new one may take its place, of the same id: an answer or timer that was for the old record finds it kReleased, and
// touches neither the table nor the new one.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "client/actor_record.h"
#include "client/object_table.h"

namespace troupe::client {

// All functions need the core's mutex.
class ActorTable {
 public:
  ActorTable(Core& core, ObjectTable& objects, RefCodec& codec) : core_(core), objects_(objects), codec_(codec) {}
  ~ActorTable();
  ActorTable(const ActorTable&) = delete;
  ActorTable& operator=(const ActorTable&) = delete;

  // --- Handles -----------------------------------------------------------------------------------------------------

  // An actor that this process creates; its spec is sent once the arguments have values. `registered` is called
  // with the head's answer, which may be that another actor has the name; never with one that ends.
  internal::ActorPtr Create(pb::ActorSpec spec, bool get_if_exists, internal::Arguments arguments,
                            std::function<void(const pb::RayletToClient&)> registered);
  // A handle to the actor that the head named in its answer to this process's question for a name, once its creator
  // counts it. Null: the actor is over, and the head has yet to hear of it; ask again. `then` may run at once. Who has
  // had such an answer of the head is told of what follows.
  void Obtain(const pb::ActorInfo& info, std::function<void(internal::ActorPtr)> then);
  internal::ActorPtr Borrow(const internal::ActorName& name);
  internal::ActorPtr Adopt(const RefName& name);
  RefName NameFor(const internal::ActorPtr& actor, const Address& receiver);

  // --- Calls -------------------------------------------------------------------------------------------------------

  // Whether another call should wait before it is made: too much is queued or unanswered.
  bool Congested(const ActorRecord& actor) const;
  // Whether that is because of calls that the actor has not answered, not of what has not left this process yet.
  bool AwaitsAnswers(const ActorRecord& actor) const;
  // Makes the call; `call->arguments` and the retries are set.
  internal::ObjectPtr Call(const std::shared_ptr<ActorRecord>& actor, std::shared_ptr<PendingCall> call);
  // The reply to a call, if it is still waited for.
  void OnReply(const std::shared_ptr<ObjectRecord>& result, const ReplyFrame& frame);

  // Whether an actor that this process made would end with it.
  bool OwnsAny() const;

  // --- Events ------------------------------------------------------------------------------------------------------

  void OnUpdate(const pb::ActorInfo& info);
  void OnRefCount(FrameType type, const RefCountFrame& frame);
  void OnAskActor(const Address& from, const AskActorFrame& frame);
  void OnActorKnown(const Address& from, const ActorKnownFrame& frame);
  void OnReleased(const std::shared_ptr<ActorRecord>& actor);
  void OnProcessGone(ProcessId process, const std::string& reason, std::uint64_t reached);
  void OnPathBroken(ProcessId process, const std::string& reason, std::uint64_t reached);
  // Adds the processes of the node that it knows.
  void OnNodeGone(NodeId node, std::set<ProcessId>* processes) const;
  void FailAll(const ErrorInfo& error);

  // The error of an actor that is dead, as the caller of its method `call` should see it; empty: of no method.
  static ErrorInfo DeathError(const ActorRecord& actor, Outcome outcome, std::string_view call);
  // What follows the actor's name: " waits to be placed: ..."; empty when it does not.
  static std::string WhyPending(const ActorRecord& actor);

 private:
  using Registered = std::function<void(const pb::RayletToClient&)>;

  std::shared_ptr<ActorRecord> NewRecord(ActorId id, Address creator);
  // The record of that name, and whether it is new.
  std::pair<std::shared_ptr<ActorRecord>, bool> FindOrMake(const internal::ActorName& name);
  // The only one that changes a record's phase; keeps by_process_ in step.
  void Enter(const std::shared_ptr<ActorRecord>& actor, ActorPhase phase);
  internal::ActorPtr Handle(const std::shared_ptr<ActorRecord>& actor);
  void SendCreation(const std::shared_ptr<ActorRecord>& actor, bool get_if_exists, const Registered& registered);
  void AskToRegister(const std::shared_ptr<ActorRecord>& actor, std::shared_ptr<const pb::ClientToRaylet> creation,
                     const Registered& registered);
  void OnRegistered(const std::shared_ptr<ActorRecord>& actor, const pb::RayletToClient& reply,
                    const Registered& registered);
  void EndRegistration(const std::shared_ptr<ActorRecord>& actor, const pb::RayletToClient& reply);
  // Whether this process knows that an actor which the head takes to be alive is none any more: it died, its last
  // handle went here, or its creator is gone.
  bool IsOver(const pb::ActorInfo& info) const;
  // Tells the creator, if that is another process, that this one has a handle which nobody sent it.
  void CountSelf(ActorRecord& actor);
  void AskCreator(const std::shared_ptr<ActorRecord>& actor);
  void Confirmed(ActorRecord& actor);
  void AskHead(const std::shared_ptr<ActorRecord>& actor);
  void Apply(const std::shared_ptr<ActorRecord>& actor, const pb::ActorInfo& info);
  void Hold(const std::shared_ptr<ActorRecord>& actor, const pb::ActorInfo& info);
  void Take(const std::shared_ptr<ActorRecord>& actor, const pb::ActorInfo& info);
  std::vector<std::shared_ptr<ActorRecord>> InProcess(ProcessId process) const;
  void OnProcessLost(const std::shared_ptr<ActorRecord>& actor, const std::string& reason, std::uint64_t reached);
  void OnWayBroken(const std::shared_ptr<ActorRecord>& actor, const std::string& reason, std::uint64_t reached);
  void TellPending(const ActorRecord& actor);
  bool TakesMore(const ActorRecord& actor) const;
  void Flush(const std::shared_ptr<ActorRecord>& actor);
  bool SendFirst(const std::shared_ptr<ActorRecord>& actor);
  void SendCall(const std::shared_ptr<ActorRecord>& actor, const std::shared_ptr<PendingCall>& call);
  void TakeBackSent(const std::shared_ptr<ActorRecord>& actor, const ErrorInfo& error, std::uint64_t reached,
                    bool gone);
  void LoseProcess(const std::shared_ptr<ActorRecord>& actor, const std::string& why, std::uint64_t reached);
  void Die(const std::shared_ptr<ActorRecord>& actor);
  void FailCall(const std::shared_ptr<PendingCall>& call, ErrorInfo error);
  void ReleaseIfUnused(const std::shared_ptr<ActorRecord>& actor);
  void TellRelease(const ActorRecord& actor);

  Core& core_;
  ObjectTable& objects_;
  RefCodec& codec_;
  // Every record in any phase but kReleased, one for an id.
  std::unordered_map<ActorId, std::shared_ptr<ActorRecord>> actors_;
  // Those of them that have a process (ActorRecord::has_process), by its id. A process may host several.
  std::unordered_map<ProcessId, std::vector<std::shared_ptr<ActorRecord>>> by_process_;
  std::set<std::string> told_;  // why actors of this process wait: what its user has been told
};

}  // namespace troupe::client
