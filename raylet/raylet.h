// Raylet: one node's daemon, put together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/asio_event_loop.h"
#include "common/status.h"
#include "raylet/leases/node_capacity.h"
#include "raylet/logs/log_keeper.h"
#include "raylet/programs/program_cache.h"
#include "troupe/ids.h"

namespace troupe::raylet {

struct RayletOptions {
  NodeId node;          // of this run
  int child_ends = -1;  // of Orphans::BecomeSubreaper
  std::string head;     // HOST:PORT
  std::string bind = "127.0.0.1";
  int port = 0;             // 0: any free one
  std::string session_dir;  // locked by the caller; logs/ in it exists
  std::string log_file;     // of this process; empty: elsewhere
  std::string token;
  NodeCapacity capacity;
  bool is_head_node = false;
  std::string node_name;           // empty: the machine's name
  LogKeeper::Options worker_logs;  // its folder is set by the raylet
  std::uint64_t keep_program_bytes = kKeepProgramBytes;
};

// Loop thread. Everything it starts, it stops: processes, the socket and shared memory.
class Raylet {
 public:
  struct Events {
    std::function<void()> on_ready;                              // clients may come
    std::function<void(const Status&)> on_failed;                // it cannot begin, or go on; Stop() it
    std::function<void(const std::string& reason)> on_shutdown;  // the head asks for it
  };

  // Begins to join the cluster of the head. Errors are those of this machine: the port, the folder, shared memory.
  // Whether the head takes the node in comes by an event, later.
  static Result<std::unique_ptr<Raylet>> Start(AsioEventLoop& loop, RayletOptions options, Events events);
  // Frees and removes what Stop() has not. The loop must not run any more.
  ~Raylet();

  // Takes leave of the head and kills the workers; `done` runs when the loop may be stopped, within about 4 s. Blocks
  // up to 2 s. Call once.
  void Stop(const std::string& reason, std::function<void()> done);

 private:
  struct Impl;
  explicit Raylet(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace troupe::raylet
