#include <utility>

#include "troupe/internal/spawn.h"

namespace troupe::internal {
namespace {

template <class T>
void Default(std::optional<T>* given, std::optional<T>* value) {
  if (!*given) *given = std::move(*value);
}

}  // namespace

ActorOptions MergeOptions(ActorOptions given, ActorOptions defaults) {
  if (given.name.empty()) given.name = std::move(defaults.name);
  if (given.name_space.empty()) given.name_space = std::move(defaults.name_space);
  if (given.resources.empty()) given.resources = std::move(defaults.resources);
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
