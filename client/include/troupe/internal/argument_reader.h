// ArgumentReader: the arguments of one call, on the side that runs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "troupe/internal/runtime.h"
#include "troupe/serialization.h"

namespace troupe::internal {

// Reads in order; not thread-safe. What it is given outlives it. Errors are SerializationErrors with the outcome
// kNotExecuted, for all arguments are read before the function is called.
class ArgumentReader {
 public:
  // `values`: those given by value, one after another. `resolved`: those given as objects, by ascending position.
  ArgumentReader(std::span<const std::byte> values, std::span<const ResolvedArgument> resolved)
      : values_(values), resolved_(resolved) {}

  template <class T>
  T Next() {
    try {
      const std::uint32_t position = position_++;
      if (!resolved_.empty() && resolved_.front().position == position) {
        const auto bytes = resolved_.front().bytes;
        resolved_ = resolved_.subspan(1);
        return Deserialize<T>(bytes);
      }
      return DeserializeFrom<T>(values_, &offset_);
    } catch (const SerializationError& error) {
      RethrowForArgument(error);
    }
  }

  // Throws when something is left over: the caller meant another function.
  void Finish() const;

 private:
  [[noreturn]] void RethrowForArgument(const SerializationError& error) const;

  std::span<const std::byte> values_;
  std::span<const ResolvedArgument> resolved_;
  std::size_t offset_ = 0;
  std::uint32_t position_ = 0;
};

}  // namespace troupe::internal
