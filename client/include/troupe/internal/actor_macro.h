// TROUPE_ACTOR: the one line that makes a class an actor.
#pragma once

#include <utility>

#include "troupe/actor_handle.h"
#include "troupe/internal/actor_methods.h"
#include "troupe/internal/for_each_macro.h"

// TROUPE_ACTOR(Class, methods...);
//
// Makes Class spawnable and gives ActorHandle<Class> the listed public methods. At global namespace scope, in the
// header of the class, before or after its definition (before, with a forward declaration, where the class holds
// handles to its own kind). Class may be qualified or an alias of a template instance. A method is
//   Name               if it is not overloaded; inherited ones too
//   (Name, R(P...))    for one overload; const and noexcept as in (Name, double(double) const)
// No more than 64, none named `id`, `Call` or `With`.
#define TROUPE_ACTOR(Class, ...)                                                                   \
  template <>                                                                                      \
  struct troupe::internal::ActorTraits<Class> {                                                    \
    static constexpr bool kListed = true;                                                          \
    template <class TroupeClass>                                                                   \
    static constexpr auto Methods() {                                                              \
      TROUPE_FOR_EACH(TROUPE_METHOD_CHECK, __VA_ARGS__)                                            \
      return ::troupe::internal::ListOf<void TROUPE_FOR_EACH(TROUPE_METHOD_ENTRY, __VA_ARGS__)>(); \
    }                                                                                              \
    template <class TroupeClass, class TroupeSelf>                                                 \
    struct Members {                                                                               \
      TROUPE_FOR_EACH(TROUPE_METHOD_MEMBER, __VA_ARGS__)                                           \
    };                                                                                             \
    static inline const bool kRegistered = ::troupe::internal::RegisterMethods<Class>();           \
  }

#define TROUPE_METHOD_ENTRY(entry) , TROUPE_METHOD_OF(entry)
#define TROUPE_METHOD_CHECK(entry)                                                                        \
  static_assert(                                                                                          \
      requires { typename TROUPE_METHOD_OF(entry); },                                                     \
      "Troupe: TROUPE_ACTOR lists a method that the class does not have, that is not public, or that is " \
      "overloaded; list each overload with its type, as in (Add, int(int))");
#define TROUPE_METHOD_MEMBER(entry) TROUPE_IF_PAREN(entry, TROUPE_OVERLOAD_MEMBER, TROUPE_PLAIN_MEMBER)(entry)

// The Method<...> of an entry.
#define TROUPE_METHOD_OF(entry) TROUPE_IF_PAREN(entry, TROUPE_OVERLOAD_OF, TROUPE_PLAIN_OF)(entry)
#define TROUPE_PLAIN_OF(name) ::troupe::internal::Method<&TroupeClass::name, ::troupe::internal::HashName(#name)>
#define TROUPE_OVERLOAD_OF(entry) TROUPE_OVERLOAD_OF_ entry
#define TROUPE_OVERLOAD_OF_(name, ...)                                                      \
  ::troupe::internal::Method<::troupe::internal::Overload<__VA_ARGS__>(&TroupeClass::name), \
                             ::troupe::internal::HashName(#name)>

#define TROUPE_PLAIN_MEMBER(name)                                                                                  \
  static_assert(!::troupe::internal::IsReservedName(#name), TROUPE_RESERVED_NAME);                                 \
  template <class... TroupeArguments>                                                                              \
  requires(::troupe::internal::CallArguments<TroupeArguments...>) auto name(TroupeArguments&&... troupe_arguments) \
      const {                                                                                                      \
    return ::troupe::internal::CallMember<TroupeClass, TROUPE_PLAIN_OF(name)>(                                     \
        static_cast<const TroupeSelf&>(*this), std::forward<TroupeArguments>(troupe_arguments)...);                \
  }

#define TROUPE_OVERLOAD_MEMBER(entry) TROUPE_OVERLOAD_MEMBER_ entry
#define TROUPE_OVERLOAD_MEMBER_(name, ...)                                                          \
  static_assert(!::troupe::internal::IsReservedName(#name), TROUPE_RESERVED_NAME);                  \
  template <class... TroupeArguments>                                                               \
  requires(::troupe::internal::CallArguments<TroupeArguments...> &&                                 \
           ::troupe::internal::ChosenOverload<TroupeClass, TROUPE_OVERLOAD_OF_(name, __VA_ARGS__),  \
                                              TroupeArguments...>) auto                             \
  name(TroupeArguments&&... troupe_arguments) const {                                               \
    return ::troupe::internal::CallMember<TroupeClass, TROUPE_OVERLOAD_OF_(name, __VA_ARGS__)>(     \
        static_cast<const TroupeSelf&>(*this), std::forward<TroupeArguments>(troupe_arguments)...); \
  }

#define TROUPE_RESERVED_NAME                                                                                     \
  "Troupe: `id`, `Call` and `With` are members of every ActorHandle, so no listed method can have these names; " \
  "list a method of another name that calls it"

// Chooses `yes` when `entry` is in parentheses, else `no`.
#define TROUPE_IF_PAREN(entry, yes, no) TROUPE_THIRD(TROUPE_PAREN_PROBE entry, yes, no, )
#define TROUPE_PAREN_PROBE(...) unused, unused
#define TROUPE_THIRD(...) TROUPE_THIRD_(__VA_ARGS__)
#define TROUPE_THIRD_(a, b, c, ...) c
