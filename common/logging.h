// Logging for daemons, the command and the runtime, over spdlog: "ts level component message".
#pragma once

#include <spdlog/spdlog.h>

#include <string>

#include "common/status.h"

namespace troupe {

// Where and how much a process logs.
struct LogOptions {
  std::string component;       // "head", "raylet", "worker"; printed in each line
  std::string file;            // empty: standard error
  std::string level = "info";  // trace, debug, info, warn, error, off
};

// Sets the process's logger: 5 files of 10 MiB each, rotated. Fails when the file cannot be opened or the
// level is none of the above. Call once, in main().
Status StartLogging(const LogOptions& options);

}  // namespace troupe
