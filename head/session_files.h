// The files by which a head owns its session folder and lets others find it.
#pragma once

#include <string>

#include "common/status.h"

namespace troupe::head {

// OK when `directory` is there, is ours, and nobody else can enter it.
Status CheckSessionDirectory(const std::string& directory);

// Holds a file's lock as long as it lives; the kernel lets go when the process ends, however it ends.
class FileLock {
 public:
  // ALREADY_EXISTS when another process holds it. Does not wait.
  static Result<FileLock> Take(const std::string& path);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

// Replaces `path` (0600) as a whole, durably: a reader sees the old contents or the new.
Status WriteFileAtomically(const std::string& path, const std::string& contents);

}  // namespace troupe::head
