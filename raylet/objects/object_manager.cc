#include "raylet/objects/object_manager.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "raylet/convert.h"
#include "raylet/errors.h"

namespace troupe::raylet {
namespace {

void LogRefused(const char* what, ProcessId client, const Status& status) {
  if (!status.ok()) spdlog::warn("{} by process {} refused: {}", what, client.Hex(), status.ToString());
}

pb::Error LostError(ObjectId id, const std::string& why) {
  return MakeError(pb::Error::OBJECT_LOST, pb::Error::NOT_EXECUTED, "object " + id.Hex() + " is lost: " + why);
}

}  // namespace

ObjectManager::ObjectManager(NodeId self, Parts parts, std::function<void()> on_change)
    : self_(self), parts_(parts), on_change_(std::move(on_change)), creates_(parts.loop) {
  parts_.store.OnRetired([this](const std::string& segment) { OnRetired(segment); });
}

void ObjectManager::Create(ProcessId client, std::uint64_t request_id, const pb::CreateObject& create) {
  const ObjectId id = IdFromPb<ObjectId>(create.id());
  const std::uint64_t size = create.size();
  if (!id) {
    return ReplyError(client, request_id, MakeError(pb::Error::SYSTEM, pb::Error::NOT_EXECUTED, "no object id given"));
  }
  const std::uint64_t capacity = usage().capacity;
  if (size > capacity) {
    return ReplyError(client, request_id,
                      MakeError(pb::Error::SYSTEM, pb::Error::NOT_EXECUTED,
                                "an object of " + std::to_string(size) + " bytes does not fit the object store of " +
                                    std::to_string(capacity) + " bytes; start the node with more object store memory"));
  }
  const Creation creation{client, request_id, id, size, parts_.loop.Now() + CreateQueue::kMaxWait};
  creates_.Add(
      client, [=, this] { return TryCreate(creation); }, [=, this](const std::string& why) { NoRoom(creation, why); });
}

void ObjectManager::NoRoom(const Creation& creation, const std::string& why) {
  const store::Usage now = usage();
  ReplyError(creation.client, creation.request_id,
             MakeError(pb::Error::SYSTEM, pb::Error::NOT_EXECUTED,
                       "the object store of node " + self_.Hex().substr(0, 8) +
                           " is full: " + std::to_string(creation.size) + " bytes asked, " + std::to_string(now.used) +
                           " of " + std::to_string(now.capacity) + " used, and " + why +
                           "; drop references to objects, or start the node with more object store memory"));
}

bool ObjectManager::TryCreate(const Creation& creation) {
  const auto [client, request_id, id, size, deadline] = creation;
  auto extent = parts_.store.Create(client, id, size);
  if (extent.status().code() == StatusCode::kAlreadyExists && parts_.store.Contains(id) && id.high != client.value) {
    // The result of a call that is run again: its caller never heard of the first.
    parts_.store.Delete(id);
    extent = parts_.store.Create(client, id, size);
  }
  if (!extent.ok()) {
    if (extent.status().code() == StatusCode::kResourceExhausted) return false;
    ReplyError(client, request_id, ErrorFromStatus(extent.status()));
    return true;
  }
  unsealed_.emplace(id, client);
  Know(id);
  parts_.store.WhenReady(id, [this, creation, extent = *extent](const Status& status) {
    const auto it = unsealed_.find(creation.id);
    if (it == unsealed_.end() || it->second != creation.client) return;  // it died meanwhile
    if (!status.ok()) return OnMemory(creation, status);
    ReplyExtent(creation.client, creation.request_id, creation.id, extent);
  });
  if (on_change_) on_change_();
  return true;
}

// The machine had less than the store may take. Others may give some back in time.
void ObjectManager::OnMemory(const Creation& creation, const Status& status) {
  OnUnsealedGone(creation.id);
  if (parts_.loop.Now() >= creation.deadline) return NoRoom(creation, status.message());
  creates_.Wait(
      creation.client, [=, this] { return TryCreate(creation); },
      [=, this](const std::string& why) { NoRoom(creation, why + " (" + status.message() + ")"); });
}

void ObjectManager::Seal(ProcessId client, const pb::SealObject& seal) {
  const ObjectId id = IdFromPb<ObjectId>(seal.id());
  const Status status = parts_.store.Seal(client, id);
  if (!status.ok() && status.code() != StatusCode::kNotFound) return LogRefused("sealing an object", client, status);
  unsealed_.erase(id);
  auto waiting = when_sealed_.extract(id);
  if (!waiting.empty()) {
    for (const auto& ready : waiting.mapped()) ready(status);
  }
  if (status.ok() && dead_owners_.Contains(ProcessId{id.high})) return DeleteHere({id});
  if (!status.ok()) {
    Forget(id);
    Changed();
  }
}

void ObjectManager::Abort(ProcessId client, const pb::AbortObject& abort) {
  const ObjectId id = IdFromPb<ObjectId>(abort.id());
  const Status status = parts_.store.Abort(client, id);
  LogRefused("giving up an object", client, status);
  if (status.ok()) OnUnsealedGone(id);
  Changed();
}

void ObjectManager::OnUnsealedGone(ObjectId id) {
  unsealed_.erase(id);
  Forget(id);
  auto waiting = when_sealed_.extract(id);
  if (waiting.empty()) return;
  for (const auto& ready : waiting.mapped()) ready(NotFound("its writer gave it up"));
}

void ObjectManager::Get(ProcessId client, std::uint64_t request_id, const pb::GetObject& get) {
  const ObjectId id = IdFromPb<ObjectId>(get.id());
  if (parts_.store.Contains(id)) return Serve(client, request_id, id);
  if (unsealed_.contains(id)) {
    // The reference may reach a reader before the seal, which takes another way, reaches us.
    when_sealed_[id].push_back([=, this](const Status& status) {
      if (status.ok()) return Serve(client, request_id, id);
      ReplyError(client, request_id, LostError(id, status.message()));
    });
    return;
  }
  if (auto it = fetching_.find(id); it != fetching_.end()) {
    it->second.push_back({client, request_id});
    return;
  }
  std::vector<NodeId> nodes;
  for (const std::string& bytes : get.nodes()) {
    const auto node = NodeId::FromBytes(bytes);
    if (node && *node != self_) nodes.push_back(*node);
  }
  if (nodes.empty()) {
    return ReplyError(client, request_id, LostError(id, "this node has no copy and no other is known to have one"));
  }
  fetching_[id].push_back({client, request_id});
  Fetch(id, std::move(nodes));
}

void ObjectManager::Fetch(ObjectId id, std::vector<NodeId> nodes) {
  parts_.transfers.Fetch(id, std::move(nodes),
                         [this, id](const Status& status, NodeId from) { OnFetched(id, status, from); });
}

void ObjectManager::OnFetched(ObjectId id, const Status& status, NodeId from) {
  if (!status.ok()) return FailWaiters(id, status);
  auto waiting = fetching_.extract(id);
  fetched_from_[id] = from;
  Know(id);
  Changed();
  if (waiting.empty()) return;
  for (const Waiter& waiter : waiting.mapped()) Serve(waiter.client, waiter.request_id, id);
  if (dead_owners_.Contains(ProcessId{id.high})) DeleteHere({id});
}

void ObjectManager::Serve(ProcessId client, std::uint64_t request_id, ObjectId id) {
  // A client that has gone would never release it.
  if (!parts_.clients.Connected(client)) return;
  auto extent = parts_.store.Get(client, id);
  if (!extent.ok()) return ReplyError(client, request_id, LostError(id, extent.status().message()));
  ReplyExtent(client, request_id, id, *extent);
}

void ObjectManager::Release(ProcessId client, const pb::ReleaseObject& release) {
  parts_.store.Release(client, IdFromPb<ObjectId>(release.id()));
  Changed();
}

void ObjectManager::Delete(ProcessId client, const pb::DeleteObjects& objects) {
  const NodeId node = objects.node().empty() ? self_ : IdFromPb<NodeId>(objects.node());
  std::vector<ObjectId> ids;
  for (const std::string& bytes : objects.ids()) {
    const auto id = IdFromPb<ObjectId>(bytes);
    if (id.high == client.value) {
      ids.push_back(id);
    } else {
      LogRefused("deleting an object", client, PermissionDenied("process " + ProcessId{id.high}.Hex() + " owns it"));
    }
  }
  if (node == self_) return DeleteHere(ids);
  pb::PeerMessage message;
  for (ObjectId id : ids) message.add_deleted(id.Bytes());
  const Status status = parts_.peers.Send(node, std::move(message));
  if (!status.ok()) spdlog::debug("objects of a lost node need no deletion: {}", status.message());
}

void ObjectManager::OnDeleted(const std::vector<ObjectId>& ids) { DeleteHere(ids); }

void ObjectManager::DeleteHere(const std::vector<ObjectId>& ids) {
  pb::PeerMessage notice;
  for (ObjectId id : ids) {
    parts_.store.Delete(id);
    if (served_.erase(id) > 0) notice.add_deleted(id.Bytes());
    if (fetching_.contains(id)) {
      parts_.transfers.Cancel(id);
      FailWaiters(id, NotFound("it was deleted"));
    }
    fetched_from_.erase(id);
    if (!unsealed_.contains(id)) Forget(id);
  }
  if (notice.deleted_size() > 0) parts_.peers.Broadcast(notice);
  Changed();
}

void ObjectManager::WhenSealed(ObjectId id, std::function<void(Status)> ready) {
  if (parts_.store.Contains(id)) {
    served_.insert(id);
    return ready(OkStatus());
  }
  if (!unsealed_.contains(id)) return ready(NotFound("node " + self_.Hex().substr(0, 8) + " has no copy of it"));
  when_sealed_[id].push_back([this, id, ready = std::move(ready)](const Status& status) {
    if (status.ok()) served_.insert(id);
    ready(status);
  });
}

void ObjectManager::OnLocalProcessGone(ProcessId process) {
  creates_.RemoveClient(process);
  for (auto& [id, waiters] : fetching_) {
    std::erase_if(waiters, [&](const Waiter& waiter) { return waiter.client == process; });
  }
  parts_.store.RemoveProcess(process);
  for (auto& [segment, told] : told_) told.erase(process);
  std::vector<ObjectId> aborted;
  for (const auto& [id, writer] : unsealed_) {
    if (writer == process) aborted.push_back(id);
  }
  for (ObjectId id : aborted) OnUnsealedGone(id);
  Changed();
}

void ObjectManager::OnOwnerDied(ProcessId owner) {
  dead_owners_.Insert(owner);
  std::vector<ObjectId> ids;
  for (const auto& [id, waiters] : fetching_) {
    if (id.high == owner.value) ids.push_back(id);
  }
  if (auto it = by_owner_.find(owner); it != by_owner_.end())
    ids.insert(ids.end(), it->second.begin(), it->second.end());
  if (!ids.empty()) DeleteHere(ids);
}

void ObjectManager::OnNodeDied(NodeId node, const std::function<bool(ProcessId owner)>& keep) {
  parts_.transfers.OnNodeDied(node);
  std::vector<ObjectId> orphans;
  for (const auto& [id, from] : fetched_from_) {
    if (from == node && !keep(ProcessId{id.high})) orphans.push_back(id);
  }
  if (!orphans.empty()) DeleteHere(orphans);
}

void ObjectManager::FailWaiters(ObjectId id, const Status& why) {
  auto waiting = fetching_.extract(id);
  if (waiting.empty()) return;
  const bool full = why.code() == StatusCode::kResourceExhausted;
  const pb::Error error = full ? ErrorFromStatus(why) : LostError(id, why.message());
  for (const Waiter& waiter : waiting.mapped()) ReplyError(waiter.client, waiter.request_id, error);
}

void ObjectManager::ReplyError(ProcessId client, std::uint64_t request_id, const pb::Error& error) {
  pb::RayletToClient reply;
  reply.set_request_id(request_id);
  *reply.mutable_error() = error;
  parts_.clients.Send(client, reply);
}

void ObjectManager::ReplyExtent(ProcessId client, std::uint64_t request_id, ObjectId id, const store::Extent& extent) {
  pb::RayletToClient reply;
  reply.set_request_id(request_id);
  pb::ObjectExtent* message = reply.mutable_object_extent();
  message->set_id(id.Bytes());
  message->set_segment(extent.segment);
  message->set_segment_size(extent.segment_size);
  message->set_offset(extent.offset);
  message->set_size(extent.size);
  parts_.clients.Send(client, reply);
  if (extent.size > 0) told_[extent.segment].insert(client);
}

// The memory is back with the machine already. What is left with the clients is a range of addresses each.
void ObjectManager::OnRetired(const std::string& segment) {
  const auto told = told_.extract(segment);
  if (told.empty()) return;
  pb::RayletToClient message;
  message.mutable_segments_retired()->add_segments(segment);
  for (ProcessId client : told.mapped()) parts_.clients.Send(client, message);
}

void ObjectManager::Forget(ObjectId id) {
  auto it = by_owner_.find(ProcessId{id.high});
  if (it == by_owner_.end()) return;
  it->second.erase(id);
  if (it->second.empty()) by_owner_.erase(it);
}

void ObjectManager::Changed() {
  creates_.Retry();
  if (on_change_) on_change_();
}

}  // namespace troupe::raylet
