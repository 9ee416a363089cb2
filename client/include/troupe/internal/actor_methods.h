// What TROUPE_ACTOR says about a class, and the search in it.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "troupe/internal/argument_match.h"
#include "troupe/internal/function_id.h"
#include "troupe/internal/invoker.h"
#include "troupe/internal/registration.h"

namespace troupe::internal {

// TROUPE_ACTOR specialises it. Everything that needs the class itself depends on a template parameter, so that the
// macro may stand before the class is defined.
template <class Class>
struct ActorTraits {
  static constexpr bool kListed = false;
  template <class, class>
  struct Members {};
};

// One listed method. kName tells which entries are overloads of one name.
template <auto kPointer, std::uint64_t kNameHash>
struct Method {
  using Traits = FunctionTraits<decltype(kPointer)>;
  using Result = Value<typename Traits::Result>;
  static constexpr auto kMethod = kPointer;
  static constexpr std::uint64_t kName = kNameHash;
};

// The overload of type Signature, wherever in Class's bases it is.
template <class Signature, class Class>
constexpr auto Overload(Signature Class::*method) {
  return method;
}

// The list of what follows the first, which is there to be followed by a comma.
template <class, class... M>
constexpr TypeList<M...> ListOf() {
  return {};
}

// A handle's own members, which a method's name would hide.
constexpr bool IsReservedName(std::string_view name) { return name == "id" || name == "Call" || name == "With"; }

template <class Class, auto kMethod>
struct MethodSource {
  static const Identity* Register() {
    using Type = typename FunctionTraits<decltype(kMethod)>::Type;
    return RegisterNamed(IdentifyFunction(&typeid(Class), typeid(Named<kMethod>), typeid(Type)),
                         &InvokeMethod<Class, kMethod>, nullptr, &typeid(Class));
  }
};

template <class Class, class M>
bool RegisterMethod() {
  constexpr bool kValid = CheckSignature<typename M::Traits::Result>(typename M::Traits::Parameters());
  if constexpr (kValid) Registration<MethodSource<Class, M::kMethod>>::Get();
  return kValid;
}

// For the initialiser of ActorTraits<Class>::kRegistered, so that a program that hosts the class knows its methods
// even if it calls none of them.
template <class Class>
bool RegisterMethods() {
  return []<class... M>(TypeList<M...>) {
    return AllTrue({RegisterMethod<Class, M>()...});
  }(ActorTraits<Class>::template Methods<Class>());
}

template <class Class, auto kMethod>
constexpr bool IsListed() {
  return []<class... M>(TypeList<M...>) {
    return (std::is_same_v<Named<kMethod>, Named<M::kMethod>> || ... || false);
  }(ActorTraits<Class>::template Methods<Class>());
}

// False for cereal, which asks whether a handle has a member `serialize` to call with an archive: an actor's method
// of that name is none.
template <class... A>
concept CallArguments = (true && ... &&
                         !(std::is_same_v<std::remove_cvref_t<A>, OutputArchive> ||
                           std::is_same_v<std::remove_cvref_t<A>, InputArchive>));

// --- Overloads: the compiler's own resolution, over the listed methods of one name --------------------------------

template <class M, class Parameters = typename M::Traits::Parameters>
struct Candidate;
template <class M, class... P>
struct Candidate<M, TypeList<P...>> {
  M operator()(P...) const;
};
template <class... M>
struct Candidates : Candidate<M>... {
  using Candidate<M>::operator()...;
};

template <std::uint64_t kName, class... Found>
constexpr auto WithName(TypeList<>, TypeList<Found...> found) {
  return found;
}
template <std::uint64_t kName, class M, class... More, class... Found>
constexpr auto WithName(TypeList<M, More...>, TypeList<Found...>) {
  if constexpr (M::kName == kName) {
    return WithName<kName>(TypeList<More...>(), TypeList<Found..., M>());
  } else {
    return WithName<kName>(TypeList<More...>(), TypeList<Found...>());
  }
}

// The overload that C++ would choose; the first when it would choose none, whose own check then says why.
template <class... A, class First, class... More>
constexpr auto Choose(TypeList<First, More...>) {
  using Set = Candidates<First, More...>;
  if constexpr (requires { Set()(std::declval<A>()...); }) {
    return decltype(Set()(std::declval<A>()...))();
  } else if constexpr (requires { Set()(std::declval<Referred<std::remove_cvref_t<A>>>()...); }) {
    return decltype(Set()(std::declval<Referred<std::remove_cvref_t<A>>>()...))();
  } else {
    return First();
  }
}

template <class Class, class M, class... A>
concept ChosenOverload = std::is_same_v<M, decltype(Choose<A...>(WithName<M::kName>(
                                               ActorTraits<Class>::template Methods<Class>(), TypeList<>())))>;

}  // namespace troupe::internal
