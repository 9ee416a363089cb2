// What a function's parameters and result may be; what is not allowed is refused here in a sentence.
#pragma once

#include <string>
#include <type_traits>

#include "troupe/internal/function_traits.h"
#include "troupe/object_ref.h"

namespace troupe::internal {

// The type in which a parameter or result travels.
template <class T>
using Value = std::remove_cvref_t<T>;

template <class P>
inline constexpr bool kIsMutableReference =
    std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>;

template <class P>
constexpr bool CheckParameter() {
  constexpr bool kMutable = kIsMutableReference<P>;
  constexpr bool kPointer = std::is_pointer_v<Value<P>>;
  constexpr bool kSerializable = Serializable<Value<P>>;
  static_assert(!kMutable,
                "Troupe: a parameter is a mutable reference, but callee and caller are different processes; take the "
                "value (T or const T&) and return what changed");
  static_assert(!kPointer,
                "Troupe: a parameter is a raw pointer, which means nothing in another process; take a value, an "
                "ObjectRef or an ActorHandle");
  static_assert(kSerializable || kMutable || kPointer,
                "Troupe: a parameter's type cannot be serialised; give it a default constructor and `template <class "
                "A> void serialize(A& archive)` (of std::string_view and std::span: take std::string and std::vector)");
  return !kMutable && !kPointer && kSerializable;
}

template <class R>
constexpr bool CheckResult() {
  if constexpr (std::is_void_v<R>) {
    return true;
  } else {
    constexpr bool kMutable = kIsMutableReference<R> || std::is_rvalue_reference_v<R>;
    constexpr bool kPointer = std::is_pointer_v<Value<R>>;
    constexpr bool kSerializable = Serializable<Value<R>>;
    static_assert(!kMutable,
                  "Troupe: the result is a mutable reference, which cannot leave the process; return a value");
    static_assert(!kPointer, "Troupe: the result is a raw pointer, which cannot leave the process; return a value");
    static_assert(kSerializable || kMutable || kPointer,
                  "Troupe: the result's type cannot be serialised; give it a default constructor and `template <class "
                  "A> void serialize(A& archive)`");
    return !kMutable && !kPointer && kSerializable;
  }
}

template <class R, class... P>
constexpr bool CheckSignature(TypeList<P...>) {
  constexpr bool kParameters = AllTrue({CheckParameter<P>()...});
  constexpr bool kResult = CheckResult<R>();
  return kParameters && kResult;
}

}  // namespace troupe::internal
