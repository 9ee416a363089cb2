// TROUPE_ACTOR: the one line that makes a class an actor.
#pragma once

#include <utility>

#include "troupe/actor_handle.h"
#include "troupe/internal/actor_methods.h"
#include "troupe/internal/braced_arguments.h"
#include "troupe/internal/for_each_macro.h"

// TROUPE_ACTOR(Class, methods...);
//
// Makes Class spawnable and gives ActorHandle<Class> the listed public methods. In the namespace of the class or in the
// global one, in the header of the class, before or after its definition (before, with a forward declaration, where the
// class holds handles to its own kind). Class may be qualified or an alias of a template instance. A method is
//   Name               if it is not overloaded; inherited ones too
//   (Name, R(P...))    for one overload, or one instance of a template; const and noexcept as in
//                      (Name, double(double) const)
// No more than 64, none static, none named `id`, `Call` or `With`.
#define TROUPE_ACTOR(Class, ...)                                                                                  \
  static_assert(::troupe::internal::IsOutsideFunctions(), TROUPE_WRONG_PLACE);                                    \
  static_assert(::troupe::internal::IsWholeName(#Class), TROUPE_CUT_NAME);                                        \
  static_assert(TROUPE_CAN_FOR_EACH(__VA_ARGS__), "Troupe: TROUPE_ACTOR takes at most 64 methods");               \
  template <class>                                                                                                \
  struct TroupeActorTraits;                                                                                       \
  [[maybe_unused]] constexpr TroupeActorTraits<Class>* TroupeActorTraitsOf(::troupe::internal::ActorTag<Class>) { \
    return nullptr;                                                                                               \
  }                                                                                                               \
  static_assert(::troupe::internal::kIsDeclared<Class>, TROUPE_WRONG_PLACE);                                      \
  template <>                                                                                                     \
  struct TroupeActorTraits<Class> {                                                                               \
    static constexpr bool kListed = true;                                                                         \
    template <class TroupeClass>                                                                                  \
    static constexpr auto Methods() {                                                                             \
      return ::troupe::internal::TypeList<>() TROUPE_FOR_EACH(TROUPE_METHOD_ENTRY, __VA_ARGS__);                  \
    }                                                                                                             \
    template <class TroupeListed, class TroupeSelf>                                                               \
    struct TroupeMembers {                                                                                        \
      TROUPE_FOR_EACH(TROUPE_METHOD_MEMBER, __VA_ARGS__)                                                          \
    };                                                                                                            \
    static inline const bool kRegistered = ::troupe::internal::RegisterMethods<Class>();                          \
  };                                                                                                              \
  static_assert(::troupe::internal::ActorTraits<Class>::kListed, TROUPE_TOO_LATE)

#define TROUPE_WRONG_PLACE                                                                                            \
  "Troupe: TROUPE_ACTOR stands in the namespace of its class or in the global one; not in a function, in a class or " \
  "in another namespace"
#define TROUPE_CUT_NAME                                                                                  \
  "Troupe: TROUPE_ACTOR takes the comma in the class's name for its end; name the class: `using Name = " \
  "Template<A, B>;`, and then TROUPE_ACTOR(Name, ...)"
#define TROUPE_TOO_LATE                                                                                     \
  "Troupe: an ActorHandle of this class was needed before TROUPE_ACTOR was seen; declare the class, write " \
  "TROUPE_ACTOR below that, and what uses the handle below TROUPE_ACTOR"

#define TROUPE_METHOD_ENTRY(entry)                                                                 \
  +[] {                                                                                            \
    constexpr bool kFound = requires { typename TROUPE_METHOD_OF(entry); };                        \
    static_assert(kFound, "Troupe: TROUPE_ACTOR lists " #entry                                     \
                          ", which is no public method of the class, or an overload or template; " \
                          "of those list each with its type, as in (Add, int(int))");              \
    if constexpr (kFound) {                                                                        \
      return ::troupe::internal::CheckMethod<TROUPE_METHOD_OF(entry)>();                           \
    } else {                                                                                       \
      return ::troupe::internal::TypeList<::troupe::internal::NoMethod>();                         \
    }                                                                                              \
  }()
#define TROUPE_METHOD_MEMBER(entry) TROUPE_IF_PAREN(entry, TROUPE_OVERLOAD_MEMBER, TROUPE_PLAIN_MEMBER)(entry)

// The Method<...> of an entry.
#define TROUPE_METHOD_OF(entry) TROUPE_IF_PAREN(entry, TROUPE_OVERLOAD_OF, TROUPE_PLAIN_OF)(entry)
#define TROUPE_PLAIN_OF(name) ::troupe::internal::Method<&TroupeClass::name, ::troupe::internal::HashName(#name)>
#define TROUPE_OVERLOAD_OF(entry) TROUPE_OVERLOAD_OF_ entry
#define TROUPE_OVERLOAD_OF_(name, ...)                                                                     \
  ::troupe::internal::Method<::troupe::internal::Overload<TroupeClass, __VA_ARGS__>()(&TroupeClass::name), \
                             ::troupe::internal::HashName(#name)>

#define TROUPE_PLAIN_MEMBER(name)                                                                                  \
  static_assert(!::troupe::internal::IsReservedName(#name), TROUPE_RESERVED_NAME);                                 \
  template <class... TroupeArguments, class TroupeClass = TroupeListed>                                            \
  requires(::troupe::internal::CallArguments<TroupeArguments...>) auto name(TroupeArguments&&... troupe_arguments) \
      const {                                                                                                      \
    if constexpr (::troupe::internal::kListIsRight<TroupeClass>) {                                                 \
      return ::troupe::internal::CallMember<TroupeClass, TROUPE_PLAIN_OF(name)>(                                   \
          static_cast<const TroupeSelf&>(*this), std::forward<TroupeArguments>(troupe_arguments)...);              \
    } else {                                                                                                       \
      return ::troupe::ObjectRef<void>();                                                                          \
    }                                                                                                              \
  }                                                                                                                \
  TROUPE_BRACED_MEMBER(name)

#define TROUPE_OVERLOAD_MEMBER(entry) TROUPE_OVERLOAD_MEMBER_ entry
#define TROUPE_OVERLOAD_MEMBER_(name, ...)                                                            \
  static_assert(!::troupe::internal::IsReservedName(#name), TROUPE_RESERVED_NAME);                    \
  template <class... TroupeArguments, class TroupeClass = TroupeListed>                               \
  requires(::troupe::internal::CallArguments<TroupeArguments...> &&                                   \
           (!::troupe::internal::kListIsRight<TroupeClass> ||                                         \
            ::troupe::internal::ChosenOverload<TroupeClass, TROUPE_OVERLOAD_OF_(name, __VA_ARGS__),   \
                                               TroupeArguments...>)) auto                             \
  name(TroupeArguments&&... troupe_arguments) const {                                                 \
    if constexpr (::troupe::internal::kListIsRight<TroupeClass>) {                                    \
      return ::troupe::internal::CallMember<TroupeClass, TROUPE_OVERLOAD_OF_(name, __VA_ARGS__)>(     \
          static_cast<const TroupeSelf&>(*this), std::forward<TroupeArguments>(troupe_arguments)...); \
    } else {                                                                                          \
      return ::troupe::ObjectRef<void>();                                                             \
    }                                                                                                 \
  }

// For arguments in braces. For all others the overload above is a better match, because of `volatile`.
#define TROUPE_BRACED_MEMBER(name)                                                                                   \
  template <class TroupeClass = TroupeListed, class TroupeMethod = TROUPE_PLAIN_OF(name), TROUPE_BRACED_TYPES>       \
  requires(::troupe::internal::CallArguments<TroupeP0, TroupeP1, TroupeP2, TroupeP3, TroupeP4, TroupeP5>) auto name( \
      TROUPE_BRACED_PARAMETERS) const volatile {                                                                     \
    return ::troupe::internal::PassPresent(                                                                          \
        [this](auto&&... troupe_arguments) {                                                                         \
          return ::troupe::internal::CallMember<TroupeClass, TroupeMethod>(                                          \
              static_cast<const TroupeSelf&>(const_cast<const TroupeMembers&>(*this)),                               \
              std::forward<decltype(troupe_arguments)>(troupe_arguments)...);                                        \
        },                                                                                                           \
        std::forward<TroupeP0>(troupe_p0), std::forward<TroupeP1>(troupe_p1), std::forward<TroupeP2>(troupe_p2),     \
        std::forward<TroupeP3>(troupe_p3), std::forward<TroupeP4>(troupe_p4), std::forward<TroupeP5>(troupe_p5));    \
  }
#define TROUPE_BRACED_TYPES                                                \
  class TroupeP0 = ::troupe::internal::ParameterAt<TroupeMethod, 0>,       \
        class TroupeP1 = ::troupe::internal::ParameterAt<TroupeMethod, 1>, \
        class TroupeP2 = ::troupe::internal::ParameterAt<TroupeMethod, 2>, \
        class TroupeP3 = ::troupe::internal::ParameterAt<TroupeMethod, 3>, \
        class TroupeP4 = ::troupe::internal::ParameterAt<TroupeMethod, 4>, \
        class TroupeP5 = ::troupe::internal::ParameterAt<TroupeMethod, 5>
#define TROUPE_BRACED_PARAMETERS                                                                  \
  TroupeP0 &&troupe_p0, TroupeP1 &&troupe_p1 = ::troupe::internal::NotGiven<TroupeP1>(),          \
                                 TroupeP2 &&troupe_p2 = ::troupe::internal::NotGiven<TroupeP2>(), \
                                 TroupeP3 &&troupe_p3 = ::troupe::internal::NotGiven<TroupeP3>(), \
                                 TroupeP4 &&troupe_p4 = ::troupe::internal::NotGiven<TroupeP4>(), \
                                 TroupeP5 &&troupe_p5 = ::troupe::internal::NotGiven<TroupeP5>()

#define TROUPE_RESERVED_NAME                                                                                     \
  "Troupe: `id`, `Call` and `With` are members of every ActorHandle, so no listed method can have these names; " \
  "list a method of another name that calls it"

// Chooses `yes` when `entry` is in parentheses, else `no`.
#define TROUPE_IF_PAREN(entry, yes, no) TROUPE_THIRD(TROUPE_PAREN_PROBE entry, yes, no, )
#define TROUPE_PAREN_PROBE(...) unused, unused
#define TROUPE_THIRD(...) TROUPE_THIRD_(__VA_ARGS__)
#define TROUPE_THIRD_(a, b, c, ...) c
