#include "ipc/client_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <thread>
#include <utility>

#include "ipc/socket_address.h"

namespace troupe::ipc {

namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::chrono::milliseconds kRetryInterval{2};

// A fresh socket connected to `address`, or -errno. Non-blocking until connected, so that a full queue is an error to
// retry on and not a wait without end.
int TryConnect(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0) return fd;
  }
  const int error = errno;
  close(fd);
  return -error;
}

bool MayPass(int error) { return error == ENOENT || error == ECONNREFUSED || error == EAGAIN || error == EINTR; }

// Sends what the kernel takes of `parts` without waiting. The number of bytes, or -errno.
ssize_t SendSome(int fd, iovec* parts, std::size_t count) {
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = count;
  for (;;) {
    const ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return sent;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return -errno;
  }
}

}  // namespace

Result<std::unique_ptr<ClientSocket>> ClientSocket::Connect(const std::string& path, std::chrono::nanoseconds timeout) {
  TROUPE_ASSIGN_OR_RETURN(const sockaddr_un address, UnixAddress(path));
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  int fd = TryConnect(address);
  while (fd < 0 && MayPass(-fd) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kRetryInterval);
    fd = TryConnect(address);
  }
  if (fd < 0) return ErrnoStatus(-fd, "connecting to the raylet at '" + path + "' (is it running?)");
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    const int error = errno;
    close(fd);
    return ErrnoStatus(error, "connecting to the raylet at '" + path + "'");
  }
  std::unique_ptr<ClientSocket> client(new ClientSocket(fd, wake_fd, path));
  TROUPE_ASSIGN_OR_RETURN(const ucred peer, PeerCredentials(fd));
  if (peer.uid != geteuid()) {
    return PermissionDenied("the process that listens at '" + path + "' belongs to user " + std::to_string(peer.uid) +
                            ", not to this one (" + std::to_string(geteuid()) + ")");
  }
  return client;
}

ClientSocket::~ClientSocket() {
  close(fd_);
  close(wake_fd_);
}

Status ClientSocket::Send(std::uint16_t type, std::string_view payload) {
  TROUPE_ASSIGN_OR_RETURN(FrameHeader header, EncodeFrameHeader(type, payload.size()));
  if (generation_ != ForkGeneration()) return Unavailable("the connection to the raylet is the parent process's");
  const std::lock_guard lock(send_mutex_);
  if (!send_failed_.ok()) return send_failed_;
  const std::size_t bytes = header.size() + payload.size();
  std::size_t sent = 0;
  TROUPE_RETURN_IF_ERROR(SendQueued());  // the receiving thread may be busy with something else
  if (queue_.empty()) {
    iovec parts[] = {{header.data(), header.size()}, {const_cast<char*>(payload.data()), payload.size()}};
    const ssize_t result = SendSome(fd_, parts, 2);
    if (result < 0) return Fail(ErrnoStatus(static_cast<int>(-result), "sending to the raylet at '" + path_ + "'"));
    sent = static_cast<std::size_t>(result);
    if (sent == bytes) return OkStatus();
  }
  if (queued_bytes_ + bytes > kMaxQueuedBytes) {
    return Fail(Unavailable("the raylet at '" + path_ + "' does not read: " + std::to_string(queued_bytes_) +
                            " bytes wait for it"));
  }
  std::string rest(header.data(), header.size());
  rest.append(payload);
  rest.erase(0, sent);
  queued_bytes_ += rest.size();
  const bool first = queue_.empty();
  queue_.push_back(std::move(rest));
  if (first) eventfd_write(wake_fd_, 1);
  return OkStatus();
}

// Part of a frame may be out: nothing can follow it.
Status ClientSocket::Fail(Status why) {
  Shutdown();
  queue_.clear();
  queued_bytes_ = sent_ = 0;
  return send_failed_ = Unavailable(why.message());
}

std::size_t ClientSocket::queued_bytes() const {
  const std::lock_guard lock(send_mutex_);
  return queued_bytes_;
}

void ClientSocket::Flush() {
  bool drained = false;
  {
    const std::lock_guard lock(send_mutex_);
    if (queue_.empty()) return;
    if (!SendQueued().ok()) return;  // shows in Receive()
    drained = queue_.empty();
  }
  if (drained && on_drained_) on_drained_();
}

Status ClientSocket::SendQueued() {
  while (!queue_.empty()) {
    iovec part{queue_.front().data() + sent_, queue_.front().size() - sent_};
    const ssize_t result = SendSome(fd_, &part, 1);
    if (result < 0) return Fail(ErrnoStatus(static_cast<int>(-result), "sending to the raylet at '" + path_ + "'"));
    if (result == 0) return OkStatus();
    sent_ += static_cast<std::size_t>(result);
    queued_bytes_ -= static_cast<std::size_t>(result);
    if (sent_ < queue_.front().size()) continue;
    queue_.pop_front();
    sent_ = 0;
  }
  return OkStatus();
}

Result<Frame> ClientSocket::Receive(Deadline deadline) {
  if (!read_buffer_) read_buffer_ = std::make_unique_for_overwrite<char[]>(kReadBytes);
  while (true) {
    auto frame = decoder_.Next();
    if (!frame.ok()) return DataLoss("raylet at '" + path_ + "': " + frame.status().message());
    if (frame->has_value()) return **std::move(frame);
    TROUPE_ASSIGN_OR_RETURN(const bool read, ReadSome());
    if (read) continue;
    if (!Await(deadline)) return DeadlineExceeded("the raylet at '" + path_ + "' sent nothing in the time given");
  }
}

// Whether anything was there.
Result<bool> ClientSocket::ReadSome() {
  const ssize_t received = recv(fd_, read_buffer_.get(), kReadBytes, MSG_DONTWAIT);
  if (received == 0) return Unavailable("the raylet at '" + path_ + "' closed the connection");
  if (received > 0) {
    decoder_.Append({read_buffer_.get(), static_cast<std::size_t>(received)});
    return true;
  }
  if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) return false;
  return Unavailable(ErrnoStatus(errno, "receiving from the raylet at '" + path_ + "'").message());
}

// Sends what is queued until there may be something to read; false when the deadline has passed.
bool ClientSocket::Await(Deadline deadline) {
  for (;;) {
    Flush();
    int timeout = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
      timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
    }
    const short want = queued_bytes() > 0 ? POLLIN | POLLOUT : POLLIN;
    pollfd fds[] = {{fd_, want, 0}, {wake_fd_, POLLIN, 0}};
    const int ready = poll(fds, 2, timeout);
    if (ready == 0) return false;
    if (ready < 0) return errno == EINTR;  // else recv says what is wrong
    if (fds[1].revents != 0) {
      eventfd_t ignored;
      (void)eventfd_read(wake_fd_, &ignored);
    }
    if ((fds[0].revents & ~POLLOUT) != 0) return true;
  }
}

void ClientSocket::Shutdown() { shutdown(fd_, SHUT_RDWR); }

}  // namespace troupe::ipc
