// Serialization: which types can be arguments, results and objects, and how they become bytes.
//
// Arithmetic types, enums, std::string, vector, deque, list, array, (unordered_)(multi)map and set, pair, tuple,
// optional, variant, chrono, complex, bitset, unique_ptr, shared_ptr, ObjectRef and ActorHandle work as they are, and
// so do aggregates of up to 32 such members, written in the order of their declaration:
//
//   struct Point {
//     double x = 0, y = 0;
//   };
//
// Any other type of your own (with private members, a constructor, a base class, or an array as a member) becomes
// serialisable by cereal's convention, which an aggregate may use, too, and then has the say:
//
//   template <class Archive> void serialize(Archive& archive) { archive(x, y); }
//
// or by a pair of save(Archive&) const and load(Archive&). It needs a default constructor, for reading.
//
// A pointer carries what its type says. Pointers to polymorphic classes are refused unless the class is final, for an
// object of a derived class would arrive as its base; hold a std::variant of the classes instead.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

#include "troupe/internal/plain.h"
#include "troupe/internal/serializable.h"

namespace troupe {

// Types that can be arguments, results and objects.
template <class T>
concept Serializable = internal::kTravels<T>;

namespace internal {

// Appends the encoding of `value` to `payload`. Throws SerializationError when the user's code does not encode it;
// the payload is then of no use.
template <class T>
void SerializeTo(const T& value, Payload* payload) {
  if constexpr (kIsPlain<T>) {
    WritePlain(value, payload);
  } else {
    const std::size_t begin = payload->bytes.size();
    try {
      OutputArchive archive(payload);
      archive(value);
    } catch (...) {
      RethrowAsSerializationError("encode", typeid(T), payload->bytes.size() - begin);
    }
  }
}

template <class T>
Payload Serialize(const T& value) {
  Payload payload;
  SerializeTo(value, &payload);
  return payload;
}

// Reads one value at `*position` and moves the position behind it. Throws SerializationError.
template <class T>
T DeserializeFrom(std::span<const std::byte> bytes, std::size_t* position) {
  using Reader = std::conditional_t<kIsPlain<T>, ByteReader, InputArchive>;
  T value{};
  Reader reader(bytes, *position);
  try {
    if constexpr (kIsPlain<T>) {
      ReadPlain(reader, &value);
    } else {
      reader(value);
    }
  } catch (...) {
    RethrowAsSerializationError("decode", typeid(T), reader.position());
  }
  *position = reader.position();
  return value;
}

// Throws SerializationError when `position` is not the end.
void CheckConsumed(std::span<const std::byte> bytes, std::size_t position, const std::type_info& type);

// Reads the one value that `bytes` hold, to their last byte. Throws SerializationError.
template <class T>
T Deserialize(std::span<const std::byte> bytes) {
  if constexpr (std::is_void_v<T>) {
    CheckConsumed(bytes, 0, typeid(void));
  } else {
    std::size_t position = 0;
    T value = DeserializeFrom<T>(bytes, &position);
    CheckConsumed(bytes, position, typeid(T));
    return value;
  }
}

}  // namespace internal
}  // namespace troupe
