#include "rpc/grpc_convert.h"

#include <grpc/support/log.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/status.h>

#include <cstdlib>
#include <mutex>

namespace troupe::rpc {
namespace {

constexpr std::size_t kMaxStatusMessage = 4096;
constexpr std::size_t kCopyBelow = 4096;  // a copy of this costs less than the bookkeeping that avoids it

grpc::Slice TakeSlice(std::string bytes) {
  if (bytes.size() < kCopyBelow) return grpc::Slice(bytes);
  auto* owned = new std::string(std::move(bytes));
  return grpc::Slice(
      owned->data(), owned->size(), [](void* string) { delete static_cast<std::string*>(string); }, owned);
}

}  // namespace

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()), status.message().substr(0, kMaxStatusMessage)};
}

Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return OkStatus();
  const int code = status.error_code();
  const bool known = code > 0 && code <= static_cast<int>(StatusCode::kUnauthenticated);
  return {known ? static_cast<StatusCode>(code) : StatusCode::kUnknown, status.error_message()};
}

void FillBuffer(std::string bytes, grpc::ByteBuffer* buffer) {
  const grpc::Slice slice = TakeSlice(std::move(bytes));
  grpc::ByteBuffer filled(&slice, 1);
  buffer->Swap(&filled);
}

std::unique_ptr<google::protobuf::MessageLite> Decode(const google::protobuf::MessageLite& prototype,
                                                      grpc::ByteBuffer& buffer) {
  std::unique_ptr<google::protobuf::MessageLite> message(prototype.New());
  grpc::Slice slice;
  if (buffer.TrySingleSlice(&slice).ok()) {
    return message->ParseFromArray(slice.begin(), static_cast<int>(slice.size())) ? std::move(message) : nullptr;
  }
  grpc::ProtoBufferReader reader(&buffer);
  return reader.status().ok() && message->ParseFromZeroCopyStream(&reader) ? std::move(message) : nullptr;
}

std::string PeerAddress(std::string peer) {
  for (const char* scheme : {"ipv4:", "ipv6:"}) {
    if (peer.starts_with(scheme)) peer.erase(0, 5);
  }
  for (const auto& [escape, character] : {std::pair("%5B", '['), std::pair("%5D", ']'), std::pair("%25", '%')}) {
    const std::size_t at = peer.find(escape);
    if (at != std::string::npos) peer.replace(at, 3, 1, character);
  }
  return peer;
}

void QuietGrpc() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
  });
}

}  // namespace troupe::rpc
