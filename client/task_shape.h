// TaskShape: what makes two tasks share workers.
#pragma once

#include <memory>
#include <string>

#include "proto/common.pb.h"
#include "troupe/internal/runtime.h"

namespace troupe::client {

// What a task needs, and where it belongs. Made once for many tasks.
struct TaskShape {
  pb::Resources resources;
  pb::Placement placement;
  std::string key;             // equal exactly when all else is
  std::int64_t cpu_units = 0;  // of the resources
  bool only_cpus = false;      // are its resources
};
using ShapePtr = std::shared_ptr<const TaskShape>;

ShapePtr MakeShape(pb::Resources resources, pb::Placement placement);
// `shape`, near the node that holds most of the stored arguments, if any are.
ShapePtr NearArguments(ShapePtr shape, const internal::Arguments& arguments);
// Whether such a task may as well run on `node`, by a process that lends nothing but its CPUs while it waits.
bool BelongsOn(NodeId node, const TaskShape& shape);

}  // namespace troupe::client
