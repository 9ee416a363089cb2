// ServerConnection: the raylet's end of one client's control connection.
#pragma once

#include <sys/types.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/status.h"
#include "ipc/frame_codec.h"

namespace troupe::ipc {

// What a connection tells its user, on the io_context's thread. They must not own the connection (a weak_ptr does).
struct ConnectionHandlers {
  std::function<void(Frame frame)> on_frame;
  // The connection ended: OK when the client closed it between two frames, else why. Once, and the last call; not after
  // Close().
  std::function<void(Status why)> on_closed;
};

// Everything, construction included, happens on the io_context's thread. Stays alive while it is open.
class ServerConnection : public std::enable_shared_from_this<ServerConnection> {
 public:
  // Frames that wait for a client which does not read are bounded by this many bytes.
  static constexpr std::size_t kMaxPendingBytes = 64u << 20;

  // Made by ServerSocket for each client it accepts.
  ServerConnection(boost::asio::local::stream_protocol::socket socket, pid_t peer_pid);

  // Begins to read. Call once.
  void Start(ConnectionHandlers handlers);

  // Queues one frame; frames go out in order, many in one system call. Never blocks. InvalidArgument: payload above
  // kMaxFramePayload. ResourceExhausted: the client has `max_pending` bytes unread. Unavailable: closed.
  Status Send(std::uint16_t type, std::string payload, std::size_t max_pending = kMaxPendingBytes);

  // Closes at once; what is queued is lost, and no handler is called any more. May be called from a handler.
  void Close();

  // Closes once what is queued has gone out; reads no more, and no handler is called any more.
  void CloseAfterFlush();

  // Takes no more frames from the client until ResumeReading(): it waits once the socket is full. May be called from a
  // handler. The end of the connection is not noticed meanwhile.
  void PauseReading() { paused_ = true; }
  void ResumeReading();

  // Bytes queued and not yet taken by the kernel.
  std::size_t pending_bytes() const { return pending_bytes_; }

  // The client's process as it was when it connected.
  pid_t peer_pid() const { return peer_pid_; }

 private:
  void Read();
  void OnRead(const boost::system::error_code& error, std::size_t bytes);
  bool Deliver();
  void Enqueue(std::string_view header, std::string payload);
  void Write();
  void OnWritten(const boost::system::error_code& error, std::size_t bytes);
  void Fail(Status why);

  boost::asio::local::stream_protocol::socket socket_;
  const pid_t peer_pid_;
  // Shared so that a handler that closes the connection is not destroyed while it runs.
  std::shared_ptr<ConnectionHandlers> handlers_;
  FrameDecoder decoder_;
  std::unique_ptr<char[]> read_buffer_;
  std::deque<std::string> queue_;  // headers and payloads in turn
  std::size_t pending_bytes_ = 0;
  std::size_t writing_ = 0;  // the entries at the front of queue_ that the kernel is being given; 0: no write runs
  bool open_ = true;
  bool closing_ = false;
  bool deaf_ = false;  // the client reads no more
  bool paused_ = false;
  bool waits_ = false;  // nothing is read, and no read is under way, because of paused_
};

}  // namespace troupe::ipc
