// Wait: which of several results are there already.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "troupe/object_ref.h"
#include "troupe/options.h"

namespace troupe {

// Decomposes: auto [ready, pending] = Wait(refs). Together they are the refs given, each list in their order.
template <class T>
struct WaitResult {
  std::vector<ObjectRef<T>> ready;  // at most num_returns; have a value or an error: Get does not wait for them
  std::vector<ObjectRef<T>> pending;
};

namespace internal {
// For each object, whether it belongs to WaitResult::ready.
std::vector<bool> WaitFor(std::span<const ObjectPtr> objects, const WaitOptions& options);
}  // namespace internal

// Blocks until `num_returns` of `refs` have a value or an error, or the timeout has passed (then fewer are ready; it
// is no error). Any thread. UsageError when num_returns is 0 or more than there are refs, when a ref is empty, and
// when one is given twice.
template <class T>
WaitResult<T> Wait(const std::vector<ObjectRef<T>>& refs, const WaitOptions& options = {}) {
  std::vector<internal::ObjectPtr> objects;
  objects.reserve(refs.size());
  for (const auto& ref : refs) objects.push_back(internal::RefAccess::State(ref));
  const std::vector<bool> is_ready = internal::WaitFor(objects, options);
  WaitResult<T> result;
  for (std::size_t i = 0; i < refs.size(); ++i) (is_ready[i] ? result.ready : result.pending).push_back(refs[i]);
  return result;
}

}  // namespace troupe
