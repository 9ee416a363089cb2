// Options as users give them, checked and turned into what messages carry. All throw UsageError.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "proto/common.pb.h"
#include "troupe/options.h"

namespace troupe::client {

// What is held while it runs: tasks default to one CPU, actors to none.
pb::Resources ToResources(const TaskOptions& options);
pb::Resources ToResources(const ActorOptions& options);
// What choosing a node counts with: the same, and one CPU for an actor that says nothing of CPUs, so that many
// such actors spread.
pb::Resources ToPlacementResources(const ActorOptions& options);
pb::Placement ToPlacement(const std::optional<Scheduling>& scheduling);
// `name`, when it may be one (common/name.h); `what` is "an actor's name".
std::string CheckedName(const char* what, const std::string& name);
// `value`, when it is a count or -1.
std::int64_t CheckedRetries(const char* option, std::int64_t value);
std::map<std::string, double> ToAmounts(const pb::Resources& resources);

}  // namespace troupe::client
