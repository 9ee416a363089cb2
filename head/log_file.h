// Reads a piece of this process's own log file.
#pragma once

#include <string>

#include "common/status.h"
#include "proto/head.pb.h"

namespace troupe::head {

// At most 1 MiB from the request's offset, or from so far before the end. Blocks for one read. NOT_FOUND when there is
// no such file.
Result<pb::LogChunk> ReadLogFile(const std::string& path, const pb::ReadLogRequest& request);

}  // namespace troupe::head
