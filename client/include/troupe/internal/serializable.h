// Whether a type can travel, and if not why: known before any code is made for it, so that a static_assert can say so
// in a sentence.
#pragma once

#include <array>
#include <bitset>
#include <cereal/types/array.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <chrono>
#include <concepts>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include "troupe/internal/archive_types.h"
#include "troupe/internal/function_traits.h"
#include "troupe/internal/reflection.h"

namespace troupe::internal {

// Why a type cannot travel. kNone: it can.
enum class Obstacle {
  kNone,
  kPointer,
  kView,
  kNoDefault,
  kPolymorphic,  // behind a pointer
  kArrayPointer,
  kDeleter,
  kHalf,
  kPrivate,
  kUnion,
  kBase,
  kArray,
  kConst,
  kTooManyMembers,
};

// A type is judged by itself (kObstacle), and by the types that its bytes are made of (Parts).
template <Obstacle kWhy, class... T>
struct Verdict {
  static constexpr Obstacle kObstacle = kWhy;
  using Parts = TypeList<std::remove_cv_t<T>...>;
};
using Fine = Verdict<Obstacle::kNone>;
template <class... T>
using MadeOf = Verdict<Obstacle::kNone, T...>;

template <class... T>
constexpr bool HasConst(TypeList<T...>) {
  return (std::is_const_v<T> || ...);
}
template <class... T>
constexpr auto AsVerdict(TypeList<T...>) {
  return MadeOf<T...>();
}

// Of an aggregate that has no conventions of cereal's.
template <class T>
constexpr auto JudgeAggregate() {
  constexpr std::size_t kCount = CountValues<T>();
  if constexpr (std::is_union_v<T>) {
    return Verdict<Obstacle::kUnion>();
  } else if constexpr (kHasBase<T>) {
    return Verdict<Obstacle::kBase>();
  } else if constexpr (HasArray<T, kCount>()) {
    return Verdict<Obstacle::kArray>();
  } else if constexpr (kCount > kMaxMembers) {
    return Verdict<Obstacle::kTooManyMembers>();
  } else {
    using Types = decltype(Members<kCount>::Apply(std::declval<T&>(), ListTypes()));
    if constexpr (HasConst(Types())) {
      return Verdict<Obstacle::kConst>();
    } else {
      return AsVerdict(Types());
    }
  }
}

// Types that follow cereal's conventions: serialize, save/load, save_minimal/load_minimal, members or not. Standard
// types without parts are among them.
template <class T>
inline constexpr bool kIsWritable = cereal::traits::is_output_serializable<T, OutputArchive>::value;
template <class T>
inline constexpr bool kIsReadable = cereal::traits::is_input_serializable<T, InputArchive>::value;
template <class T>
inline constexpr bool kIsEmptyClass = std::is_class_v<T>&& std::is_empty_v<T>;

// Whether the archives read and write T member by member.
template <class T>
constexpr bool IsReflected() {
  if constexpr (std::is_class_v<T> && std::is_aggregate_v<T> && !std::is_empty_v<T>) {
    return !kIsWritable<T> && !kIsReadable<T>;
  } else {
    return false;
  }
}

template <class T>
constexpr auto JudgeClass() {
  if constexpr (!std::default_initializable<T>) {
    return Verdict<Obstacle::kNoDefault>();
  } else if constexpr (kIsEmptyClass<T> || (kIsWritable<T> && kIsReadable<T>)) {
    return Fine();
  } else if constexpr (kIsWritable<T> || kIsReadable<T>) {
    return Verdict<Obstacle::kHalf>();
  } else if constexpr (std::is_aggregate_v<T>) {
    return JudgeAggregate<T>();
  } else {
    return Verdict<Obstacle::kPrivate>();
  }
}

template <class T>
struct Judge : decltype(JudgeClass<T>()) {};
template <class T>
requires std::is_arithmetic_v<T> || std::is_enum_v<T>
struct Judge<T> : Fine {
};
template <class T>
requires std::is_pointer_v<T> || std::is_reference_v<T> || std::is_function_v<T> || std::is_null_pointer_v<T> ||
    std::is_member_pointer_v<T> || std::is_void_v<T>
struct Judge<T> : Verdict<Obstacle::kPointer> {
};
template <class C, class X>
struct Judge<std::basic_string_view<C, X>> : Verdict<Obstacle::kView> {};
template <class T, std::size_t kExtent>
struct Judge<std::span<T, kExtent>> : Verdict<Obstacle::kView> {};

// cereal answers for a container whatever it holds.
template <class T, std::size_t kSize>
struct Judge<T[kSize]> : MadeOf<T> {};
template <class T, std::size_t kSize>
struct Judge<std::array<T, kSize>> : MadeOf<T> {};
template <class T, class A>
struct Judge<std::vector<T, A>> : MadeOf<T> {};
template <class T, class A>
struct Judge<std::deque<T, A>> : MadeOf<T> {};
template <class T, class A>
struct Judge<std::list<T, A>> : MadeOf<T> {};
template <class T, class... X>
struct Judge<std::set<T, X...>> : MadeOf<T> {};
template <class T, class... X>
struct Judge<std::multiset<T, X...>> : MadeOf<T> {};
template <class T, class... X>
struct Judge<std::unordered_set<T, X...>> : MadeOf<T> {};
template <class T, class... X>
struct Judge<std::unordered_multiset<T, X...>> : MadeOf<T> {};
template <class K, class V, class... X>
struct Judge<std::map<K, V, X...>> : MadeOf<K, V> {};
template <class K, class V, class... X>
struct Judge<std::multimap<K, V, X...>> : MadeOf<K, V> {};
template <class K, class V, class... X>
struct Judge<std::unordered_map<K, V, X...>> : MadeOf<K, V> {};
template <class K, class V, class... X>
struct Judge<std::unordered_multimap<K, V, X...>> : MadeOf<K, V> {};
template <class A, class B>
struct Judge<std::pair<A, B>> : MadeOf<A, B> {};
template <class... T>
struct Judge<std::tuple<T...>> : MadeOf<T...> {};
template <class... T>
struct Judge<std::variant<T...>> : MadeOf<T...> {};
template <class T>
struct Judge<std::optional<T>> : MadeOf<T> {};

// What an object of a derived class has beyond its base would be lost, without a word.
template <class T>
constexpr auto JudgePointee() {
  if constexpr (std::is_array_v<T>) {
    return Verdict<Obstacle::kArrayPointer>();
  } else if constexpr (std::is_polymorphic_v<T> && !std::is_final_v<T>) {
    return Verdict<Obstacle::kPolymorphic>();
  } else {
    return MadeOf<T>();
  }
}
template <class T>
struct Judge<std::unique_ptr<T>> : decltype(JudgePointee<T>()) {};
template <class T, class D>
struct Judge<std::unique_ptr<T, D>> : Verdict<Obstacle::kDeleter> {};
template <class T>
struct Judge<std::shared_ptr<T>> : decltype(JudgePointee<T>()) {};
template <class T>
struct Judge<std::weak_ptr<T>> : decltype(JudgePointee<T>()) {};

// What keeps T from travelling: the obstacle, and the type that has it, which T is or is made of.
template <Obstacle kWhy, class T>
struct Finding {
  static constexpr Obstacle kObstacle = kWhy;
  using Culprit = T;
};

// Of `finding` and what the types in the list bring, the first that is an obstacle.
template <class Seen, class Found, class... T>
constexpr auto FirstObstacle(Found found, TypeList<T...>);

// Seen: the aggregates around T. One that is made of itself (a tree) is judged once.
template <class T, class... Seen>
constexpr auto Examine(TypeList<Seen...>) {
  if constexpr ((std::is_same_v<T, Seen> || ...)) {
    return Finding<Obstacle::kNone, T>();
  } else if constexpr (Judge<T>::kObstacle != Obstacle::kNone) {
    return Finding<Judge<T>::kObstacle, T>();
  } else if constexpr (IsReflected<T>()) {
    return FirstObstacle<TypeList<T, Seen...>>(Finding<Obstacle::kNone, T>(), typename Judge<T>::Parts());
  } else {
    return FirstObstacle<TypeList<Seen...>>(Finding<Obstacle::kNone, T>(), typename Judge<T>::Parts());
  }
}

template <class Seen, class Found, class... T>
constexpr auto FirstObstacle(Found found, TypeList<T...>) {
  if constexpr (Found::kObstacle != Obstacle::kNone || sizeof...(T) == 0) {
    return found;
  } else {
    return []<class First, class... More>(TypeList<First, More...>) {
      constexpr auto kNext = Examine<First>(Seen());
      return FirstObstacle<Seen>(kNext, TypeList<More...>());
    }(TypeList<T...>());
  }
}

template <class T>
struct Examined : decltype(Examine<T>(TypeList<>())) {};

template <class T>
inline constexpr bool kTravels = Examined<T>::kObstacle == Obstacle::kNone;

// Whether T can travel. If it cannot, an error that says why: the one place that does.
template <class T, class Culprit, Obstacle kWhy>
constexpr bool CheckTravels() {
  if constexpr (kWhy == Obstacle::kPointer)
    static_assert(kTravels<Culprit>,
                  "Troupe: a raw pointer cannot travel, for it means nothing in another process; use a value, an "
                  "ObjectRef or an ActorHandle");
  if constexpr (kWhy == Obstacle::kView)
    static_assert(kTravels<Culprit>,
                  "Troupe: a view cannot travel, for what it looks at stays behind; of std::string_view and std::span: "
                  "take std::string and std::vector");
  if constexpr (kWhy == Obstacle::kNoDefault)
    static_assert(
        kTravels<Culprit>,
        "Troupe: this type cannot be serialised, for it has no default constructor; give it one, for reading");
  if constexpr (kWhy == Obstacle::kPolymorphic)
    static_assert(
        kTravels<Culprit>,
        "Troupe: a pointer to a polymorphic class cannot travel: an object of a derived class would arrive as "
        "its base alone; hold a std::variant of the classes, or make the class final");
  if constexpr (kWhy == Obstacle::kArrayPointer)
    static_assert(kTravels<Culprit>,
                  "Troupe: a pointer to an array cannot travel, for it does not know the size; use std::vector");
  if constexpr (kWhy == Obstacle::kDeleter)
    static_assert(kTravels<Culprit>,
                  "Troupe: a unique_ptr with a deleter of its own cannot travel; use the default deleter");
  if constexpr (kWhy == Obstacle::kHalf)
    static_assert(kTravels<Culprit>,
                  "Troupe: this type cannot be serialised: it can be written but not read, or read but not written; "
                  "give it `serialize`, or both `save(A&) const` and `load(A&)`");
  if constexpr (kWhy == Obstacle::kPrivate)
    static_assert(kTravels<Culprit>,
                  "Troupe: this type cannot be serialised: it has private members or a constructor, so its members are "
                  "not known; give it `template <class A> void serialize(A& archive) { archive(members...); }`");
  if constexpr (kWhy == Obstacle::kUnion)
    static_assert(kTravels<Culprit>,
                  "Troupe: a union cannot be serialised, for nothing says which member it holds; use std::variant");
  if constexpr (kWhy == Obstacle::kBase)
    static_assert(kTravels<Culprit>,
                  "Troupe: this type cannot be serialised as it is, because it has a base class; give it "
                  "`template <class A> void serialize(A& archive) { archive(members...); }`");
  if constexpr (kWhy == Obstacle::kArray)
    static_assert(kTravels<Culprit>,
                  "Troupe: this type cannot be serialised as it is, because a member is an array; use std::array, or "
                  "give it `template <class A> void serialize(A& archive) { archive(members...); }`");
  if constexpr (kWhy == Obstacle::kConst)
    static_assert(
        kTravels<Culprit>,
        "Troupe: this type cannot be serialised, because a member is const, so that nothing can be read into it; "
        "drop the const, or give the type `save(A&) const` and `load(A&)`");
  if constexpr (kWhy == Obstacle::kTooManyMembers)
    static_assert(kTravels<Culprit>,
                  "Troupe: this type cannot be serialised as it is, because it has more than 32 members; "
                  "give it `template <class A> void serialize(A& archive) { archive(members...); }`");
  return kWhy == Obstacle::kNone;
}

template <class Archive, class T>
void ProcessMembers(Archive& archive, T& value) {
  Members<CountValues<std::remove_const_t<T>>()>::Apply(value, [&](auto&... members) { archive(members...); });
}

}  // namespace troupe::internal
