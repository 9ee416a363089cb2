// Defaults that both ends of a connection must agree on, roughly.
#pragma once

#include <chrono>
#include <cstddef>

namespace troupe::rpc {

// Above this a message belongs into the object store.
inline constexpr std::size_t kDefaultMaxMessageBytes = 16u << 20;

// A peer that is silent this long is asked for a sign of life, and given as long again to show one.
inline constexpr std::chrono::milliseconds kDefaultKeepalive{5000};

}  // namespace troupe::rpc
