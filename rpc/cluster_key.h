// ClusterKey: the key and the certificate by which the programs of one cluster know each other.
#pragma once

#include <string>
#include <string_view>

#include "common/status.h"

namespace troupe::rpc {

// The name in every cluster's certificate. It says nothing about who shows it; only the key does.
inline constexpr const char* kClusterName = "troupe-cluster";

struct ClusterKey {
  std::string certificate;  // PEM; public
  std::string private_key;  // PEM; as secret as the token
};

// Follows from `token` alone: an Ed25519 key whose seed is HMAC-SHA256(token, "troupe cluster key 1"), and a
// certificate that it signs for itself, the same from every program that has the token, to the byte. So a cluster needs
// no second secret, and a token proves itself without ever being sent. The certificate does not expire before the token
// does, which is never. INTERNAL when OpenSSL refuses, as it does when it is configured to forbid Ed25519. Pure; any
// thread.
Result<ClusterKey> DeriveClusterKey(std::string_view token);

}  // namespace troupe::rpc
