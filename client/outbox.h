// Outbox: the way out of a process as its tables see it, and the clock they go by. Messenger is the real one.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include "proto/client.pb.h"
#include "troupe/ids.h"

namespace troupe::client {

using Clock = std::chrono::steady_clock;

// All functions need the core's mutex and do not block for long.
class Outbox {
 public:
  // Callers hold back while more than this waits for the receiver.
  static constexpr std::size_t kBacklogLimit = 1u << 20;

  virtual ~Outbox() = default;

  // Frames to one process arrive in the order in which they were sent.
  virtual void Send(const Address& to, std::string frame) = 0;
  // Bytes queued for `to` that its ring had no room for.
  virtual std::size_t Backlog(const Address& to) const = 0;

  // Sends `message` to the raylet and calls `done` with the reply (error set: refused or the raylet is gone).
  virtual void Request(pb::ClientToRaylet message, std::function<void(const pb::RayletToClient&)> done) = 0;
  // One-way message to the raylet.
  virtual void SendRaylet(const pb::ClientToRaylet& message) = 0;

  // Runs `work` with the mutex held, some time after `delay`.
  virtual void After(std::chrono::milliseconds delay, std::function<void()> work) = 0;
  virtual Clock::time_point Now() const = 0;
};

}  // namespace troupe::client
