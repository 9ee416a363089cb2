// The arguments of a call, task or constructor: when they can be sent, and how.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "client/object_table.h"

namespace troupe::client {

// All functions need the core's mutex.

// Arranges that `ready` runs as often as it returns: once for each ref that has no value yet, and for each handle, in
// the arguments or in the value of a ref, of an actor that the head does not know yet.
std::size_t AwaitArguments(ObjectTable& objects, const internal::Arguments& arguments,
                           const std::function<void()>& ready);
// What `call` ends with when an argument has an error: that it was not executed, and beneath it what failed for its
// first such argument. None when all have values.
std::optional<ErrorInfo> ArgumentError(const internal::Arguments& arguments, std::string_view call);
// The error of arguments that make a longer message than there may be: by the number of refs and handles, as large
// values are no part of it. To be asked before ToWire, which counts the receiver as their holder.
std::optional<ErrorInfo> TooLong(const internal::Arguments& arguments);
// The arguments as they go to `receiver`, which is counted as a holder of the refs among and inside them. Views in
// the result point into `arguments` and the objects.
WireArguments ToWire(ObjectTable& objects, RefCodec& codec, const internal::Arguments& arguments,
                     const Address& receiver);

}  // namespace troupe::client
