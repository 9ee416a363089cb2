// Credentials: what each call carries so that a server can tell its own cluster's programs from anybody else,
// and the rule on which addresses a server may listen.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/status.h"

namespace troupe::rpc {

// Raised with every change to the messages between daemons that an older daemon would misread.
inline constexpr int kProtocolVersion = 1;

// This build's version, "0.1.0"; for messages only, nothing is decided by it.
std::string_view SoftwareVersion();

// Who a program is to the others of its cluster.
struct Credentials {
  std::string token = {};       // the cluster's shared secret; never logged
  std::string cluster_id = {};  // hexadecimal; empty while not known yet
  int protocol_version = kProtocolVersion;
};

// What a caller said about itself. Every view is foreign input, and valid only during the call that takes it.
struct Claims {
  std::string_view authorization;  // "Bearer TOKEN"
  std::string_view cluster_id;
  std::string_view protocol_version;
  std::string_view software_version;
};

// The names under which the four travel as metadata.
inline constexpr const char* kAuthorizationKey = "authorization";
inline constexpr const char* kClusterKey = "troupe-cluster";
inline constexpr const char* kProtocolKey = "troupe-protocol";
inline constexpr const char* kVersionKey = "troupe-version";

// Whether a caller with these claims may talk to a server with `own` credentials. Pure; any thread. The token is
// compared first, in time that does not depend on where it differs, so that a stranger learns nothing else:
// UNAUTHENTICATED for a missing or wrong token (and for every token when `own` has none), then FAILED_PRECONDITION for
// another protocol version, or for another cluster when both sides know theirs.
Status CheckClaims(const Credentials& own, const Claims& claims);

// How bytes travel. TLS goes here: a mode with its certificate files, read where server.cc and client.cc turn this
// into gRPC credentials.
struct TransportSecurity {
  enum class Mode { kPlaintext };
  Mode mode = Mode::kPlaintext;
};

// Whether a server may listen on `host`: PERMISSION_DENIED when others than this machine could reach it in plain
// text, where the token could be read off the wire. 127.0.0.0/8, ::1 and "localhost" are this machine only.
Status CheckBind(std::string_view host, const TransportSecurity& security);

}  // namespace troupe::rpc
