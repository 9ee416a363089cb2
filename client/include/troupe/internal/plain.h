// Plain values: those that need no archive, whose making would cost more than their reading.
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "troupe/internal/byte_reader.h"
#include "troupe/internal/runtime.h"

namespace troupe::internal {

template <class T>
inline constexpr bool kIsPlain = std::is_arithmetic_v<T>;
template <>
inline constexpr bool kIsPlain<std::string> = true;
template <class T>
inline constexpr bool kIsPlain<std::vector<T>> = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

// What a message may put behind a value, so that it need not move for that.
inline constexpr std::size_t kRoomBehind = 8;

// The same bytes as an archive's.
template <class T>
void WritePlain(const T& value, Payload* payload) {
  auto append = [payload](const void* data, std::size_t size) {
    payload->bytes.append(static_cast<const char*>(data), size);
  };
  if constexpr (std::is_arithmetic_v<T>) {
    append(&value, sizeof(value));
  } else {
    const std::uint64_t size = value.size();
    const std::size_t bytes = value.size() * sizeof(value[0]);
    payload->bytes.reserve(payload->bytes.size() + sizeof(size) + bytes + kRoomBehind);  // in one step
    append(&size, sizeof(size));
    append(value.data(), bytes);
  }
}

template <class T>
void ReadPlain(ByteReader& reader, T* value) {
  if constexpr (std::is_same_v<T, bool>) {
    *value = reader.ReadBool();
  } else if constexpr (std::is_arithmetic_v<T>) {
    reader.Read(value, sizeof(*value));
  } else {
    value->resize(reader.ReadSize(sizeof((*value)[0])));
    reader.Read(value->data(), value->size() * sizeof((*value)[0]));
  }
}

}  // namespace troupe::internal
