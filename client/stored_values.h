// StoredValues: values too large for messages, as who runs calls sees them.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string_view>

#include "client/frames.h"
#include "troupe/internal/runtime.h"

namespace troupe::client {

// Implemented by RuntimeImpl. Functions that are given `lock`, on the core's mutex, block, and release it meanwhile.
class StoredValues {
 public:
  virtual ~StoredValues() = default;
  // Values of more bytes are stored.
  virtual std::size_t inline_limit() const = 0;
  // The value of a stored argument of a call, which the caller keeps until it has the reply; for as long as the
  // result's `keep`. kObjectLost when no copy is left.
  virtual internal::ObjectValue ReadStored(std::unique_lock<std::mutex>& lock, const WireArgument& argument) = 0;
  // Stores a result under the caller's id for it. kSystem when the store is full.
  virtual std::optional<ErrorInfo> Store(std::unique_lock<std::mutex>& lock, ObjectId id, std::string_view bytes) = 0;
};

}  // namespace troupe::client
