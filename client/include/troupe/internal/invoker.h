// Invokers: what the registry holds for each function, made from its type.
#pragma once

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "troupe/internal/argument_reader.h"
#include "troupe/internal/function_traits.h"
#include "troupe/internal/signature.h"

namespace troupe::internal {

// Calls `function` with the arguments read as the types in the list, and writes what it returns.
template <class R, class... P, class F>
void Invoke(TypeList<P...>, ArgumentReader& arguments, ResultSink& results, F&& function) {
  // Braces, for they evaluate from left to right.
  std::tuple<Value<P>...> values{arguments.template Next<Value<P>>()...};
  arguments.Finish();
  auto call = [&](auto&... value) -> R { return function(static_cast<Value<P>&&>(value)...); };
  if constexpr (std::is_void_v<R>) {
    std::apply(call, values);
  } else {
    const Value<R>& returned = std::apply(call, values);
    SerializeTo(returned, results.Next());
  }
}

template <auto kFunction>
void InvokeFunction(void*, ArgumentReader& arguments, ResultSink& results) {
  using Traits = FunctionTraits<decltype(kFunction)>;
  Invoke<typename Traits::Result>(typename Traits::Parameters(), arguments, results, kFunction);
}

template <class Class, auto kMethod>
void InvokeMethod(void* instance, ArgumentReader& arguments, ResultSink& results) {
  using Traits = FunctionTraits<decltype(kMethod)>;
  // The method may be a base's: GCC 12 warns of its call through the derived class.
  typename Traits::Class& object = *static_cast<Class*>(instance);
  auto call = [&object](auto&&... values) -> typename Traits::Result {
    if constexpr (Traits::kIsRvalue) {
      return (std::move(object).*kMethod)(std::forward<decltype(values)>(values)...);
    } else {
      return (object.*kMethod)(std::forward<decltype(values)>(values)...);
    }
  };
  Invoke<typename Traits::Result>(typename Traits::Parameters(), arguments, results, call);
}

// `Lambda` has no captures, so that one made here is as good as the caller's.
template <class Lambda>
void InvokeLambda(void*, ArgumentReader& arguments, ResultSink& results) {
  using Traits = FunctionTraits<decltype(&Lambda::operator())>;
  Invoke<typename Traits::Result>(typename Traits::Parameters(), arguments, results, Lambda());
}

template <class Class, class... A>
std::shared_ptr<void> Construct(ArgumentReader& arguments) {
  std::tuple<A...> values{arguments.template Next<A>()...};
  arguments.Finish();
  return std::apply([](auto&... value) { return std::make_shared<Class>(std::move(value)...); }, values);
}

}  // namespace troupe::internal
