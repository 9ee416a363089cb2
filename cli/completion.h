// Scripts that let a shell complete command lines of troupe.
#pragma once

#include <string>

#include "common/status.h"

namespace troupe::cli {

// The script for `shell`: bash, zsh or fish; INVALID_ARGUMENT for others. Each asks `troupe __complete`
// (cli/complete.h) at every Tab, and shows what that offers.
Result<std::string> CompletionScript(const std::string& shell);

}  // namespace troupe::cli
