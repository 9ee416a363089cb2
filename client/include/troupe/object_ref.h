// ObjectRef<T>: a value that exists, or will exist, somewhere in the cluster.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "troupe/expected.h"
#include "troupe/ids.h"
#include "troupe/serialization.h"

namespace troupe {

namespace internal {

// The value of `object`, or its error in ObjectValue::error. UsageError when `object` is null.
ObjectValue FetchOrError(const ObjectPtr& object, std::optional<std::chrono::nanoseconds> timeout);
// As above, but throws the error.
ObjectValue Fetch(const ObjectPtr& object, std::optional<std::chrono::nanoseconds> timeout);
ObjectId IdOf(const ObjectPtr& object);

// Makes refs from what the runtime hands out, and back.
struct RefAccess;

// Decodes a value while it is kept alive.
template <class T>
T Decode(const ObjectValue& value) {
  return Deserialize<T>(value.bytes);
}

template <class T>
Expected<T> TryDecode(const ObjectValue& value) {
  if (value.error) return Expected<T>(value.error);
  try {
    if constexpr (std::is_void_v<T>) {
      Decode<void>(value);
      return {};
    } else {
      return Decode<T>(value);
    }
  } catch (const Error& error) {
    return Expected<T>(std::make_shared<const ErrorInfo>(error.info()));
  }
}

}  // namespace internal

// A future that can be copied, sent and stored: the result of a call, a task, or a Put. While any copy of it exists
// in the cluster, so does the value. Default-constructed and moved-from refs are empty. Threads: as std::shared_ptr,
// several may read one ref at once. Any process may Get, any number of times.
template <class T>
class ObjectRef {
 public:
  using value_type = T;

  ObjectRef() = default;

  // Blocks until the value exists and returns a copy of it. Throws what took its place: TaskError when the call
  // threw, ActorDiedError, WorkerDiedError, ObjectLostError and so on; SerializationError when the value does not
  // decode; UsageError when the ref is empty.
  T Get() const { return internal::Decode<T>(internal::Fetch(state_, std::nullopt)); }

  // The same, but throws TimeoutError when `timeout` has passed. The call goes on, and the ref stays valid.
  T Get(std::chrono::nanoseconds timeout) const { return internal::Decode<T>(internal::Fetch(state_, timeout)); }

  // As Get, but returns the error. Only a misuse (empty ref, no Init) still throws.
  Expected<T> TryGet() const { return internal::TryDecode<T>(internal::FetchOrError(state_, std::nullopt)); }
  Expected<T> TryGet(std::chrono::nanoseconds timeout) const {
    return internal::TryDecode<T>(internal::FetchOrError(state_, timeout));
  }

  // None when empty.
  ObjectId id() const { return internal::IdOf(state_); }
  explicit operator bool() const { return state_ != nullptr; }

  // Whether both name the same object (not: equal values).
  bool operator==(const ObjectRef&) const = default;

  // For cereal. Reading needs an initialised runtime, unless the ref is empty.
  friend void save(internal::OutputArchive& archive, const ObjectRef& ref) { archive.WriteObject(ref.state_); }
  friend void load(internal::InputArchive& archive, ObjectRef& ref) { ref.state_ = archive.ReadObject(); }

 private:
  friend struct internal::RefAccess;
  internal::ObjectPtr state_;
};

namespace internal {

struct RefAccess {
  template <class T>
  static ObjectRef<T> Make(ObjectPtr state) {
    ObjectRef<T> ref;
    ref.state_ = std::move(state);
    return ref;
  }
  template <class T>
  static const ObjectPtr& State(const ObjectRef<T>& ref) {
    return ref.state_;
  }
};

template <class T>
inline constexpr bool kIsObjectRef = false;
template <class T>
inline constexpr bool kIsObjectRef<ObjectRef<T>> = true;

}  // namespace internal
}  // namespace troupe

template <class T>
struct std::hash<troupe::ObjectRef<T>> {
  std::size_t operator()(const troupe::ObjectRef<T>& ref) const {
    return std::hash<troupe::internal::ObjectPtr>()(troupe::internal::RefAccess::State(ref));
  }
};
