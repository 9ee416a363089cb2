#include "ipc/client_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
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

// Sends all that `parts` hold, or returns errno.
int SendAll(int fd, std::array<iovec, 2> parts) {
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  while (message.msg_iovlen > 0) {
    const ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno;
    auto left = static_cast<std::size_t>(sent);
    while (message.msg_iovlen > 0 && left >= message.msg_iov->iov_len) {
      left -= message.msg_iov->iov_len;
      ++message.msg_iov;
      --message.msg_iovlen;
    }
    if (message.msg_iovlen == 0) break;
    message.msg_iov->iov_base = static_cast<char*>(message.msg_iov->iov_base) + left;
    message.msg_iov->iov_len -= left;
  }
  return 0;
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
  std::unique_ptr<ClientSocket> client(new ClientSocket(fd, path));
  TROUPE_ASSIGN_OR_RETURN(const ucred peer, PeerCredentials(fd));
  if (peer.uid != geteuid()) {
    return PermissionDenied("the process that listens at '" + path + "' belongs to user " + std::to_string(peer.uid) +
                            ", not to this one (" + std::to_string(geteuid()) + ")");
  }
  return client;
}

ClientSocket::~ClientSocket() { close(fd_); }

Status ClientSocket::Send(std::uint16_t type, std::string_view payload) {
  TROUPE_ASSIGN_OR_RETURN(FrameHeader header, EncodeFrameHeader(type, payload.size()));
  if (generation_ != ForkGeneration()) return Unavailable("the connection to the raylet is the parent process's");
  const std::lock_guard lock(send_mutex_);
  if (!send_failed_.ok()) return send_failed_;
  const int error =
      SendAll(fd_, {iovec{header.data(), header.size()}, iovec{const_cast<char*>(payload.data()), payload.size()}});
  if (error == 0) return OkStatus();
  // Part of the frame may be out: nothing can follow it.
  Shutdown();
  return send_failed_ = Unavailable(ErrnoStatus(error, "sending to the raylet at '" + path_ + "'").message());
}

Result<Frame> ClientSocket::Receive() {
  if (!read_buffer_) read_buffer_ = std::make_unique_for_overwrite<char[]>(kReadBytes);
  while (true) {
    auto frame = decoder_.Next();
    if (!frame.ok()) return DataLoss("raylet at '" + path_ + "': " + frame.status().message());
    if (frame->has_value()) return **std::move(frame);
    const ssize_t received = recv(fd_, read_buffer_.get(), kReadBytes, 0);
    if (received == 0) return Unavailable("the raylet at '" + path_ + "' closed the connection");
    if (received > 0) {
      decoder_.Append({read_buffer_.get(), static_cast<std::size_t>(received)});
    } else if (errno != EINTR) {
      return Unavailable(ErrnoStatus(errno, "receiving from the raylet at '" + path_ + "'").message());
    }
  }
}

bool ClientSocket::Closed() const {
  pollfd state{.fd = fd_, .events = POLLRDHUP, .revents = 0};
  return poll(&state, 1, 0) > 0;
}

void ClientSocket::Shutdown() { shutdown(fd_, SHUT_RDWR); }

}  // namespace troupe::ipc
