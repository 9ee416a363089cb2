// What stands behind Run.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "troupe/internal/argument_writer.h"
#include "troupe/internal/invoker.h"
#include "troupe/internal/registration.h"
#include "troupe/object_ref.h"

namespace troupe::internal {

template <auto kFunction>
struct FunctionSource {
  static const Identity* Register() {
    using Type = typename FunctionTraits<decltype(kFunction)>::Type;
    return RegisterNamed(IdentifyFunction(nullptr, typeid(Named<kFunction>), typeid(Type)), &InvokeFunction<kFunction>,
                         nullptr);
  }
};

template <class Lambda>
struct LambdaSource {
  static const Identity* Register() {
    using Type = typename FunctionTraits<decltype(&Lambda::operator())>::Type;
    return RegisterLambda(IdentifyLambda(typeid(Lambda), typeid(Type)), &InvokeLambda<Lambda>);
  }
};

// UsageError without Init.
ObjectPtr RunTask(const Identity& function, Arguments arguments, TaskOptions options);

// Traits: of the function that Source registers.
template <class Source, class Traits, class... A>
auto RunAs(TaskOptions options, A&&... arguments) {
  using Parameters = typename Traits::Parameters;
  using Result = Value<typename Traits::Result>;
  constexpr bool kSignature = CheckSignature<typename Traits::Result>(Parameters());
  constexpr bool kArguments = CheckArguments(Parameters(), TypeList<A...>());
  if constexpr (kSignature && kArguments) {
    const Identity& function = Registration<Source>::Get();
    return RefAccess::Make<Result>(
        RunTask(function, WriteArguments(Parameters(), std::forward<A>(arguments)...), std::move(options)));
  } else {
    return ObjectRef<Result>();
  }
}

template <auto kFunction, class... A>
auto RunFunction(TaskOptions options, A&&... arguments) {
  using F = decltype(kFunction);
  constexpr bool kIsFunction = std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>;
  static_assert(kIsFunction,
                "Troupe: Run<&F> takes a free function or static member function; for a method spawn an actor");
  if constexpr (kIsFunction) {
    return RunAs<FunctionSource<kFunction>, FunctionTraits<F>>(std::move(options), std::forward<A>(arguments)...);
  } else {
    return ObjectRef<void>();
  }
}

template <class Lambda, class... A>
auto RunLambda(TaskOptions options, A&&... arguments) {
  constexpr bool kIsClass = std::is_class_v<Lambda>;
  constexpr bool kIsPlain = std::is_empty_v<Lambda> && std::is_default_constructible_v<Lambda>;
  constexpr bool kHasOneType = requires { &Lambda::operator(); };
  static_assert(kIsClass, "Troupe: Run takes a lambda, or a function as its template argument: Run<&F>(arguments...)");
  static_assert(!kIsClass || kIsPlain,
                "Troupe: a lambda that captures cannot run in another process; pass what it needs as arguments");
  static_assert(!kIsClass || kHasOneType,
                "Troupe: a generic lambda cannot be a task, for it has no parameter types of its own; write the types "
                "instead of auto");
  if constexpr (kIsClass && kIsPlain && kHasOneType) {
    return RunAs<LambdaSource<Lambda>, FunctionTraits<decltype(&Lambda::operator())>>(std::move(options),
                                                                                      std::forward<A>(arguments)...);
  } else {
    return ObjectRef<void>();
  }
}

}  // namespace troupe::internal
