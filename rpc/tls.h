// The two ends of an encrypted connection, as gRPC takes them. Private to rpc/; declares gRPC's types without including
// it.
#pragma once

#include <memory>

#include "rpc/cluster_key.h"

namespace grpc {
class ChannelArguments;
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace troupe::rpc {

// Each end shows the cluster's certificate and accepts no other. Until the other end has proved that it holds the key,
// nothing but the handshake passes in either direction.
std::shared_ptr<grpc::ServerCredentials> ServerCredentialsFor(const ClusterKey& key);
std::shared_ptr<grpc::ChannelCredentials> ChannelCredentialsFor(const ClusterKey& key, grpc::ChannelArguments* args);

}  // namespace troupe::rpc
