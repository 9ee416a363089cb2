#include "raylet/session_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/session_memory.h"

namespace troupe::raylet {
namespace {

Status CheckFolder(const std::string& dir) {
  struct stat info {};
  if (::lstat(dir.c_str(), &info) != 0) return ErrnoStatus(errno, "session folder " + dir);
  if (!S_ISDIR(info.st_mode)) return FailedPrecondition("session folder " + dir + " is no folder");
  if (info.st_uid != ::geteuid() || (info.st_mode & 077) != 0) {
    return FailedPrecondition(
        "session folder " + dir +
        " must belong to this user, and others must not be able to enter it; run chmod 700 on it");
  }
  return OkStatus();
}

std::string NodeFilePath(const std::string& dir) { return dir + "/node.json"; }

Status WriteWhole(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, path);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  return written ? OkStatus() : ErrnoStatus(error, path);
}

}  // namespace

Result<SessionLock> SessionLock::Take(const std::string& dir) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(dir.c_str(), nullptr), &std::free);
  if (!real) return ErrnoStatus(errno, "session folder " + dir);
  const std::string path = real.get();
  TROUPE_RETURN_IF_ERROR(CheckFolder(path));
  const std::string lock_path = RayletLockPath(path);
  const int fd = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return ErrnoStatus(errno, lock_path);
  SessionLock lock(path, fd);
  if (!TakeRayletLock(fd)) {
    return AlreadyExists("a raylet runs in session folder " + path + " already; give each node a folder of its own");
  }
  const std::string logs = path + "/logs";
  if (::mkdir(logs.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, logs);
  return lock;
}

SessionLock::SessionLock(SessionLock&& other) noexcept
    : dir_(std::move(other.dir_)), fd_(std::exchange(other.fd_, -1)) {}

SessionLock& SessionLock::operator=(SessionLock&& other) noexcept {
  std::swap(dir_, other.dir_);
  std::swap(fd_, other.fd_);
  return *this;
}

SessionLock::~SessionLock() {
  if (fd_ >= 0) ::close(fd_);
}

Status WriteNodeFile(const std::string& dir, const NodeFile& node) {
  const nlohmann::json json = {{"node_id", node.node_id}, {"address", node.address}, {"head", node.head},
                               {"pid", node.pid},         {"socket", node.socket},   {"cluster_id", node.cluster_id},
                               {"version", node.version}, {"limits", node.limits}};
  const std::string path = NodeFilePath(dir);
  const std::string temporary = path + ".new";
  TROUPE_RETURN_IF_ERROR(WriteWhole(temporary, json.dump() + "\n"));
  if (::rename(temporary.c_str(), path.c_str()) != 0) return ErrnoStatus(errno, path);
  return OkStatus();
}

void RemoveNodeFile(const std::string& dir) { ::unlink(NodeFilePath(dir).c_str()); }

}  // namespace troupe::raylet
