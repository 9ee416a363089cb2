#include "head/head_options.h"

#include <CLI/CLI.hpp>
#include <iostream>

namespace troupe::head {

Result<HeadOptions> ParseHeadOptions(int argc, const char* const* argv, int* exit_code) {
  HeadOptions options;
  std::string cluster;
  CLI::App app("troupe-head: decides what exists in a Troupe cluster (actors, names, nodes, jobs)");
  app.set_version_flag("--version", TROUPE_VERSION);
  app.add_option("--bind", options.bind, "address to listen on")->capture_default_str();
  app.add_option("--port", options.port, "TCP port; 0: any free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--session-dir", options.session_dir, "folder (0700) of this cluster's files")->required();
  app.add_option("--token-file", options.token_file, "file (0600) that holds the cluster token")->required();
  app.add_option("--log-level", options.log_level, "trace, debug, info, warn, error or off")->capture_default_str();
  app.add_option("--keep-program-bytes", options.keep_program_bytes,
                 "of the programs of jobs that have ended, at most so many bytes are kept")
      ->envname("TROUPE_KEEP_PROGRAM_BYTES")
      ->capture_default_str();
  app.add_option("--cluster-id", cluster, "32 hexadecimal digits; default: that of the registry, or a fresh one");
  app.add_option("--parent-pid", options.parent_pid, "end when this process, our parent, ends")
      ->check(CLI::NonNegativeNumber);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    *exit_code = app.exit(success);
    return Cancelled("nothing to do");
  } catch (const CLI::ParseError& error) {
    *exit_code = 2;
    return InvalidArgument(error.what());
  }
  if (cluster.empty()) return options;
  auto given = ClusterId::FromHex(cluster);
  if (!given || !*given) {
    *exit_code = 2;
    return InvalidArgument("--cluster-id must be 32 hexadecimal digits and not zero");
  }
  options.cluster = *given;
  return options;
}

}  // namespace troupe::head
