// How the typed API makes its own errors.
#pragma once

#include <cstddef>
#include <string>
#include <typeinfo>

#include "troupe/error.h"

namespace troupe::internal {

// The program misused the library; `message` says what, and what to do.
[[noreturn]] void ThrowUsage(std::string message);

// The bytes at `position` are not the value `expected` says.
[[noreturn]] void ThrowMalformed(std::string what, std::size_t position);

// The value nests deeper than the archives follow.
[[noreturn]] void ThrowTooDeep();

// Call in a handler: throws the current exception again, as SerializationError unless it is an Error already.
// `doing` is "encode" or "decode"; `position` counts bytes from the start of the value's buffer.
[[noreturn]] void RethrowAsSerializationError(const char* doing, const std::type_info& type, std::size_t position);

}  // namespace troupe::internal
