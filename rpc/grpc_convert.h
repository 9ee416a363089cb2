// Between gRPC's types and ours. Private to rpc/; declares gRPC's types without including it.
#pragma once

#include <google/protobuf/message_lite.h>

#include <memory>
#include <string>

#include "common/status.h"

namespace grpc {
class ByteBuffer;
class Status;
}  // namespace grpc

namespace troupe::rpc {

// Set in the trailing metadata of every failure that a handler or a Server decided on, so that a client can tell it
// from one that its own gRPC made up.
inline constexpr const char* kStatusKey = "troupe-status";

// Cuts messages that gRPC's limit on metadata would not let through.
grpc::Status ToGrpc(const Status& status);
Status FromGrpc(const grpc::Status& status);

// Takes over large strings without copying them.
void FillBuffer(std::string bytes, grpc::ByteBuffer* buffer);

// A message like `prototype`; nullptr when the bytes are not one.
std::unique_ptr<google::protobuf::MessageLite> Decode(const google::protobuf::MessageLite& prototype,
                                                      grpc::ByteBuffer& buffer);

// "ipv4:127.0.0.1:40312" or "ipv6:%5B::1%5D:40312", as gRPC names a peer, without the scheme and the escapes.
std::string PeerAddress(std::string peer);

// Keeps gRPC from printing to standard error what every caller gets as a status, unless GRPC_VERBOSITY asks for it.
void QuietGrpc();

}  // namespace troupe::rpc
