// Calls with arguments in braces, as in handle.Draw({.x = 1, .y = 2}): their types are those of the parameters.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "troupe/internal/argument_match.h"
#include "troupe/internal/function_traits.h"

namespace troupe::internal {

// A call with braces has up to six arguments: a template parameter for each, with the parameter's type for a default,
// since nothing is deduced from braces.

// In the place of arguments that a method does not take.
struct Absent {};

template <std::size_t kIndex, class... P>
constexpr auto ParameterOf(TypeList<P...>) {
  if constexpr (kIndex < sizeof...(P)) {
    return std::type_identity<Value<std::tuple_element_t<kIndex, std::tuple<P...>>>>();
  } else {
    return std::type_identity<Absent>();
  }
}
template <class M, std::size_t kIndex>
using ParameterAt = typename decltype(ParameterOf<kIndex>(typename M::Traits::Parameters()))::type;

// The default argument of each parameter but the first.
template <class T>
T NotGiven() {
  static_assert(std::is_same_v<T, Absent>, TROUPE_WRONG_COUNT);
  return T();
}

// Calls `call` with the arguments that are not absent.
template <class Call, class... A>
auto PassPresent(Call call, A&&... arguments) {
  constexpr std::size_t kGiven = (std::size_t{0} + ... + !std::is_same_v<A, Absent>);
  return [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    auto all = std::forward_as_tuple(std::forward<A>(arguments)...);
    // NOLINTNEXTLINE(bugprone-use-after-move)
    return call(std::get<kIndex>(std::move(all))...);
  }
  (std::make_index_sequence<kGiven>());
}

}  // namespace troupe::internal
