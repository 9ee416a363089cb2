// HeadProgram: the parts of a running head, in the order of their making.
#pragma once

#include <memory>
#include <random>
#include <string>

#include "common/asio_event_loop.h"
#include "head/cluster.h"
#include "head/head_options.h"
#include "head/node_streams.h"
#include "head/package_pool.h"
#include "head/registry.h"
#include "head/session_files.h"
#include "rpc/server.h"

namespace troupe::head {

// Made, run and destroyed on the main thread.
class HeadProgram {
 public:
  // Checks the session folder, takes its lock, reads the token, begins to log, and loads what an earlier start has
  // left.
  static Result<std::unique_ptr<HeadProgram>> Make(const HeadOptions& options);
  ~HeadProgram();

  // Listens, writes SESSION/head.json, and serves until SIGTERM or SIGINT. Blocks.
  Status Run();

 private:
  HeadProgram(const HeadOptions& options, FileLock lock, const std::string& token,
              std::unique_ptr<PackageStore> packages, std::unique_ptr<Registry> registry, const Identity& identity);
  Status Announce(int port);
  void TrimPackages();
  void Stop();

  const HeadOptions options_;
  const Identity identity_;
  FileLock lock_;
  AsioEventLoop loop_;
  const std::unique_ptr<Registry> registry_;
  std::mt19937_64 random_;
  NodeStreams streams_;
  Cluster cluster_;
  PackagePool packages_;
  rpc::Server server_;
};

}  // namespace troupe::head
