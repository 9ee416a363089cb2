// Reflection: the members of an aggregate, found by how many values its braces take.
#pragma once

#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>

#include "troupe/internal/function_traits.h"

namespace troupe::internal {

inline constexpr std::size_t kMaxMembers = 32;

// What initialises any member of T, but is no T itself: the braces would take it for a copy. Never called; Clang wants
// bodies, since no other file could have them where M is a type of this one.
template <class T>
struct AnyMember {
  template <class M>
  // NOLINTNEXTLINE(google-explicit-constructor)
  requires(!std::is_same_v<M, T>) operator M() const { std::terminate(); }
};
// What initialises nothing but a base of T.
template <class T>
struct AnyBase {
  template <class B>
  // NOLINTNEXTLINE(google-explicit-constructor)
  requires(std::is_base_of_v<B, T> && !std::is_same_v<B, T>) operator B() const { std::terminate(); }
};
template <class T, std::size_t>
using AnyAt = AnyMember<T>;

template <class T, std::size_t... kValues>
constexpr bool TakesMembers(std::index_sequence<kValues...>) {
  return requires { T{AnyAt<T, kValues>()...}; };
}
// Whether T takes kBefore values, then two in braces of their own, then kAfter more.
template <class T, std::size_t... kBefore, std::size_t... kAfter>
constexpr bool TakesPair(std::index_sequence<kBefore...>, std::index_sequence<kAfter...>) {
  return requires { T{AnyAt<T, kBefore>()..., {AnyMember<T>(), AnyMember<T>()}, AnyAt<T, kAfter>()...}; };
}

// How many values the braces take, up to kMaxMembers + 1. As many as there are members, but for arrays, whose elements
// count each.
template <class T, std::size_t kFrom = 0>
constexpr std::size_t CountValues() {
  if constexpr (kFrom > kMaxMembers || !TakesMembers<T>(std::make_index_sequence<kFrom + 1>())) {
    return kFrom;
  } else {
    return CountValues<T, kFrom + 1>();
  }
}

// An array takes two values in braces, and its other elements' values are then one too many: of all other members the
// braces stand for one value.
template <class T, std::size_t kCount, std::size_t kAt = 0>
constexpr bool HasArray() {
  if constexpr (kAt == kCount) {
    return false;
  } else {
    using Before = std::make_index_sequence<kAt>;
    constexpr bool kIsArray = TakesPair<T>(Before(), std::index_sequence<>()) &&
                              !TakesPair<T>(Before(), std::make_index_sequence<kCount - kAt - 1>());
    return kIsArray || HasArray<T, kCount, kAt + 1>();
  }
}

template <class T>
inline constexpr bool kHasBase = requires {
  T{AnyBase<T>()};
};

// Calls `function` with the kCount members of `value`, in the order of their declaration.
template <std::size_t kCount>
struct Members;
template <>
struct Members<0> {
  template <class T, class F>
  static constexpr decltype(auto) Apply(T&, F&& function) {
    return function();
  }
};
#define TROUPE_MEMBERS(count, ...)                                  \
  template <>                                                       \
  struct Members<count> {                                           \
    template <class T, class F>                                     \
    static constexpr decltype(auto) Apply(T& value, F&& function) { \
      auto& [__VA_ARGS__] = value;                                  \
      return function(__VA_ARGS__);                                 \
    }                                                               \
  };
// clang-format off
TROUPE_MEMBERS(1, m0)
TROUPE_MEMBERS(2, m0, m1)
TROUPE_MEMBERS(3, m0, m1, m2)
TROUPE_MEMBERS(4, m0, m1, m2, m3)
TROUPE_MEMBERS(5, m0, m1, m2, m3, m4)
TROUPE_MEMBERS(6, m0, m1, m2, m3, m4, m5)
TROUPE_MEMBERS(7, m0, m1, m2, m3, m4, m5, m6)
TROUPE_MEMBERS(8, m0, m1, m2, m3, m4, m5, m6, m7)
TROUPE_MEMBERS(9, m0, m1, m2, m3, m4, m5, m6, m7, m8)
TROUPE_MEMBERS(10, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9)
TROUPE_MEMBERS(11, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10)
TROUPE_MEMBERS(12, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11)
TROUPE_MEMBERS(13, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12)
TROUPE_MEMBERS(14, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13)
TROUPE_MEMBERS(15, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14)
TROUPE_MEMBERS(16, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15)
TROUPE_MEMBERS(17, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16)
TROUPE_MEMBERS(18, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17)
TROUPE_MEMBERS(19, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18)
TROUPE_MEMBERS(20, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19)
TROUPE_MEMBERS(21, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20)
TROUPE_MEMBERS(22, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21)
TROUPE_MEMBERS(23, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22)
TROUPE_MEMBERS(24, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23)
TROUPE_MEMBERS(25, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24)
TROUPE_MEMBERS(26, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25)
TROUPE_MEMBERS(27, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26)
TROUPE_MEMBERS(28, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27)
TROUPE_MEMBERS(29, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28)
TROUPE_MEMBERS(30, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29)
TROUPE_MEMBERS(31, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30)
TROUPE_MEMBERS(32, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31)
// clang-format on
#undef TROUPE_MEMBERS

// Applied to members, gives the list of their types.
struct ListTypes {
  template <class... M>
  constexpr TypeList<M...> operator()(M&...) const {
    return {};
  }
};

}  // namespace troupe::internal
