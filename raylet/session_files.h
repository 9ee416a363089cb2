// The files of a raylet's session folder: its lock and its ready file.
#pragma once

#include <string>

#include "common/session.h"
#include "common/status.h"

namespace troupe::raylet {

// Keeps other raylets out of a session folder for as long as it lives. Move-only.
class SessionLock {
 public:
  // Checks that `dir` is this user's and nobody else's to enter (FailedPrecondition, NotFound), takes <dir>/raylet.lock
  // (AlreadyExists when a raylet runs there), and makes <dir>/logs.
  static Result<SessionLock> Take(const std::string& dir);

  SessionLock(SessionLock&& other) noexcept;
  SessionLock& operator=(SessionLock&& other) noexcept;
  ~SessionLock();

  // Absolute, without links.
  const std::string& dir() const { return dir_; }

 private:
  SessionLock(std::string dir, int fd) : dir_(std::move(dir)), fd_(fd) {}

  std::string dir_;
  int fd_;
};

// Writes <dir>/node.json whole or not at all.
Status WriteNodeFile(const std::string& dir, const NodeFile& node);
// At the end; a missing file is no error.
void RemoveNodeFile(const std::string& dir);

}  // namespace troupe::raylet
