// Outbox: the way out of a process as its tables see it, and the clock they go by. Messenger is the real one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "proto/client.pb.h"
#include "troupe/ids.h"

namespace troupe::client {

using Clock = std::chrono::steady_clock;

// In place of a frame's number, when nobody knows how far a process has come: it may have carried out any frame.
inline constexpr std::uint64_t kAllReached = ~std::uint64_t{0};

// All functions need the core's mutex and do not block for long.
class Outbox {
 public:
  // Callers hold back while more than this waits for the receiver.
  static constexpr std::size_t kBacklogLimit = 1u << 20;

  // A frame, or a message to the raylet with all that is around it, may be as long.
  static constexpr std::size_t kMaxFrame = (16u << 20) - 4096;

  virtual ~Outbox() = default;

  // Of at most kMaxFrame bytes. Frames to one process arrive in the order in which they were sent. Returns the frame's
  // number, to be compared with the word of the process on how far it has come (Tables::OnProcessGone); 0 when there is
  // no such word.
  virtual std::uint64_t Send(const Address& to, std::string frame) = 0;
  // Tells `process` that its frame `number` is carried out now, and all before it were or never will be: it may read
  // that word after this process has been killed. `number` 0: there is no such word.
  virtual void SayBegun(ProcessId process, std::uint64_t number) = 0;
  // Bytes queued for `to` that its ring, or the way to its node, had no room for.
  virtual std::size_t Backlog(const Address& to) const = 0;

  // Has the end of a process told (Tables::OnProcessGone), also if it never sends anything and is sent nothing.
  virtual void Watch(const Address& process) = 0;

  // Sends `message` to the raylet and calls `done` with the reply (error set: refused, too long, or the raylet is
  // gone).
  virtual void Request(pb::ClientToRaylet message, std::function<void(const pb::RayletToClient&)> done) = 0;
  // One-way message to the raylet.
  virtual void SendRaylet(const pb::ClientToRaylet& message) = 0;

  // Shows `text`, one line without its end, to who watches this process's standard error, which may block: soon, and on
  // another thread.
  virtual void Tell(std::string text) = 0;

  // Runs `work` with the mutex held, some time after `delay`.
  virtual void After(std::chrono::milliseconds delay, std::function<void()> work) = 0;
  virtual Clock::time_point Now() const = 0;
};

}  // namespace troupe::client
