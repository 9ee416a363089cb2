// Whether an argument fits a parameter, and how it travels.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "troupe/internal/signature.h"

namespace troupe::internal {

template <class T, bool kIsEnum = std::is_enum_v<T>>
struct NumberOf {
  using Type = T;
};
template <class T>
struct NumberOf<T, true> {
  using Type = std::underlying_type_t<T>;
};

// Whether every value of From is a value of To. Stricter than C++ where a constant happens to fit (callee and caller
// see no constants here), and laxer in one place: a 32-bit integer is exact in a double.
template <class From, class To>
constexpr bool IsExact() {
  using F = typename NumberOf<From>::Type;
  using Source = std::numeric_limits<F>;
  using Target = std::numeric_limits<To>;
  if constexpr (std::is_same_v<F, To>) return true;
  if constexpr (std::is_same_v<To, bool>) return false;
  if constexpr (std::is_floating_point_v<F> && !std::is_floating_point_v<To>) return false;
  if constexpr (std::is_signed_v<F> && !std::is_signed_v<To>) return false;
  return Source::digits <= Target::digits;
}

// Conversions between numbers that may change the value, also inside an optional.
template <class From, class To>
inline constexpr bool kNarrows = false;
template <class From, class To>
requires((std::is_arithmetic_v<From> ||
          std::is_enum_v<From>)&&std::is_arithmetic_v<To>) inline constexpr bool kNarrows<From, To> =
    !IsExact<From, To>();
template <class From, class To>
requires(std::is_arithmetic_v<From>&&
             std::is_arithmetic_v<To>) inline constexpr bool kNarrows<From, std::optional<To>> = !IsExact<From, To>();

template <class T>
struct ReferredType {
  using Type = T;
};
template <class T>
struct ReferredType<ObjectRef<T>> {
  using Type = T;
};
// T for ObjectRef<T>, else the type itself.
template <class T>
using Referred = typename ReferredType<T>::Type;

enum class ArgumentFit { kValue, kResolved, kWrongRef, kWrongType, kNarrowing };

// P: what the parameter travels as. A: the argument's type as deduced by a forwarding reference.
template <class P, class A>
constexpr ArgumentFit FitOf() {
  using Given = std::remove_cvref_t<A>;
  if constexpr (kIsObjectRef<Given> && !std::is_same_v<Given, P>) {
    return std::is_same_v<Referred<Given>, P> ? ArgumentFit::kResolved : ArgumentFit::kWrongRef;
  } else if constexpr (!std::is_convertible_v<A, P>) {
    return ArgumentFit::kWrongType;
  } else {
    return kNarrows<Given, P> ? ArgumentFit::kNarrowing : ArgumentFit::kValue;
  }
}

template <class P, class A>
constexpr bool CheckArgument() {
  constexpr ArgumentFit kFit = FitOf<P, A>();
  static_assert(kFit != ArgumentFit::kWrongRef,
                "Troupe: an ObjectRef was given for a parameter of another type; pass an ObjectRef of exactly the "
                "parameter's type, or the value that Get returns");
  static_assert(kFit != ArgumentFit::kWrongType,
                "Troupe: an argument does not convert to the parameter's type; pass a value of that type");
  static_assert(kFit != ArgumentFit::kNarrowing,
                "Troupe: an argument would be narrowed to the parameter's type and could lose its value; pass that "
                "type, or convert with static_cast");
  return kFit == ArgumentFit::kValue || kFit == ArgumentFit::kResolved;
}

#define TROUPE_WRONG_COUNT                                                                                      \
  "Troupe: wrong number of arguments; a remote call takes as many as the function has parameters, for default " \
  "arguments are no part of its type: pass them"

template <class... P, class... A>
constexpr bool CheckArguments(TypeList<P...>, TypeList<A...>) {
  constexpr bool kCount = sizeof...(P) == sizeof...(A);
  static_assert(kCount, TROUPE_WRONG_COUNT);
  if constexpr (kCount) {
    return AllTrue({CheckArgument<Value<P>, A>()...});
  } else {
    return false;
  }
}

// The type in which a constructor's argument travels, for which no parameter is known: text owns its characters.
template <class A>
using OwnType =
    std::conditional_t<std::is_same_v<std::decay_t<A>, const char*> || std::is_same_v<std::decay_t<A>, char*> ||
                           std::is_same_v<std::decay_t<A>, std::string_view>,
                       std::string, std::decay_t<A>>;

}  // namespace troupe::internal
