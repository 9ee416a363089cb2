// What the troupe-head program is told on its command line.
#pragma once

#include <cstdint>
#include <string>

#include "common/status.h"
#include "head/package_store.h"
#include "troupe/ids.h"

namespace troupe::head {

struct HeadOptions {
  std::string bind = "127.0.0.1";
  int port = 0;  // 0: any free one
  std::string session_dir;
  std::string token_file;  // never the token itself: command lines are public
  std::string log_level = "info";
  std::uint64_t keep_program_bytes = PackageLimits().unneeded_bytes;
  ClusterId cluster;   // none: the one of the registry, or a fresh one
  int parent_pid = 0;  // 0: lives on its own
};

// Parses and checks. `*exit_code` is set, and the status is not OK, when the program should end at once: 0 after
// --help or --version, which have printed; 2 for a mistake that the status describes.
Result<HeadOptions> ParseHeadOptions(int argc, const char* const* argv, int* exit_code);

}  // namespace troupe::head
