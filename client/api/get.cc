#include "troupe/get.h"

#include <algorithm>
#include <string>

#include "troupe/internal/task_call.h"
#include "troupe/internal/throw.h"
#include "troupe/wait.h"

namespace troupe::internal {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

ObjectValue FetchOrError(const ObjectPtr& object, std::optional<nanoseconds> timeout) {
  if (!object) {
    ThrowUsage(
        "the ObjectRef is empty (default-constructed or moved from); use one that a call, a task or Put returned");
  }
  return Runtime::Get().Get(object, timeout);
}

ObjectValue Fetch(const ObjectPtr& object, std::optional<nanoseconds> timeout) {
  ObjectValue value = FetchOrError(object, timeout);
  if (value.error) Throw(*value.error);
  return value;
}

ObjectId IdOf(const ObjectPtr& object) { return object ? Runtime::Get().Name(object).id : ObjectId(); }

Deadline::Deadline(std::optional<nanoseconds> timeout) {
  if (!timeout) return;
  const auto now = steady_clock::now();
  // A timeout beyond the clock's range is none.
  if (*timeout < steady_clock::time_point::max() - now) end_ = now + *timeout;
}

std::optional<nanoseconds> Deadline::Remaining() const {
  if (!end_) return std::nullopt;
  return std::max<nanoseconds>(*end_ - steady_clock::now(), nanoseconds(0));
}

std::vector<std::size_t> WaitFor(std::span<ObjectState* const> objects, const WaitOptions& options) {
  if (options.num_returns == 0 || options.num_returns > objects.size()) {
    ThrowUsage("Wait for " + std::to_string(options.num_returns) + " of " + std::to_string(objects.size()) +
               " refs; num_returns must be from 1 to the number of refs");
  }
  if (std::find(objects.begin(), objects.end(), nullptr) != objects.end()) {
    ThrowUsage("Wait was given an empty ObjectRef; leave it out");
  }
  return Runtime::Get().Wait(objects, options.num_returns, options.timeout);
}

ObjectPtr RunTask(const Identity& function, Arguments arguments, TaskOptions options) {
  return Runtime::Get().RunTask({function.id, function.name.c_str(), std::move(arguments), std::move(options)});
}

}  // namespace troupe::internal
