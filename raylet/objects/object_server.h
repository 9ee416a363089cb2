// ObjectServer: sends this node's objects to the nodes that ask for them.
#pragma once

#include <functional>
#include <memory>
#include <set>

#include "common/status.h"
#include "object_store/store_owner.h"
#include "proto/node.pb.h"
#include "rpc/server.h"
#include "rpc/stream.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// One object per stream: bytes in order, in chunks, never more under way than kWindow; then the stream is closed. The
// object is pinned meanwhile. Loop thread. The store outlives it.
class ObjectServer {
 public:
  static constexpr std::size_t kChunkBytes = 1u << 20;
  static constexpr std::size_t kWindowBytes = 4u << 20;

  // Calls its argument once the object is sealed here, or with NOT_FOUND.
  using WhenSealed = std::function<void(ObjectId, std::function<void(Status)>)>;

  ObjectServer(store::StoreOwner& store, WhenSealed when_sealed);
  ~ObjectServer();

  // Before the server starts.
  void Serve(rpc::Server* server);

 private:
  using SendStream = rpc::Stream<pb::FetchRequest, pb::ObjectChunk>;
  struct Sending;

  void Accept(std::shared_ptr<SendStream> stream);
  void OnRequest(const std::shared_ptr<Sending>& sending, const pb::FetchRequest& request);
  void Begin(const std::shared_ptr<Sending>& sending, ObjectId id, const Status& ready);
  void Pump(Sending& sending);
  void End(const std::shared_ptr<Sending>& sending);

  store::StoreOwner& store_;
  const WhenSealed when_sealed_;
  std::set<std::shared_ptr<Sending>> sendings_;
  std::shared_ptr<ObjectServer*> self_;  // what callbacks hold weakly: gone with this
};

}  // namespace troupe::raylet
