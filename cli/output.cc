#include "cli/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "common/status.h"

namespace troupe::cli {

WriteError::WriteError(int error)
    : std::runtime_error(ErrnoStatus(error, "cannot write to standard output").message()),
      reader_gone_(error == EPIPE) {}

Output::Output(int fd) : std::ostream(static_cast<std::streambuf*>(this)), fd_(fd) {
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  exceptions(std::ios::badbit);  // passes on what is thrown here
}

int Output::overflow(int character) {
  WriteAll();
  if (character != EOF) sputc(static_cast<char>(character));
  return 0;
}

int Output::sync() {
  WriteAll();
  return 0;
}

void Output::WriteAll() {
  const char* next = pbase();
  while (next != pptr()) {
    const ssize_t written = ::write(fd_, next, static_cast<std::size_t>(pptr() - next));
    if (written >= 0) {
      next += written;
    } else if (errno == EAGAIN) {  // somebody else's terminal or pipe, made non-blocking
      pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      const int error = errno;
      setp(buffer_.data(), buffer_.data() + buffer_.size());
      throw WriteError(error);
    }
  }
  setp(buffer_.data(), buffer_.data() + buffer_.size());
}

}  // namespace troupe::cli
