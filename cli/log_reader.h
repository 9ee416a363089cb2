// LogReader: prints a log of the cluster, and what is added to it.
#pragma once

#include <ostream>

#include "cli/connection.h"

namespace troupe::cli {

struct LogOptions {
  bool follow = false;
  int tail = -1;  // lines from the end; negative: all
};

// Prints what `log` names (source, identifiers, stream). Blocks; with `follow`, until the process that writes it has
// ended and all is printed. A head that cannot be reached for `patience` ends it with UNAVAILABLE.
Status PrintLog(jobs::HeadConnection& head, pb::ReadLogRequest log, const LogOptions& options, std::ostream& out,
                std::chrono::milliseconds patience = std::chrono::seconds(30));

// The last `lines` lines of `text`; one without an end counts.
std::string LastLines(const std::string& text, int lines);

}  // namespace troupe::cli
