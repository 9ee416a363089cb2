// LogTail: follows one growing file.
#pragma once

#include <cstdint>
#include <string>

namespace troupe::raylet {

// Loop thread only. A file that is not there yet is an empty one.
class LogTail {
 public:
  // `keep_bytes`: of what has been read, how much stays on disk; older blocks are given back, so that a program that
  // writes without end does not fill the disk. Offsets in the file do not change by that.
  LogTail(std::string path, std::uint64_t keep_bytes) : path_(std::move(path)), keep_bytes_(keep_bytes) {}
  ~LogTail();
  LogTail(const LogTail&) = delete;
  LogTail& operator=(const LogTail&) = delete;

  // The next bytes, at most `max_bytes`; empty at the end of the file, or when it cannot be read.
  std::string Read(std::size_t max_bytes);

  // Bytes that are there and not yet read, as of the last Read().
  std::uint64_t backlog() const { return backlog_; }

 private:
  void Trim();

  const std::string path_;
  const std::uint64_t keep_bytes_;
  int fd_ = -1;
  std::uint64_t offset_ = 0;
  std::uint64_t backlog_ = 0;
  std::uint64_t trimmed_ = 0;  // bytes before this are given back
};

}  // namespace troupe::raylet
