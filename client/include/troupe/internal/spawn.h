// What stands behind Spawn and the functions on handles.
#pragma once

#include <chrono>
#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "troupe/actor_handle.h"

namespace troupe::internal {

template <class First, class... A>
inline constexpr bool kStartsWith = false;
template <class First, class A, class... More>
inline constexpr bool kStartsWith<First, A, More...> = std::is_same_v<First, std::remove_cvref_t<A>>;

// `given`, with what it leaves open from `defaults`.
ActorOptions MergeOptions(ActorOptions given, ActorOptions defaults);

template <class C>
ActorOptions WithDefaults(ActorOptions given) {
  if constexpr (requires {
                  { C::DefaultOptions() } -> std::convertible_to<ActorOptions>;
                }) {
    return MergeOptions(std::move(given), C::DefaultOptions());
  } else {
    return given;
  }
}

// Converts to any number that holds all values of A.
template <class A>
struct ExactNumber {
  template <class T>
  requires(std::is_arithmetic_v<T> && !kNarrows<A, T>) operator T() const;
};
template <class A>
using ExactOrSame = std::conditional_t<std::is_arithmetic_v<A>, ExactNumber<A>, A>;

// The parameters of a constructor cannot be asked for, so this tries what fits: numbers that convert exactly, or
// what braces take without narrowing. Types that only parentheses take have no numbers to narrow, or refuse them.
template <class C, class... A>
inline constexpr bool kConstructsExactly =
    (true && ... && !std::is_arithmetic_v<A>) || std::is_constructible_v<C, ExactOrSame<A>...> || requires {
  C{std::declval<A>()...};
};

template <class Class, class... A>
struct ConstructorSource {
  static const Identity* Register() {
    return RegisterNamed(IdentifyConstructor(typeid(Class), typeid(void (*)(A...))), nullptr, &Construct<Class, A...>,
                         &typeid(Class));
  }
};

// P: the types that the constructor is called with.
template <class C, class... P, class... A>
ActorHandle<C> SpawnAs(TypeList<P...>, ActorOptions options, A&&... arguments) {
  constexpr bool kExact = kConstructsExactly<C, P...>;
  constexpr bool kTravel = AllTrue({CheckTravels<P>()...});
  static_assert(kExact,
                "Troupe: an argument of Spawn would be narrowed to the constructor parameter's type and could lose its "
                "value; pass that type, or convert with static_cast");
  if constexpr (kExact && kTravel) {
    const Identity& constructor = Registration<ConstructorSource<C, P...>>::Get();
    return HandleAccess::Make<C>(
        Runtime::Get().CreateActor({.constructor = constructor.id,
                                    .class_name = TypeName(typeid(C)),
                                    .arguments = WriteArguments(TypeList<P...>(), std::forward<A>(arguments)...),
                                    .options = WithDefaults<C>(std::move(options))}));
  } else {
    return {};
  }
}

template <class C, class... A>
ActorHandle<C> SpawnActor(ActorOptions options, A&&... arguments) {
  constexpr bool kListed = CheckListed<C>();
  constexpr bool kResolves = std::is_constructible_v<C, Referred<OwnType<A>>...>;
  constexpr bool kKeeps = std::is_constructible_v<C, OwnType<A>...>;
  static_assert(kResolves || kKeeps,
                "Troupe: the class has no public constructor for these arguments (each is passed as a value of its "
                "own: not as a mutable reference, a literal as std::string)");
  if constexpr (kListed && kResolves) {
    return SpawnAs<C>(TypeList<Referred<OwnType<A>>...>(), std::move(options), std::forward<A>(arguments)...);
  } else if constexpr (kListed && kKeeps) {
    return SpawnAs<C>(TypeList<OwnType<A>...>(), std::move(options), std::forward<A>(arguments)...);
  } else {
    return {};
  }
}

// Each throws UsageError when `actor` is null.
void KillActor(const ActorPtr& actor, bool no_restart);
void TerminateActor(const ActorPtr& actor);
void WaitForActor(const ActorPtr& actor, std::optional<std::chrono::nanoseconds> timeout);
// UsageError when the actor of this name is not of `class_name`.
ActorPtr FindNamed(const std::string& name, const std::string& name_space, const std::string& class_name);

}  // namespace troupe::internal
