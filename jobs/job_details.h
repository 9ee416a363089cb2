// JobDetails from the head's messages.
#pragma once

#include "proto/head.pb.h"
#include "troupe/job_client.h"

namespace troupe::jobs {

JobDetails FromProto(const pb::JobInfo& info);

}  // namespace troupe::jobs
