// Credentials: what makes a program one of its cluster; what each call says about its caller; and the rule on which
// addresses a server may listen.
#pragma once

#include <string>
#include <string_view>

#include "common/status.h"

namespace troupe::rpc {

// Raised with every change to the messages between daemons that an older daemon would misread.
inline constexpr int kProtocolVersion = 2;

// This build's version, "0.1.0"; for messages only, nothing is decided by it.
std::string_view SoftwareVersion();

// Who a program is to the others of its cluster.
struct Credentials {
  std::string token = {};       // the cluster's shared secret; never logged, and never sent: see cluster_key.h
  std::string cluster_id = {};  // hexadecimal; empty while not known yet
  int protocol_version = kProtocolVersion;
};

// What a caller said about itself. Every view is foreign input, and valid only during the call that takes it.
struct Claims {
  std::string_view cluster_id;
  std::string_view protocol_version;
  std::string_view software_version;
};

// The names under which the three travel as metadata.
inline constexpr const char* kClusterKey = "troupe-cluster";
inline constexpr const char* kProtocolKey = "troupe-protocol";
inline constexpr const char* kVersionKey = "troupe-version";

// Whether a caller with these claims, which has proved that it holds the cluster's token, may talk to a server with
// `own` credentials: FAILED_PRECONDITION for another protocol version, or for another cluster when both sides know
// theirs. Pure; any thread.
Status CheckClaims(const Credentials& own, const Claims& claims);

// Whether a server may listen on `host`. INVALID_ARGUMENT for one that means every address of the machine: a daemon is
// known to the others by the address it listens on.
Status CheckBind(const std::string& host);

}  // namespace troupe::rpc
