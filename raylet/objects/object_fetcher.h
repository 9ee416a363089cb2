// ObjectFetcher: copies objects from other nodes' stores into this one's.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "common/event_loop.h"
#include "object_store/store_owner.h"
#include "proto/node.pb.h"
#include "raylet/ports/object_transfers.h"
#include "rpc/client.h"
#include "rpc/stream.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Each fetch has a stream of its own, so that no call waits behind an object; the chunks go straight to their place in
// the store. Loop thread. The store outlives it.
class ObjectFetcher : public ObjectTransfers {
 public:
  // How long a fetch waits for room in the store, trying again every kRetry.
  static constexpr std::chrono::seconds kMaxWait{10};
  static constexpr std::chrono::milliseconds kRetry{100};

  // `client_of`: of a node, null when it is gone.
  ObjectFetcher(EventLoop& loop, store::StoreOwner& store, std::function<rpc::Client*(NodeId)> client_of);
  ~ObjectFetcher() override;

  void Fetch(ObjectId id, std::vector<NodeId> nodes, Done done) override;
  void Cancel(ObjectId id) override;
  void OnNodeDied(NodeId node) override;

 private:
  using FetchStream = rpc::Stream<pb::ObjectChunk, pb::FetchRequest>;
  struct Transfer {
    std::deque<NodeId> nodes;  // the first is being asked
    Done done;
    MonotonicTime deadline{};  // for room
    std::shared_ptr<FetchStream> stream;
    bool placed = false;         // the object is ours to seal or abort
    std::span<std::byte> place;  // of its bytes, once their memory has come
    std::uint64_t received = 0;
    Status last_failure;
    std::uint64_t number = 0;
  };

  void Ask(ObjectId id);
  void OnChunk(ObjectId id, const pb::ObjectChunk& chunk);
  Status TakeChunk(ObjectId id, Transfer& transfer, const pb::ObjectChunk& chunk);
  void OnClosed(ObjectId id, const Status& status);
  void NextNode(ObjectId id, const Status& why);
  void WaitForRoom(ObjectId id, const Status& why);
  void WaitForMemory(ObjectId id);
  void OnMemory(ObjectId id, Status status);
  void DropStream(Transfer& transfer);
  void Undo(ObjectId id, Transfer& transfer);
  void Finish(ObjectId id, Status status);

  EventLoop& loop_;
  store::StoreOwner& store_;
  const std::function<rpc::Client*(NodeId)> client_of_;
  std::unordered_map<ObjectId, Transfer> transfers_;
  std::uint64_t last_number_ = 0;
  std::shared_ptr<ObjectFetcher*> self_;  // what posted work holds weakly: gone with this
};

}  // namespace troupe::raylet
