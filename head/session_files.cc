#include "head/session_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace troupe::head {
namespace {

// Closes a descriptor at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status SyncDirectoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash);
  Descriptor fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || fsync(fd.get()) != 0) return ErrnoStatus(errno, "cannot sync " + directory);
  return OkStatus();
}

}  // namespace

Status CheckSessionDirectory(const std::string& directory) {
  struct stat entry {};
  if (stat(directory.c_str(), &entry) != 0) return ErrnoStatus(errno, "session folder " + directory);
  if (!S_ISDIR(entry.st_mode)) return InvalidArgument("session folder " + directory + " is not a folder");
  if (entry.st_uid != geteuid()) return PermissionDenied("session folder " + directory + " belongs to another user");
  if ((entry.st_mode & 077) == 0) return OkStatus();
  return PermissionDenied("session folder " + directory + " is open to other users; run chmod 700 on it");
}

Result<FileLock> FileLock::Take(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return ErrnoStatus(errno, "cannot open " + path);
  FileLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return ErrnoStatus(errno, "cannot lock " + path);
  return AlreadyExists("another head uses this session folder (it holds " + path +
                       "); stop it, or take another folder");
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

Status WriteFileAtomically(const std::string& path, const std::string& contents) {
  const std::string temporary = path + ".tmp";
  {
    Descriptor fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd.get() < 0) return ErrnoStatus(errno, "cannot make " + temporary);
    const ssize_t written = write(fd.get(), contents.data(), contents.size());
    if (written != static_cast<ssize_t>(contents.size())) {
      return ErrnoStatus(written < 0 ? errno : ENOSPC, "cannot write " + temporary);
    }
    if (fsync(fd.get()) != 0) return ErrnoStatus(errno, "cannot sync " + temporary);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return ErrnoStatus(errno, "cannot replace " + path);
  return SyncDirectoryOf(path);
}

}  // namespace troupe::head
