#include "common/stdio_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

namespace troupe {

void ReserveStdio() {
  for (;;) {
    // The lowest that is free.
    const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (fd > STDERR_FILENO) {
      close(fd);
      return;
    }
    if (fd == STDIN_FILENO) continue;
    const int readable = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (readable >= 0) {
      dup3(readable, fd, O_CLOEXEC);
      close(readable);
    }
  }
}

}  // namespace troupe
