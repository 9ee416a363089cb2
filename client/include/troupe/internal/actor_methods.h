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

struct TroupeGlobalNamespace;  // makes argument-dependent lookup look here, too

namespace troupe::internal {

// What TROUPE_ACTOR(Class, ...) declares a function `TroupeActorTraitsOf` for, which argument-dependent lookup finds
// when it stands in Class's namespace, or in the global one.
template <class Class, class = TroupeGlobalNamespace>
struct ActorTag {};

// The traits of a class that TROUPE_ACTOR does not list.
struct NoTraits {
  static constexpr bool kListed = false;
  template <class>
  static constexpr TypeList<> Methods() {
    return {};
  }
  template <class, class>
  struct TroupeMembers {};
};

template <class Class>
struct FindTraits {
  using Type = NoTraits;
};
template <class Class>
requires requires { TroupeActorTraitsOf(ActorTag<Class>()); }
struct FindTraits<Class> {
  using Type = std::remove_pointer_t<decltype(TroupeActorTraitsOf(ActorTag<Class>()))>;
};
// What TROUPE_ACTOR says about Class. Everything in it that needs the class itself depends on a template parameter, so
// that the macro may stand before the class is defined.
template <class Class>
using ActorTraits = typename FindTraits<Class>::Type;

template <class C>
constexpr bool CheckListed() {
  constexpr bool kListed = ActorTraits<C>::kListed;
  static_assert(kListed,
                "Troupe: the class is not an actor; write TROUPE_ACTOR(Class, methods...); below it, in its namespace");
  return kListed;
}

// Whether lookup finds the function, asked by TROUPE_ACTOR before it has said more. Apart from FindTraits, for an
// answer stands for good.
template <class Class>
inline constexpr bool kIsDeclared = requires {
  typename std::void_t<decltype(TroupeActorTraitsOf(ActorTag<Class>()))>;
};

// Of a function's default argument: whether the caller is in no function.
constexpr bool IsOutsideFunctions(const char* function = __builtin_FUNCTION()) { return *function == '\0'; }

// Whether the preprocessor has not cut it at a comma.
constexpr bool IsWholeName(std::string_view name) {
  int depth = 0;
  for (const char c : name) depth += c == '<' ? 1 : c == '>' ? -1 : 0;
  return depth == 0;
}

// One listed method. kName tells which entries are overloads of one name.
template <auto kPointer, std::uint64_t kNameHash>
struct Method {
  using Traits = FunctionTraits<decltype(kPointer)>;
  static constexpr auto kMethod = kPointer;
  static constexpr std::uint64_t kName = kNameHash;
};

// The overload of type Signature: of Class itself, also an instance of a template, or of the base that has it.
template <class Class, class Signature>
struct Overload {
  constexpr auto operator()(Signature Class::*method) const { return method; }
  template <class Base>
  constexpr auto operator()(Signature Base::*method) const {
    return method;
  }
};

template <class... A, class... B>
constexpr TypeList<A..., B...> operator+(TypeList<A...>, TypeList<B...>) {
  return {};
}

// In the place of an entry of TROUPE_ACTOR that cannot be called, after an error that says why.
struct NoMethod {
  static constexpr std::uint64_t kName = 0;
};

// M, if it can be called from elsewhere.
template <class M>
constexpr auto CheckMethod() {
  using Pointer = std::remove_const_t<decltype(M::kMethod)>;
  constexpr bool kIsData = std::is_member_object_pointer_v<Pointer>;
  constexpr bool kIsStatic = std::is_pointer_v<Pointer>;
  static_assert(!kIsData,
                "Troupe: TROUPE_ACTOR lists a data member, but only methods can be called in another process; list a "
                "method that returns it");
  static_assert(!kIsStatic,
                "Troupe: TROUPE_ACTOR lists a static member, which needs no actor; run a static method as a task, "
                "troupe::Run<&Class::Method>(arguments...), or list a method that calls it");
  // NOLINTNEXTLINE(bugprone-branch-clone)
  if constexpr (kIsData || kIsStatic) {
    return TypeList<NoMethod>();
  } else if constexpr (CheckSignature<typename M::Traits::Result>(typename M::Traits::Parameters())) {
    return TypeList<M>();
  } else {
    return TypeList<NoMethod>();
  }
}

// Whether all of Class's entries are methods. Whatever makes use of them asks first, so that what is wrong with the
// list is said before what follows from it.
template <class Class>
inline constexpr bool kListIsRight = []<class... M>(TypeList<M...>) {
  return (true && ... && !std::is_same_v<M, NoMethod>);
}(ActorTraits<Class>::template Methods<Class>());

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

// For the initialiser of TroupeActorTraits<Class>::kRegistered, so that a program that hosts the class knows its
// methods even if it calls none of them.
template <class Class>
bool RegisterMethods() {
  return []<class... M>(TypeList<M...>) {
    if constexpr (kListIsRight<Class>) (Registration<MethodSource<Class, M::kMethod>>::Get(), ...);
    return kListIsRight<Class>;
  }(ActorTraits<Class>::template Methods<Class>());
}

template <class Class, auto kMethod>
constexpr bool IsListed() {
  if constexpr (kListIsRight<Class>) {
    return []<class... M>(TypeList<M...>) {
      return (std::is_same_v<Named<kMethod>, Named<M::kMethod>> || ... || false);
    }(ActorTraits<Class>::template Methods<Class>());
  } else {
    return false;
  }
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
