// ObjectManager: this node's large objects, for its clients and for the nodes that fetch from it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/event_loop.h"
#include "common/recent_set.h"
#include "object_store/store_owner.h"
#include "proto/client.pb.h"
#include "raylet/objects/create_queue.h"
#include "raylet/ports/object_transfers.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/process_observer.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// An object's id names the process that owns it; with the owner's end it is deleted everywhere. Its primary copy lies
// on the node where it was made. That a copy was fetched from here is remembered, by whom is not said: the deletion of
// such an object is told to every node. Loop thread.
class ObjectManager : public ProcessObserver {
 public:
  // All outlive the manager.
  struct Parts {
    EventLoop& loop;
    store::StoreOwner& store;
    ClientOutbox& clients;
    PeerOutbox& peers;
    ObjectTransfers& transfers;
  };

  // `on_change` runs when the use of the store may have changed.
  ObjectManager(NodeId self, Parts parts, std::function<void()> on_change);
  ~ObjectManager() override { parts_.store.OnRetired({}); }
  ObjectManager(const ObjectManager&) = delete;
  ObjectManager& operator=(const ObjectManager&) = delete;

  // From clients. A request that has to wait for memory or for another node is answered later. One-way messages that
  // make no sense are logged and otherwise ignored: the store refuses them.
  void Create(ProcessId client, std::uint64_t request_id, const pb::CreateObject& create);
  void Seal(ProcessId client, const pb::SealObject& seal);
  void Abort(ProcessId client, const pb::AbortObject& abort);
  void Get(ProcessId client, std::uint64_t request_id, const pb::GetObject& get);
  void Release(ProcessId client, const pb::ReleaseObject& release);
  // Of objects that the client owns; others stay.
  void Delete(ProcessId client, const pb::DeleteObjects& objects);

  // From other nodes: these objects are deleted.
  void OnDeleted(const std::vector<ObjectId>& ids);
  // Another node wants a copy: `ready` runs once, now or when the object is sealed; NOT_FOUND when there is none (any
  // more). From then on the other nodes are told of its deletion.
  void WhenSealed(ObjectId id, std::function<void(Status)> ready);

  // A process of this node has ended: its mappings are gone.
  void OnLocalProcessGone(ProcessId process);
  // A process, wherever it was, has ended: what it owned goes.
  void OnOwnerDied(ProcessId owner);
  // Copies from that node go, unless `keep` knows their owner to live: nobody would tell of their deletion.
  void OnNodeDied(NodeId node, const std::function<bool(ProcessId owner)>& keep);

  void OnProcessOver(const EndedProcess& process) override { OnOwnerDied(process.address.process); }
  void OnProcessUnmapped(ProcessId process) override { OnLocalProcessGone(process); }
  // What processes of this node own stays: they will tell of its deletion.
  void OnNodeOver(NodeId node, const std::string&) override {
    OnNodeDied(node, [this](ProcessId owner) { return parts_.clients.Connected(owner); });
  }

  store::Usage usage() const { return parts_.store.GetUsage(); }

 private:
  static constexpr std::size_t kMaxDeadOwners = 65'536;
  struct Waiter {
    ProcessId client;
    std::uint64_t request_id;
  };
  struct Creation {
    ProcessId client;
    std::uint64_t request_id;
    ObjectId id;
    std::uint64_t size;
    MonotonicTime deadline;
  };

  bool TryCreate(const Creation& creation);
  void OnMemory(const Creation& creation, const Status& status);
  void NoRoom(const Creation& creation, const std::string& why);
  void OnRetired(const std::string& segment);
  void Serve(ProcessId client, std::uint64_t request_id, ObjectId id);
  void Fetch(ObjectId id, std::vector<NodeId> nodes);
  void OnFetched(ObjectId id, const Status& status, NodeId from);
  void OnUnsealedGone(ObjectId id);
  void DeleteHere(const std::vector<ObjectId>& ids);
  void FailWaiters(ObjectId id, const Status& why);
  void ReplyError(ProcessId client, std::uint64_t request_id, const pb::Error& error);
  void ReplyExtent(ProcessId client, std::uint64_t request_id, ObjectId id, const store::Extent& extent);
  void Know(ObjectId id) { by_owner_[ProcessId{id.high}].insert(id); }
  void Forget(ObjectId id);
  void Changed();

  const NodeId self_;
  Parts parts_;
  const std::function<void()> on_change_;
  CreateQueue creates_;
  std::unordered_map<ObjectId, ProcessId> unsealed_;                     // and who writes them
  std::unordered_map<std::string, std::unordered_set<ProcessId>> told_;  // of a segment: who may map it
  std::unordered_map<ObjectId, std::vector<std::function<void(Status)>>> when_sealed_;
  std::unordered_map<ObjectId, std::vector<Waiter>> fetching_;  // present while a fetch runs
  std::unordered_map<ObjectId, NodeId> fetched_from_;
  std::unordered_set<ObjectId> served_;  // fetched from here by others
  std::unordered_map<ProcessId, std::unordered_set<ObjectId>> by_owner_;
  RecentSet<ProcessId> dead_owners_{kMaxDeadOwners};  // what a straggler makes for one of them is deleted at once
};

}  // namespace troupe::raylet
