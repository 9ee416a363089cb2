// Tasks: functions that run somewhere in the cluster, without state.
#pragma once

#include <type_traits>
#include <utility>

#include "troupe/internal/spawn.h"
#include "troupe/internal/task_call.h"
#include "troupe/options.h"

namespace troupe {

// Runs F(arguments...) in a worker and returns the ref to its result at once. Any thread. Each argument is a value
// of the parameter's type, or an ObjectRef of it, for which the task waits. Blocks only while too much is queued.
// Throws SerializationError when an argument does not encode; everything else that happens is in the ref.
template <auto kFunction, class... A>
requires(!internal::kStartsWith<TaskOptions, A...>) auto Run(A&&... arguments) {
  return internal::RunFunction<kFunction>(TaskOptions(), std::forward<A>(arguments)...);
}
// Run<&F>({.num_cpus = 2}, arguments...)
template <auto kFunction, class... A>
auto Run(TaskOptions options, A&&... arguments) {
  return internal::RunFunction<kFunction>(std::move(options), std::forward<A>(arguments)...);
}

// The same for a lambda without captures: Run([](int x) { return x + 1; }, 1).
template <class Lambda, class... A>
requires(!internal::kStartsWith<TaskOptions, Lambda>) auto Run(const Lambda&, A&&... arguments) {
  return internal::RunLambda<Lambda>(TaskOptions(), std::forward<A>(arguments)...);
}
template <class Lambda, class... A>
auto Run(TaskOptions options, const Lambda&, A&&... arguments) {
  return internal::RunLambda<Lambda>(std::move(options), std::forward<A>(arguments)...);
}

}  // namespace troupe
