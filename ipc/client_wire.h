// The unix socket between a raylet and its clients: what both ends must agree on besides the messages of
// proto/client.proto.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/status.h"
#include "troupe/ids.h"

namespace troupe::ipc {

// Raised with every change that an older client would misread, also of shared memory between clients.
inline constexpr int kClientProtocolVersion = 4;

// Types of frames (ipc/frame_codec.h).
inline constexpr std::uint16_t kToRaylet = 1;    // pb::ClientToRaylet
inline constexpr std::uint16_t kFromRaylet = 2;  // pb::RayletToClient
inline constexpr std::uint16_t kRouted = 3;      // a routed frame: a header, then what one client sends another

// The header of a routed frame: node (16 bytes, big-endian), process (8, little-endian). Towards the raylet it names
// the destination, towards a client the source.
inline constexpr std::size_t kRoutedHeaderBytes = 24;
std::string EncodeRoutedHeader(const Address& address);
// InvalidArgument when `payload` is too short for a header.
Result<Address> DecodeRoutedHeader(std::string_view payload);

// What a client may have under way to one other node, in bytes of frames without their headers: it waits when it has
// sent so much more than the raylet has given back (NodeCredit), which holds credit back while the way to the node is
// congested. The last frame may go beyond it.
inline constexpr std::size_t kRoutedWindow = 4u << 20;

}  // namespace troupe::ipc
