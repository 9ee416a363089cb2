#include "client/tables.h"

#include <cstdio>
#include <set>
#include <utility>

namespace troupe::client {

// --- What arrives --------------------------------------------------------------------------------------------------

void Tables::OnFrame(const Address& from, std::string_view frame, std::uint64_t number) {
  switch (TypeOf(frame)) {
    case FrameType::kCall:
      if (sink_) sink_->OnCall(from, frame, number);
      return;
    case FrameType::kReply:
      if (ReplyFrame reply; Decode(frame, &reply)) return OnReply(from, reply);
      break;
    case FrameType::kGetObject:
      if (GetObjectFrame get; Decode(frame, &get)) return objects_.OnGetObject(from, get);
      break;
    case FrameType::kObjectValue:
      if (ObjectValueFrame value; Decode(frame, &value)) return objects_.OnObjectValue(from, value);
      break;
    case FrameType::kAddRef:
    case FrameType::kDropRef:
      if (RefCountFrame count; Decode(frame, &count)) {
        if (count.name.kind == RefName::Kind::kObject) return objects_.OnRefCount(TypeOf(frame), count);
        return actors_.OnRefCount(TypeOf(frame), count);
      }
      break;
    case FrameType::kProbe:
      if (ProbeFrame probe; Decode(frame, &probe)) return cycles_.OnProbe(probe);
      break;
    case FrameType::kAskActor:
      if (AskActorFrame ask; Decode(frame, &ask)) return actors_.OnAskActor(from, ask);
      break;
    case FrameType::kActorKnown:
      if (ActorKnownFrame known; Decode(frame, &known)) return actors_.OnActorKnown(from, known);
      break;
  }
  // Once: a peer must not be able to fill the log.
  if (std::exchange(told_of_bad_frame_, true)) return;
  core_.outbox->Tell("process " + from.process.Hex() + " sent a frame of " + std::to_string(frame.size()) +
                     " bytes that does not decode; all such are ignored");
}

void Tables::OnReply(const Address& from, const ReplyFrame& frame) {
  auto result = objects_.Find(core_.ResultOf(frame.sequence));
  const PendingCall* call = result ? result->call.get() : nullptr;
  const bool awaited = call && !call->done && call->sent_to && call->sent_to == from.process;
  // A reply that was given up on, of an earlier attempt, or of somebody who was not asked: what it brings is taken over
  // and dropped.
  if (!awaited || call->incarnation != frame.incarnation) {
    (void)Adopt(frame.value.contained);
    return;
  }
  if (result->call->actor) {
    actors_.OnReply(result, frame);
  } else {
    tasks_.OnReply(result, frame);
  }
}

void Tables::OnRaylet(const pb::RayletToClient& message) {
  switch (message.body_case()) {
    case pb::RayletToClient::kLeaseGranted: return tasks_.OnLeaseGranted(message.lease_granted());
    case pb::RayletToClient::kLeaseUpdate: return tasks_.OnLeaseUpdate(message.lease_update());
    case pb::RayletToClient::kActorUpdate: return actors_.OnUpdate(message.actor_update().info());
    case pb::RayletToClient::kNodeDied:
      return OnNodeGone(NodeId::FromBytes(message.node_died().node()).value_or(NodeId{}), message.node_died().reason());
    case pb::RayletToClient::kUndeliverable: {
      const pb::Undeliverable& lost = message.undeliverable();
      const ProcessId process{lost.destination().process()};
      return lost.gone() ? OnProcessGone(process, lost.reason(), kAllReached)
                         : OnPathBroken(process, lost.reason(), kAllReached);
    }
    case pb::RayletToClient::kSegmentsRetired:
      for (const std::string& segment : message.segments_retired().segments()) core_.segments.Forget(segment);
      return;
    case pb::RayletToClient::kPollRings: return;  // having arrived, it has done its work
    default:
      if (sink_) sink_->OnRaylet(message);
  }
}

void Tables::OnLogLines(const pb::LogLines& lines) {
  std::FILE* out = lines.is_stderr() ? stderr : stdout;
  for (const std::string& line : lines.lines()) {
    const std::string text = lines.prefix() + " " + line + "\n";
    std::fwrite(text.data(), 1, text.size(), out);  // whole, also what follows a NUL
  }
  if (lines.dropped() > 0) {
    std::fprintf(out, "%s ... %llu lines left out: too many at once; `troupe logs` has them all\n",
                 lines.prefix().c_str(), static_cast<unsigned long long>(lines.dropped()));
  }
  std::fflush(out);
}

void Tables::OnProcessGone(ProcessId process, const std::string& reason, std::uint64_t reached) {
  if (!core_.dead_processes.Insert(process)) return;
  actors_.OnProcessGone(process, reason, reached);
  tasks_.OnProcessGone(process, reason, reached);
  objects_.OnProcessGone(process, reason);
}

void Tables::OnPathBroken(ProcessId process, const std::string& reason, std::uint64_t reached) {
  if (core_.dead_processes.Contains(process)) return;
  actors_.OnPathBroken(process, reason, reached);
  tasks_.OnPathBroken(process, reason, reached);
  objects_.OnPathBroken(process);
}

void Tables::OnNodeGone(NodeId node, const std::string& reason) {
  core_.dead_nodes.Insert(node);
  std::set<ProcessId> processes;
  objects_.OnNodeGone(node, &processes);
  actors_.OnNodeGone(node, &processes);
  tasks_.OnNodeGone(node, &processes);
  for (ProcessId process : processes) OnProcessGone(process, reason, kAllReached);
}

void Tables::OnRayletLost(const std::string& reason) {
  core_.lost = reason;
  ErrorInfo error{.kind = ErrorKind::kSystem, .outcome = Outcome::kUnknown, .message = reason};
  actors_.FailAll(error);
  objects_.FailAll(std::move(error));
  if (sink_) sink_->OnRayletLost(reason);
}

// --- References ----------------------------------------------------------------------------------------------------

std::vector<RefName> Tables::NamesFor(const std::vector<internal::ObjectPtr>& objects,
                                      const std::vector<internal::ActorPtr>& actors, const Address& receiver) {
  std::vector<RefName> names;
  names.reserve(objects.size() + actors.size());
  for (const internal::ObjectPtr& object : objects) names.push_back(objects_.NameFor(object, receiver));
  for (const internal::ActorPtr& actor : actors) names.push_back(actors_.NameFor(actor, receiver));
  return names;
}

Contained Tables::Adopt(const std::vector<RefName>& names) {
  Contained contained;
  for (const RefName& name : names) {
    if (name.kind == RefName::Kind::kObject) {
      contained.objects.push_back(objects_.Adopt(name));
    } else {
      contained.actors.push_back(actors_.Adopt(name));
    }
  }
  return contained;
}

std::string Tables::WhyPending(const ObjectRecord& record) const {
  const PendingCall* const call = record.call.get();
  std::string why;
  if (call && call->actor) {
    why = ActorTable::WhyPending(*call->actor);
    if (!why.empty()) why = "its actor" + why;
  } else if (call) {
    why = tasks_.WhyPending(*call);
    if (!why.empty()) why = "the task" + why;
  }
  return why.empty() ? "the call goes on" : why;
}

bool Tables::Needed() {
  TakeReleased();
  return objects_.OwnsAny() || actors_.OwnsAny();
}

void Tables::TakeReleased() {
  while (core_.releases->Take(&released_)) {  // freeing one thing may drop refs inside it
    for (ObjectRecord* const record : released_.objects) objects_.OnReleased(*record);
    for (const auto& record : released_.actors) actors_.OnReleased(record);
  }
  objects_.FlushDeletes();  // also of what others let go of
}

}  // namespace troupe::client
