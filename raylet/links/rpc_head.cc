#include "raylet/links/rpc_head.h"

#include <chrono>
#include <utility>

#include "raylet/links/rpc_stream.h"

namespace troupe::raylet {
namespace {

constexpr std::chrono::seconds kCallTimeout{10};
constexpr std::chrono::seconds kPackageTimeout{30};

std::string Method(const std::string& name) { return "/troupe.pb.Head/" + name; }

}  // namespace

std::unique_ptr<HeadStream> RpcHead::OpenStream(MessageStreamHandlers<pb::HeadToNode> handlers) {
  using Stream = RpcStream<pb::HeadToNode, pb::NodeToHead>;
  return std::make_unique<Stream>(
      client_.OpenStream<pb::HeadToNode, pb::NodeToHead>(Method("Node"), Stream::ToRpc(std::move(handlers))));
}

void RpcHead::RegisterJob(const pb::RegisterJobRequest& request, Done<pb::RegisterJobReply> done) {
  client_.Call<pb::RegisterJobReply>(Method("RegisterJob"), request, kCallTimeout, std::move(done));
}

void RpcHead::FinishJob(const pb::FinishJobRequest& request, Done<pb::Done> done) {
  client_.Call<pb::Done>(Method("FinishJob"), request, kCallTimeout, std::move(done));
}

void RpcHead::GetActor(const pb::FindActor& request, Done<pb::ActorReply> done) {
  client_.Call<pb::ActorReply>(Method("GetActor"), request, kCallTimeout, std::move(done));
}

void RpcHead::KillActor(const pb::KillActorRequest& request, Done<pb::ActorReply> done) {
  client_.Call<pb::ActorReply>(Method("KillActor"), request, kCallTimeout, std::move(done));
}

void RpcHead::ListActors(const pb::ListActorsRequest& request, Done<pb::ListActorsReply> done) {
  client_.Call<pb::ListActorsReply>(Method("ListActors"), request, kCallTimeout, std::move(done));
}

void RpcHead::PutPackage(const pb::PutPackageRequest& request, std::function<void(Result<pb::PutPackageReply>)> done) {
  client_.Call<pb::PutPackageReply>(Method("PutPackage"), request, kPackageTimeout, std::move(done));
}

void RpcHead::GetPackage(const pb::GetPackageRequest& request, std::function<void(Result<pb::PackageChunk>)> done) {
  client_.Call<pb::PackageChunk>(Method("GetPackage"), request, kPackageTimeout, std::move(done));
}

}  // namespace troupe::raylet
