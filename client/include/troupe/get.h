// Put and Get: values into the cluster, and back.
#pragma once

#include <chrono>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "troupe/object_ref.h"

namespace troupe {

namespace internal {

// The moment at which a wait over several objects ends; none when there is no timeout.
class Deadline {
 public:
  explicit Deadline(std::optional<std::chrono::nanoseconds> timeout);
  std::optional<std::chrono::nanoseconds> Remaining() const;

 private:
  std::optional<std::chrono::steady_clock::time_point> end_;
};

template <class T>
using VectorOf =
    std::conditional_t<std::is_void_v<T>, void, std::vector<std::conditional_t<std::is_void_v<T>, int, T>>>;

template <class T>
VectorOf<T> GetAll(const std::vector<ObjectRef<T>>& refs, std::optional<std::chrono::nanoseconds> timeout) {
  const Deadline deadline(timeout);
  if constexpr (std::is_void_v<T>) {
    for (const auto& ref : refs) Decode<void>(Fetch(RefAccess::State(ref), deadline.Remaining()));
  } else {
    std::vector<T> values;
    values.reserve(refs.size());
    for (const auto& ref : refs) values.push_back(Decode<T>(Fetch(RefAccess::State(ref), deadline.Remaining())));
    return values;
  }
}

// A tuple has no place for void.
template <class T>
auto GetElement(const ObjectRef<T>& ref) {
  if constexpr (std::is_void_v<T>) {
    ref.Get();
    return std::monostate();
  } else {
    return ref.Get();
  }
}

template <class T>
inline constexpr bool kIsGettable = kIsObjectRef<T>;
template <class T>
inline constexpr bool kIsGettable<std::vector<ObjectRef<T>>> = true;

template <class T>
using StoredAs =
    std::conditional_t<std::is_same_v<std::decay_t<T>, const char*> || std::is_same_v<std::decay_t<T>, char*>,
                       std::string, std::decay_t<T>>;

}  // namespace internal

// Copies `value` into an object and returns the ref to it; a string literal becomes a std::string. Any thread.
// Blocks while the store is full; then throws SystemError. SerializationError when the value does not encode.
template <class T>
ObjectRef<internal::StoredAs<T>> Put(T&& value) {
  using Value = internal::StoredAs<T>;
  if constexpr (internal::CheckTravels<Value>()) {
    const Value& stored = value;
    return internal::RefAccess::Make<Value>(internal::Runtime::Get().Put(internal::Serialize(stored)));
  } else {
    return {};
  }
}

// As ref.Get() and ref.Get(timeout).
template <class T>
T Get(const ObjectRef<T>& ref) {
  return ref.Get();
}
template <class T>
T Get(const ObjectRef<T>& ref, std::chrono::nanoseconds timeout) {
  return ref.Get(timeout);
}

// Blocks until all values exist and returns them in the order of `refs`. Throws the error of the first ref, in that
// order, that has one. `timeout` is for all of them together.
template <class T>
internal::VectorOf<T> Get(const std::vector<ObjectRef<T>>& refs) {
  return internal::GetAll(refs, std::nullopt);
}
template <class T>
internal::VectorOf<T> Get(const std::vector<ObjectRef<T>>& refs, std::chrono::nanoseconds timeout) {
  return internal::GetAll(refs, timeout);
}

// auto [a, b] = Get(ref_a, ref_b). The place of an ObjectRef<void> holds a std::monostate.
template <class A, class B, class... More>
auto Get(const ObjectRef<A>& first, const ObjectRef<B>& second, const ObjectRef<More>&... more) {
  // Braces, for they evaluate from left to right.
  return std::tuple{internal::GetElement(first), internal::GetElement(second), internal::GetElement(more)...};
}

// As ref.TryGet() and ref.TryGet(timeout).
template <class T>
Expected<T> TryGet(const ObjectRef<T>& ref) {
  return ref.TryGet();
}
template <class T>
Expected<T> TryGet(const ObjectRef<T>& ref, std::chrono::nanoseconds timeout) {
  return ref.TryGet(timeout);
}

// Only here to say so in a sentence.
template <class T, class... More>
requires(!internal::kIsGettable<T>) void Get(const T&, const More&...) {
  static_assert(internal::kIsGettable<T>,
                "Troupe: Get takes an ObjectRef, a vector of ObjectRefs of one type, or several ObjectRefs");
}

}  // namespace troupe
