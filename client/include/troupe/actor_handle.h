// ActorHandle<C>: names an actor of class C and calls its methods.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>

#include "troupe/internal/actor_methods.h"
#include "troupe/internal/argument_writer.h"
#include "troupe/object_ref.h"
#include "troupe/options.h"

namespace troupe {

namespace internal {
// Stands in the type of every handle: when a method is called that a handle does not have, compilers print that type.
struct list_the_method_in_TROUPE_ACTOR;
}  // namespace internal

template <class C, class Advice>
class ActorHandleOf;
template <class C, class Advice>
class BoundActorHandleOf;

// Names an actor of class C. Has, as members, the methods that TROUPE_ACTOR(C, ...) lists: handle.Add(1) sends the call
// and returns an ObjectRef of its result at once, or blocks while the actor's mailbox is full. Each argument is a
// value, or an ObjectRef whose value is passed when it is there. Calls made through handles of one process run in the
// order they were made. Handles are copied, sent and stored freely; a scoped actor ends with the last one in the
// cluster. Threads: as std::shared_ptr, several may call through one handle at once. Default-constructed and moved-from
// handles are empty; a call through one throws UsageError, an argument that does not encode SerializationError, any
// call once this process has lost its raylet ConnectionError; everything else that happens to a call is in its ref.
template <class C>
using ActorHandle = ActorHandleOf<C, internal::list_the_method_in_TROUPE_ACTOR>;

// What ActorHandle::With returns: use it at once, or keep it as you would the handle.
template <class C>
using BoundActorHandle = BoundActorHandleOf<C, internal::list_the_method_in_TROUPE_ACTOR>;

namespace internal {
// Makes handles from what the runtime hands out, and back.
struct HandleAccess;
ActorId IdOf(const ActorPtr& actor);
// UsageError when `actor` is null.
ObjectPtr Call(const ActorPtr& actor, const Identity& method, Arguments arguments, const CallOptions& options);
}  // namespace internal

// ActorHandle<C>, which see.
template <class C, class Advice>
class ActorHandleOf : public internal::ActorTraits<C>::template TroupeMembers<C, ActorHandleOf<C, Advice>> {
 public:
  ActorHandleOf() = default;

  // None when empty.
  ActorId id() const { return internal::IdOf(state_); }
  explicit operator bool() const { return state_ != nullptr; }

  // The same actor, with options for the calls made through the result: handle.With({.max_task_retries = 3}).Add(1).
  BoundActorHandle<C> With(CallOptions options) const;

  // A listed method by its pointer: handle.Call<&C::Add>(1).
  template <auto kMethod, class... A>
  auto Call(A&&... arguments) const;

  // Whether both name the same actor.
  friend bool operator==(const ActorHandleOf& a, const ActorHandleOf& b) { return a.state_ == b.state_; }

  // For cereal. Reading needs an initialised runtime, unless the handle is empty.
  friend void save(internal::OutputArchive& archive, const ActorHandleOf& handle) { archive.WriteActor(handle.state_); }
  friend void load(internal::InputArchive& archive, ActorHandleOf& handle) { handle.state_ = archive.ReadActor(); }

 private:
  friend struct internal::HandleAccess;
  internal::ActorPtr state_;
};

template <class C, class Advice>
class BoundActorHandleOf : public internal::ActorTraits<C>::template TroupeMembers<C, BoundActorHandleOf<C, Advice>> {
 public:
  template <auto kMethod, class... A>
  auto Call(A&&... arguments) const;

 private:
  friend struct internal::HandleAccess;
  internal::ActorPtr state_;
  CallOptions options_;
};

namespace internal {

struct HandleAccess {
  template <class C>
  static ActorHandle<C> Make(ActorPtr state) {
    ActorHandle<C> handle;
    handle.state_ = std::move(state);
    return handle;
  }
  template <class C>
  static BoundActorHandle<C> Bind(const ActorHandle<C>& handle, CallOptions options) {
    BoundActorHandle<C> bound;
    bound.state_ = handle.state_;
    bound.options_ = std::move(options);
    return bound;
  }
  template <class Handle>
  static const ActorPtr& State(const Handle& handle) {
    return handle.state_;
  }
  template <class C>
  static CallOptions Options(const ActorHandle<C>&) {
    return {};
  }
  template <class C>
  static const CallOptions& Options(const BoundActorHandle<C>& handle) {
    return handle.options_;
  }
};

template <class M>
using ResultRef = ObjectRef<Value<typename M::Traits::Result>>;

template <class Class, class M, class Handle, class... A>
ResultRef<M> CallMember(const Handle& handle, A&&... arguments) {
  using Parameters = typename M::Traits::Parameters;
  constexpr bool kValid = CheckArguments(Parameters(), TypeList<A...>());
  if constexpr (kValid) {
    const Identity& method = Registration<MethodSource<Class, M::kMethod>>::Get();
    return RefAccess::Make<typename ResultRef<M>::value_type>(
        internal::Call(HandleAccess::State(handle), method, WriteArguments(Parameters(), std::forward<A>(arguments)...),
                       HandleAccess::Options(handle)));
  } else {
    return {};
  }
}

template <class Class, auto kMethod, class Handle, class... A>
auto CallPointer(const Handle& handle, A&&... arguments) {
  constexpr bool kListed = CheckListed<Class>();
  if constexpr (kListed) {
    constexpr bool kHasMethod = !kListIsRight<Class> || IsListed<Class, kMethod>();
    static_assert(kHasMethod, "Troupe: this method is not listed; list it in the class's TROUPE_ACTOR");
    using M = Method<kMethod, 0>;
    if constexpr (kHasMethod && kListIsRight<Class>) {
      return CallMember<Class, M>(handle, std::forward<A>(arguments)...);
    } else {
      return ResultRef<M>();
    }
  } else {
    return ObjectRef<void>();
  }
}

template <class T>
inline constexpr bool kIsActorHandle = false;
template <class C>
inline constexpr bool kIsActorHandle<ActorHandle<C>> = true;

// Answered without a look into the handle, whose class may not be complete yet.
template <class C>
struct Judge<ActorHandle<C>> : Fine {};
template <class T>
struct Judge<ObjectRef<T>> : Fine {};

}  // namespace internal

template <class C, class Advice>
BoundActorHandle<C> ActorHandleOf<C, Advice>::With(CallOptions options) const {
  return internal::HandleAccess::Bind(*this, std::move(options));
}

template <class C, class Advice>
template <auto kMethod, class... A>
auto ActorHandleOf<C, Advice>::Call(A&&... arguments) const {
  return internal::CallPointer<C, kMethod>(*this, std::forward<A>(arguments)...);
}

template <class C, class Advice>
template <auto kMethod, class... A>
auto BoundActorHandleOf<C, Advice>::Call(A&&... arguments) const {
  return internal::CallPointer<C, kMethod>(*this, std::forward<A>(arguments)...);
}

}  // namespace troupe

template <class C>
struct std::hash<troupe::ActorHandle<C>> {
  std::size_t operator()(const troupe::ActorHandle<C>& handle) const {
    return std::hash<troupe::internal::ActorPtr>()(troupe::internal::HandleAccess::State(handle));
  }
};
