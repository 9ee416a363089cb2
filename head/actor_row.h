// The row of an actor: the record as a head that starts again must have it.
#pragma once

#include "common/status.h"
#include "head/actor.h"
#include "proto/registry.pb.h"

namespace troupe::head {

// All of `actor` but its spec, which has a row of its own; what belongs to this run of the head only (timers, watchers,
// replies, what a placement has to avoid); and what follows from the rest.
pb::ActorRow ToRow(const Actor& actor);

// The actor of such a row; `spec` is null for a dead one. DATA_LOSS when they make no sense together.
Result<Actor> FromRow(const pb::ActorRow& row, const pb::ActorSpec* spec);

}  // namespace troupe::head
