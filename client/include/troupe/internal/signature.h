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

template <class R, class... P>
constexpr bool CheckSignature(TypeList<P...>) {
  constexpr bool kParameters = (true && ... && !kIsMutableReference<P>);
  constexpr bool kResult = !kIsMutableReference<R> && !std::is_rvalue_reference_v<R>;
  static_assert(kParameters,
                "Troupe: a parameter is a mutable reference, but callee and caller are different processes; take the "
                "value (T or const T&) and return what changed");
  static_assert(kResult, "Troupe: the result is a mutable reference, which cannot leave the process; return a value");
  if constexpr (!kParameters || !kResult) {
    return false;
  } else if constexpr (std::is_void_v<R>) {
    return AllTrue({CheckTravels<Value<P>>()...});
  } else {
    return AllTrue({CheckTravels<Value<P>>()..., CheckTravels<Value<R>>()});
  }
}

}  // namespace troupe::internal
