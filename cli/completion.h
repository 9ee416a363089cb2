// Completion scripts for shells, made from the tree of commands.
#pragma once

#include <string>

#include "common/status.h"

namespace CLI {
class App;
}

namespace troupe::cli {

// The script for "bash", "zsh" or "fish"; INVALID_ARGUMENT for another shell.
Result<std::string> CompletionScript(const CLI::App& app, const std::string& shell);

}  // namespace troupe::cli
