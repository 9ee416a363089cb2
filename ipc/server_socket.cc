#include "ipc/server_socket.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/logging.h"
#include "ipc/socket_address.h"

namespace troupe::ipc {

namespace asio = boost::asio;

namespace {

constexpr int kBacklog = 512;
constexpr std::chrono::milliseconds kRetryInterval{100};

// A descriptor that closes itself unless released.
class UniqueFd {
 public:
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~UniqueFd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

bool SomebodyListens(const sockaddr_un& address) {
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int result = connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return result == 0 || errno != ECONNREFUSED;  // EAGAIN: someone, and busy
}

// Whatever is not a socket was not left by a raylet and is not ours to remove.
bool IsSocket(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

int BindTo(const UniqueFd& fd, const sockaddr_un& address) {
  return bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
}

Result<UniqueFd> BindAndListen(const std::string& path) {
  const std::string what = "listening at '" + path + "'";
  TROUPE_ASSIGN_OR_RETURN(const sockaddr_un address, UnixAddress(path));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // The socket's own mode becomes the file's at bind(2): no moment in which others could connect, no umask to change.
  if (fd.get() < 0 || fchmod(fd.get(), 0600) != 0) return ErrnoStatus(errno, what);
  int error = BindTo(fd, address);
  if (error == EADDRINUSE && IsSocket(path)) {
    if (SomebodyListens(address)) return AlreadyExists(what + ": another process listens there; stop it first");
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return ErrnoStatus(errno, "removing stale socket '" + path + "'");
    error = BindTo(fd, address);
  }
  if (error == EADDRINUSE) return AlreadyExists(what + ": something else has that name");
  if (error != 0) return ErrnoStatus(error, what);
  if (listen(fd.get(), kBacklog) != 0) return ErrnoStatus(errno, what);
  return fd;
}

}  // namespace

ServerSocket::ServerSocket(asio::io_context& context, std::string path, OnAccept on_accept)
    : acceptor_(context),
      retry_(context),
      path_(std::move(path)),
      on_accept_(std::make_shared<const OnAccept>(std::move(on_accept))) {}

ServerSocket::~ServerSocket() { Close(); }

Result<std::shared_ptr<ServerSocket>> ServerSocket::Listen(asio::io_context& context, const std::string& path,
                                                           OnAccept on_accept) {
  TROUPE_ASSIGN_OR_RETURN(UniqueFd fd, BindAndListen(path));
  auto server = std::make_shared<ServerSocket>(context, path, std::move(on_accept));
  boost::system::error_code error;
  server->acceptor_.assign(asio::local::stream_protocol(), fd.get(), error);
  if (error) {
    unlink(path.c_str());
    return Internal("listening at '" + path + "': " + error.message());
  }
  fd.Release();
  server->WaitForClient();
  return server;
}

void ServerSocket::Close() {
  if (!acceptor_.is_open()) return;
  unlink(path_.c_str());
  boost::system::error_code ignored;  // there is nothing to do about a close that fails
  acceptor_.close(ignored);
  retry_.cancel();
}

void ServerSocket::WaitForClient() {
  acceptor_.async_wait(asio::socket_base::wait_read, [weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (self && !error) self->AcceptAll();
  });
}

// Accepts with accept4(2) rather than through asio, which would leave the descriptors open across exec.
void ServerSocket::AcceptAll() {
  while (acceptor_.is_open()) {
    const int fd = accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      Admit(fd);
    } else if (errno == EAGAIN) {
      return WaitForClient();
    } else if (errno != EINTR && errno != ECONNABORTED) {
      // Out of descriptors or memory, most likely: the client stays queued, and trying at once would only burn CPU.
      return RetryLater(ErrnoStatus(errno, "accepting a client at '" + path_ + "'; trying again"));
    }
  }
}

void ServerSocket::RetryLater(const Status& why) {
  spdlog::error("{}", why.message());
  retry_.expires_after(kRetryInterval);
  retry_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (self && !error) self->AcceptAll();
  });
}

void ServerSocket::Admit(int accepted) {
  UniqueFd fd(accepted);
  const Result<ucred> peer = PeerCredentials(fd.get());
  if (!peer.ok() || peer->uid != geteuid()) {
    spdlog::warn("refused a client at '{}': {}", path_,
                 peer.ok() ? "process " + std::to_string(peer->pid) + " of user " + std::to_string(peer->uid)
                           : peer.status().message());
    return;
  }
  boost::system::error_code error;
  asio::local::stream_protocol::socket socket(acceptor_.get_executor());
  socket.assign(asio::local::stream_protocol(), fd.get(), error);
  if (error) {
    spdlog::error("client process {} at '{}': {}", peer->pid, path_, error.message());
    return;
  }
  fd.Release();
  const std::shared_ptr<const OnAccept> on_accept = on_accept_;
  (*on_accept)(std::make_shared<ServerConnection>(std::move(socket), peer->pid));
}

}  // namespace troupe::ipc
