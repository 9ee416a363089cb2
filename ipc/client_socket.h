// ClientSocket: a driver's or worker's control connection to its raylet, over a unix stream socket.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "common/fork_generation.h"
#include "common/status.h"
#include "ipc/frame_codec.h"

namespace troupe::ipc {

// Sending never waits for the raylet: what the kernel does not take at once is queued here, and goes out while a thread
// is in Receive(). So a raylet that does not read holds up nobody but those who wait for its answers.
class ClientSocket {
 public:
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;

  // A raylet that leaves so much unread is none.
  static constexpr std::size_t kMaxQueuedBytes = 1u << 30;

  // Connects to the raylet at `path`, trying again until `timeout` while there is no socket yet, nobody listens, or its
  // queue is full. InvalidArgument: the path is too long for a socket address. PermissionDenied: another user's
  // process listens there. Otherwise the last error, NotFound or Unavailable. Blocks.
  static Result<std::unique_ptr<ClientSocket>> Connect(const std::string& path, std::chrono::nanoseconds timeout);

  // Closes the connection; what is queued is lost. No other thread may be inside a call: Shutdown() and join first.
  ~ClientSocket();

  // Sends or queues one frame. Never blocks. Any thread; frames go in order and do not mix. InvalidArgument: payload
  // above kMaxFramePayload, nothing sent. Unavailable: the connection is gone, and stays so; or
  // this process is a fork of the one that made it, whose frames its own would tear apart.
  Status Send(std::uint16_t type, std::string_view payload);
  // Bytes queued and not yet taken by the kernel. Any thread.
  std::size_t queued_bytes() const;
  // Moves queued bytes to the kernel as far as it takes them, without waiting. Only needed where nobody is in
  // Receive().
  void Flush();
  // Called on the thread that empties the queue when it had something in it. Set it before any thread uses this.
  void OnDrained(std::function<void()> work) { on_drained_ = std::move(work); }

  // The next frame; blocks until there is one, and sends what is queued meanwhile. One thread at a time. Unavailable:
  // the raylet closed the connection, or Shutdown() was called. DataLoss: the raylet sent what is no frame.
  // DeadlineExceeded: none came before `deadline`; the connection is as it was.
  Result<Frame> Receive(Deadline deadline = {});

  // For poll(2) by the receiving thread, together with other descriptors: Receive() may block unless the descriptor is
  // readable or has_buffered().
  int fd() const { return fd_; }
  bool has_buffered() const { return decoder_.buffered() > 0; }

  // Ends the connection: Receive() of another thread returns, Send() fails. Any thread, any number of times.
  void Shutdown();

 private:
  ClientSocket(int fd, int wake_fd, std::string path) : fd_(fd), wake_fd_(wake_fd), path_(std::move(path)) {}

  Status SendQueued();
  Status Fail(Status why);
  Result<bool> ReadSome();
  bool Await(Deadline deadline);

  const int fd_;
  const int wake_fd_;  // eventfd: wakes Receive() when there is something to send
  const std::string path_;
  const std::uint32_t generation_ = ForkGeneration();
  std::function<void()> on_drained_;
  mutable std::mutex send_mutex_;
  // Guarded by send_mutex_.
  Status send_failed_;
  std::deque<std::string> queue_;  // but for `sent_` bytes of the first
  std::size_t sent_ = 0;
  std::size_t queued_bytes_ = 0;

  FrameDecoder decoder_;
  std::unique_ptr<char[]> read_buffer_;
};

}  // namespace troupe::ipc
