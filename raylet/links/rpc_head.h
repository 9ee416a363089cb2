// RpcHead: the way to the head, over gRPC.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "raylet/ports/head_transport.h"
#include "raylet/programs/package_exchange.h"
#include "rpc/client.h"

namespace troupe::raylet {

// Loop thread. `client` is connected to the head, and outlives this.
class RpcHead : public HeadTransport, public PackageExchange {
 public:
  explicit RpcHead(rpc::Client& client) : client_(client) {}

  std::unique_ptr<HeadStream> OpenStream(MessageStreamHandlers<pb::HeadToNode> handlers) override;
  std::string target() const override { return client_.target(); }

  void RegisterJob(const pb::RegisterJobRequest& request, Done<pb::RegisterJobReply> done) override;
  void FinishJob(const pb::FinishJobRequest& request, Done<pb::Done> done) override;
  void GetActor(const pb::FindActor& request, Done<pb::ActorReply> done) override;
  void KillActor(const pb::KillActorRequest& request, Done<pb::ActorReply> done) override;
  void ListActors(const pb::ListActorsRequest& request, Done<pb::ListActorsReply> done) override;

  void PutPackage(const pb::PutPackageRequest& request, std::function<void(Result<pb::PutPackageReply>)> done) override;
  void GetPackage(const pb::GetPackageRequest& request, std::function<void(Result<pb::PackageChunk>)> done) override;

 private:
  rpc::Client& client_;
};

}  // namespace troupe::raylet
