// Wait: which of several results are there already.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
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
// Where the objects are that belong to WaitResult::ready, ascending. UsageError when one is null.
std::vector<std::size_t> WaitFor(std::span<ObjectState* const> objects, const WaitOptions& options);
}  // namespace internal

// Blocks until `num_returns` of `refs` have a value or an error, or the timeout has passed (then fewer are ready; it
// is no error). Any thread. UsageError when num_returns is 0 or more than there are refs, when a ref is empty, and
// when one is given twice. A list that is waited for again and again is best moved in: refs =
// Wait(std::move(refs)).pending copies none of them.
template <class T>
WaitResult<T> Wait(std::vector<ObjectRef<T>> refs, const WaitOptions& options = {}) {
  std::vector<internal::ObjectState*> objects;
  objects.reserve(refs.size());
  for (const auto& ref : refs) objects.push_back(internal::RefAccess::State(ref).get());
  const std::vector<std::size_t> ready = internal::WaitFor(objects, options);
  WaitResult<T> result;
  if (ready.empty()) {
    result.pending = std::move(refs);
    return result;
  }
  result.ready.reserve(ready.size());
  auto kept = refs.begin() + static_cast<std::ptrdiff_t>(ready.front());
  for (std::size_t i = 0; i < ready.size(); ++i) {  // each ready one, and the pending ones up to the next
    const auto begin = refs.begin() + static_cast<std::ptrdiff_t>(ready[i]);
    const auto end = i + 1 < ready.size() ? refs.begin() + static_cast<std::ptrdiff_t>(ready[i + 1]) : refs.end();
    result.ready.push_back(std::move(*begin));
    kept = std::move(begin + 1, end, kept);
  }
  refs.erase(kept, refs.end());
  result.pending = std::move(refs);
  return result;
}

}  // namespace troupe
