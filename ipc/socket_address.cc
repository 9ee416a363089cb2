#include "ipc/socket_address.h"

#include <cerrno>
#include <cstring>

namespace troupe::ipc {

Result<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.find('\0') != std::string::npos) {
    return InvalidArgument("socket path '" + path + "' is empty or holds a zero byte");
  }
  if (path.size() >= sizeof(address.sun_path)) {
    return InvalidArgument("socket path '" + path + "' has " + std::to_string(path.size()) +
                           " bytes, the system takes " + std::to_string(sizeof(address.sun_path) - 1) +
                           "; choose a shorter session folder");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<ucred> PeerCredentials(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return ErrnoStatus(errno, "reading who is at the other end of a socket");
  }
  return peer;
}

}  // namespace troupe::ipc
