#include "raylet/logs/log_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace troupe::raylet {
namespace {

// A multiple of every block size in use: a block that is only partly in the range would be zeroed there, not freed.
constexpr std::uint64_t kTrimUnit = 64u << 10;

constexpr std::uint64_t kTrimStep = 4u << 20;  // at a time, for the loop waits for it

}  // namespace

LogTail::~LogTail() {
  if (fd_ >= 0) close(fd_);
}

std::string LogTail::Read(std::size_t max_bytes) {
  backlog_ = 0;
  if (fd_ < 0) fd_ = open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd_ < 0) return {};
  struct stat info;
  const bool known = fstat(fd_, &info) == 0;
  const std::uint64_t size = known ? static_cast<std::uint64_t>(info.st_size) : 0;
  if (size <= offset_) return {};
  std::string data(std::min<std::uint64_t>(max_bytes, size - offset_), '\0');
  ssize_t count = 0;
  do count = pread(fd_, data.data(), data.size(), static_cast<off_t>(offset_));
  while (count < 0 && errno == EINTR);
  data.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  offset_ += data.size();
  backlog_ = data.empty() ? 0 : size - offset_;  // an unreadable file has nothing to wait for
  Trim();
  return data;
}

void LogTail::Trim() {
  if (offset_ < trimmed_ + keep_bytes_ + std::min(keep_bytes_, kTrimStep)) return;
  const std::uint64_t until = (offset_ - keep_bytes_) / kTrimUnit * kTrimUnit;
  if (until <= trimmed_) return;
  // A file system that cannot do this (EOPNOTSUPP) keeps everything; asking again each time costs little.
  if (fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(trimmed_),
                static_cast<off_t>(until - trimmed_)) == 0) {
    trimmed_ = until;
  }
}

}  // namespace troupe::raylet
