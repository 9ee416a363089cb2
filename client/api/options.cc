#include <utility>

#include "troupe/internal/spawn.h"

namespace troupe::internal {
namespace {

template <class T>
void Default(std::optional<T>* given, std::optional<T>* value) {
  if (!*given) *given = std::move(*value);
}

template <class T>
void Default(Overridable<T>* given, Overridable<T>* value) {
  if (!given->given()) *given = std::move(*value);
}

}  // namespace

ActorOptions MergeOptions(ActorOptions given, ActorOptions defaults) {
  Default(&given.name, &defaults.name);
  Default(&given.name_space, &defaults.name_space);
  Default(&given.resources, &defaults.resources);
  Default(&given.lifetime, &defaults.lifetime);
  Default(&given.num_cpus, &defaults.num_cpus);
  Default(&given.num_gpus, &defaults.num_gpus);
  Default(&given.memory, &defaults.memory);
  Default(&given.scheduling, &defaults.scheduling);
  Default(&given.max_restarts, &defaults.max_restarts);
  Default(&given.max_task_retries, &defaults.max_task_retries);
  Default(&given.get_if_exists, &defaults.get_if_exists);
  Default(&given.max_pending_calls, &defaults.max_pending_calls);
  return given;
}

}  // namespace troupe::internal
