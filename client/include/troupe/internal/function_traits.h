// Result and parameter types of functions, methods of every qualification, and lambdas.
#pragma once

#include <initializer_list>

namespace troupe::internal {

template <class... T>
struct TypeList {};

// Unlike a fold over &&, asks for all of them, so that each can say what is wrong.
constexpr bool AllTrue(std::initializer_list<bool> values) {
  for (const bool value : values) {
    if (!value) return false;
  }
  return true;
}

// Type is R(P...) without qualifiers. kIsRvalue: the method can be called on rvalues only.
template <class F>
struct FunctionTraits;

template <class R, class... P>
struct FunctionTraits<R (*)(P...)> {
  using Type = R(P...);
  using Result = R;
  using Parameters = TypeList<P...>;
};
template <class R, class... P>
struct FunctionTraits<R (*)(P...) noexcept> : FunctionTraits<R (*)(P...)> {};

template <bool kRvalue, class C, class R, class... P>
struct MethodTraits : FunctionTraits<R (*)(P...)> {
  using Class = C;
  static constexpr bool kIsRvalue = kRvalue;
};

#define TROUPE_METHOD_TRAITS(qualifiers, is_rvalue)                                          \
  template <class C, class R, class... P>                                                    \
  struct FunctionTraits<R (C::*)(P...) qualifiers> : MethodTraits<is_rvalue, C, R, P...> {}; \
  template <class C, class R, class... P>                                                    \
  struct FunctionTraits<R (C::*)(P...) qualifiers noexcept> : MethodTraits<is_rvalue, C, R, P...> {};
TROUPE_METHOD_TRAITS(, false)
TROUPE_METHOD_TRAITS(const, false)
TROUPE_METHOD_TRAITS(volatile, false)
TROUPE_METHOD_TRAITS(const volatile, false)
TROUPE_METHOD_TRAITS(&, false)
TROUPE_METHOD_TRAITS(const&, false)
TROUPE_METHOD_TRAITS(volatile&, false)
TROUPE_METHOD_TRAITS(const volatile&, false)
TROUPE_METHOD_TRAITS(&&, true)
TROUPE_METHOD_TRAITS(const&&, true)
TROUPE_METHOD_TRAITS(volatile&&, true)
TROUPE_METHOD_TRAITS(const volatile&&, true)
#undef TROUPE_METHOD_TRAITS

}  // namespace troupe::internal
