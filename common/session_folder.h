// SessionFolder: a session's folder while daemons are being started in it. Private to common/.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/status.h"

namespace troupe {

// Holds the folder's lock until destroyed, so that two starts do not mix and nobody takes it for abandoned.
class SessionFolder {
 public:
  // A new one under `root`.
  static Result<SessionFolder> Create(const std::string& root);

  // `dir`, made when missing. AlreadyExists when daemons run or are being started there, PermissionDenied when it is
  // not this user's alone. Ready files and shared memory of daemons that no longer run are removed.
  static Result<SessionFolder> Open(const std::string& dir);

  SessionFolder(SessionFolder&& other) noexcept
      : dir_(std::move(other.dir_)), lock_(std::exchange(other.lock_, -1)), made_(other.made_), stale_(other.stale_) {}
  SessionFolder& operator=(SessionFolder&&) = delete;
  ~SessionFolder();

  const std::string& dir() const { return dir_; }
  std::string log_dir() const { return dir_ + "/logs"; }
  bool made() const { return made_; }    // it did not exist before
  bool stale() const { return stale_; }  // daemons had run in it

 private:
  SessionFolder(std::string dir, int lock, bool made, bool stale)
      : dir_(std::move(dir)), lock_(lock), made_(made), stale_(stale) {}
  static Result<SessionFolder> Lock(const std::string& dir, bool made);

  std::string dir_;
  int lock_;
  bool made_;
  bool stale_;
};

}  // namespace troupe
