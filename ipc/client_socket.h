// ClientSocket: a driver's or worker's control connection to its raylet, over a unix stream socket.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "common/fork_generation.h"
#include "common/status.h"
#include "ipc/frame_codec.h"

namespace troupe::ipc {

class ClientSocket {
 public:
  // Connects to the raylet at `path`, trying again until `timeout` while there is no socket yet, nobody listens, or its
  // queue is full. InvalidArgument: the path is too long for a socket address. PermissionDenied: another user's
  // process listens there. Otherwise the last error, NotFound or Unavailable. Blocks.
  static Result<std::unique_ptr<ClientSocket>> Connect(const std::string& path, std::chrono::nanoseconds timeout);

  // Closes the connection. No other thread may be inside a call: Shutdown() and join first.
  ~ClientSocket();

  // Sends one frame, whole; blocks while the raylet does not read. Any thread; frames do not mix. InvalidArgument:
  // payload above kMaxFramePayload, nothing sent. Unavailable: the connection is gone, and stays so; or this process is
  // a fork of the one that made it, whose frames its own would tear apart.
  Status Send(std::uint16_t type, std::string_view payload);

  // The next frame; blocks until there is one. One thread at a time. Unavailable: the raylet closed the connection, or
  // Shutdown() was called. DataLoss: the raylet sent what is no frame.
  Result<Frame> Receive();

  // For poll(2) by the receiving thread, together with other descriptors: Receive() may block unless the descriptor is
  // readable or has_buffered().
  int fd() const { return fd_; }
  bool has_buffered() const { return decoder_.buffered() > 0; }

  // Whether the raylet has closed its end. Does not block; any thread.
  bool Closed() const;

  // Ends the connection: Receive() and Send() of other threads return. Any thread, any number of times.
  void Shutdown();

 private:
  ClientSocket(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  const int fd_;
  const std::string path_;
  const std::uint32_t generation_ = ForkGeneration();
  std::mutex send_mutex_;
  Status send_failed_;  // guarded by send_mutex_
  FrameDecoder decoder_;
  std::unique_ptr<char[]> read_buffer_;
};

}  // namespace troupe::ipc
