// Tables of what a cluster has.
#pragma once

#include "cli/connection.h"
#include "cli/table.h"

namespace troupe::cli {

Color ColorOf(pb::ActorState state);
Color ColorOf(pb::JobInfo::State state);

// Prints the jobs and returns the exit code.
int ListJobs(const ConnectionOptions& options, bool submissions_only, Context& context);

}  // namespace troupe::cli
