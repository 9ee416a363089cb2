// The version of the messages between clients, raylets and heads (proto/).
#pragma once

namespace troupe::client {

inline constexpr int kProtocolVersion = 2;

}  // namespace troupe::client
