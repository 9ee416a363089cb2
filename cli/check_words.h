// Finds the word of a command line that no command knows, and says which was probably meant: CLI11 would only say that
// a sub-command is missing.
#pragma once

#include <string>
#include <vector>

#include "common/status.h"

namespace CLI {
class App;
}

namespace troupe::cli {

// `arguments` without argv[0]. INVALID_ARGUMENT names the first unknown command or flag with the nearest valid ones
// (all commands where none is near), or the commands of which one is missing. OK does not mean that the values are
// right.
Status CheckWords(const CLI::App& app, const std::vector<std::string>& arguments);

// Those of `words` that `word` may be a slip of: it begins them, or few letters differ. Best first, three at most.
std::vector<std::string> NearestWords(const std::string& word, const std::vector<std::string>& words);

// "troupe job list" of the App that is `list`.
std::string FullName(const CLI::App& app);

// "\nSee troupe job list --help" of the App that is `list`.
std::string SeeHelp(const CLI::App& app);

}  // namespace troupe::cli
