// The row of a job: the record as a head that starts again must have it.
#pragma once

#include "common/status.h"
#include "head/job.h"
#include "proto/registry.pb.h"

namespace troupe::head {

// All of `job` but its timers and who waits for its end.
pb::JobRow ToRow(const Job& job);

// DATA_LOSS when the row makes no sense.
Result<Job> FromRow(const pb::JobRow& row);

}  // namespace troupe::head
