// LogRequests: asks the raylet that has a log for a piece of it, and hands the piece to whoever wants to read.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "head/environment.h"

namespace troupe::head {

// Loop thread only.
class LogRequests {
 public:
  static constexpr std::size_t kMaxPending = 1'000;
  static constexpr std::uint32_t kMaxBytes = 1u << 20;
  static constexpr std::uint32_t kMaxWaitMs = 5'000;
  // How long a raylet may take on top of the time it was asked to wait.
  static constexpr std::chrono::milliseconds kPatience{4'000};

  explicit LogRequests(Environment& environment) : environment_(environment) {}
  ~LogRequests();

  // Replies with what `node` sends, or RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, or UNAVAILABLE when the node dies.
  void Ask(const NodeId& node, pb::ReadLogRequest log, Reply<pb::LogChunk> reply);
  void OnChunk(const NodeId& node, const pb::LogChunk& chunk);
  void NodeDied(const NodeId& node);

 private:
  struct Pending {
    NodeId node;
    Reply<pb::LogChunk> reply;
    TimerId timer;
  };

  void Finish(std::uint64_t request, Result<pb::LogChunk> result);

  Environment& environment_;
  std::map<std::uint64_t, Pending> pending_;
  std::uint64_t last_request_ = 0;
};

}  // namespace troupe::head
