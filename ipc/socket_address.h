// Addresses and peers of unix sockets; shared by the client's and the raylet's end.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "common/status.h"

namespace troupe::ipc {

// InvalidArgument when `path` is empty, holds a zero byte, or is too long for a socket address (107 bytes).
Result<sockaddr_un> UnixAddress(const std::string& path);

// The process at the other end, as the kernel saw it when it connected or began to listen.
Result<ucred> PeerCredentials(int fd);

}  // namespace troupe::ipc
