#include "ipc/server_connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <utility>
#include <vector>

namespace troupe::ipc {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kCoalescedBytes = 16 * 1024;  // small frames share an entry of the queue up to this size
constexpr std::size_t kMaxGather = 64;              // what asio gives the kernel in one call

Status FromError(const boost::system::error_code& error, const std::string& what) {
  return Unavailable(what + ": " + error.message());
}

}  // namespace

ServerConnection::ServerConnection(asio::local::stream_protocol::socket socket, pid_t peer_pid)
    : socket_(std::move(socket)),
      peer_pid_(peer_pid),
      read_buffer_(std::make_unique_for_overwrite<char[]>(kReadBytes)) {}

void ServerConnection::Start(ConnectionHandlers handlers) {
  TROUPE_CHECK(!handlers_);
  handlers_ = std::make_shared<ConnectionHandlers>(std::move(handlers));
  if (open_) Read();
}

Status ServerConnection::Send(std::uint16_t type, std::string payload, std::size_t max_pending) {
  TROUPE_ASSIGN_OR_RETURN(const FrameHeader header, EncodeFrameHeader(type, payload.size()));
  const std::string client = "client process " + std::to_string(peer_pid_);
  if (!open_ || closing_ || deaf_) return Unavailable(client + ": its connection is closed");
  if (pending_bytes_ + header.size() + payload.size() > max_pending) {
    return ResourceExhausted(client + " does not read: " + std::to_string(pending_bytes_) + " bytes wait for it");
  }
  pending_bytes_ += header.size() + payload.size();
  Enqueue({header.data(), header.size()}, std::move(payload));
  if (writing_ == 0) Write();
  return OkStatus();
}

void ServerConnection::Enqueue(std::string_view header, std::string payload) {
  const bool small = header.size() + payload.size() <= kCoalescedBytes;
  if (queue_.size() > writing_ && queue_.back().size() + header.size() + payload.size() <= kCoalescedBytes) {
    queue_.back().append(header).append(payload);
  } else if (small) {
    queue_.emplace_back(header).append(payload);
  } else {
    queue_.emplace_back(header);
    queue_.push_back(std::move(payload));
  }
}

void ServerConnection::Close() {
  if (!open_) return;
  open_ = false;
  handlers_.reset();
  boost::system::error_code ignored;  // there is nothing to do about a close that fails
  socket_.close(ignored);
}

void ServerConnection::CloseAfterFlush() {
  if (!open_ || closing_) return;
  closing_ = true;
  handlers_.reset();
  if (writing_ == 0) Close();
}

void ServerConnection::Read() {
  socket_.async_read_some(asio::buffer(read_buffer_.get(), kReadBytes),
                          [self = shared_from_this()](const boost::system::error_code& error, std::size_t bytes) {
                            self->OnRead(error, bytes);
                          });
}

void ServerConnection::OnRead(const boost::system::error_code& error, std::size_t bytes) {
  if (!open_ || closing_) return;
  if (error) {
    const std::string what = "reading from client process " + std::to_string(peer_pid_);
    if (error != asio::error::eof) return Fail(FromError(error, what));
    if (decoder_.buffered() > 0) return Fail(DataLoss(what + ": it closed the connection within a frame"));
    return Fail(OkStatus());
  }
  decoder_.Append({read_buffer_.get(), bytes});
  if (Deliver()) Read();
}

void ServerConnection::ResumeReading() {
  if (!std::exchange(paused_, false) || !std::exchange(waits_, false)) return;
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->open_ && !self->closing_ && self->Deliver()) self->Read();
  });
}

// Hands out the complete frames; false when the connection ended or was paused meanwhile.
bool ServerConnection::Deliver() {
  while (true) {
    if (paused_) {
      waits_ = true;
      return false;
    }
    auto frame = decoder_.Next();
    if (!frame.ok()) {
      Fail(frame.status().WithContext("client process " + std::to_string(peer_pid_)));
      return false;
    }
    if (!frame->has_value()) return true;
    const std::shared_ptr<ConnectionHandlers> handlers = handlers_;
    handlers->on_frame(**std::move(frame));
    if (!open_ || closing_) return false;
  }
}

void ServerConnection::Write() {
  std::vector<asio::const_buffer> buffers;
  for (; writing_ < queue_.size() && writing_ < kMaxGather; ++writing_) {
    buffers.emplace_back(asio::buffer(queue_[writing_]));
  }
  asio::async_write(socket_, buffers,
                    [self = shared_from_this()](const boost::system::error_code& error, std::size_t bytes) {
                      self->OnWritten(error, bytes);
                    });
}

void ServerConnection::OnWritten(const boost::system::error_code& error, std::size_t bytes) {
  if (!open_) return;
  if (error) {
    // It reads no more. What it sent before still counts: the end comes by Read().
    deaf_ = true;
    queue_.clear();
    pending_bytes_ = writing_ = 0;
    if (closing_) Close();
    return;
  }
  pending_bytes_ -= bytes;
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(writing_));
  writing_ = 0;
  if (!queue_.empty()) return Write();
  if (closing_) Close();
}

void ServerConnection::Fail(Status why) {
  const std::shared_ptr<ConnectionHandlers> handlers = handlers_;
  Close();
  if (handlers && handlers->on_closed) handlers->on_closed(std::move(why));
}

}  // namespace troupe::ipc
