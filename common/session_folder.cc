#include "common/session_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <filesystem>

#include "common/local_cluster.h"
#include "common/session.h"
#include "troupe/ids.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockName = "/start.lock";

// Time first: names sort by age.
std::string NewName() {
  const std::time_t now = std::time(nullptr);
  std::tm time{};
  gmtime_r(&now, &time);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "session_%Y%m%d-%H%M%S-", &time);
  return text.data() + Id64<struct NameTag>::Random().Hex().substr(0, 8);
}

Status CheckOwnFolder(const std::string& dir) {
  struct stat info {};
  if (stat(dir.c_str(), &info) != 0) return ErrnoStatus(errno, "cannot look at the session folder " + dir);
  if (!S_ISDIR(info.st_mode)) return InvalidArgument("the session folder " + dir + " is not a folder");
  if (info.st_uid != geteuid()) {
    return PermissionDenied("the session folder " + dir + " belongs to another user (uid " +
                            std::to_string(info.st_uid) + "): choose another");
  }
  if ((info.st_mode & 077) != 0) {
    return PermissionDenied("the session folder " + dir +
                            " is open to other users: choose another, or, if it is "
                            "yours alone, run chmod 700 " +
                            dir);
  }
  return OkStatus();
}

int OpenLocked(const std::string& dir, int flags) {
  const int lock = open((dir + kLockName).c_str(), O_RDWR | O_CLOEXEC | flags, 0600);
  if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    close(lock);
    errno = error;
    return -1;
  }
  return lock;
}

Status AlreadyRuns(const Session& session) {
  const std::string pid = std::to_string(session.head_alive() ? session.head->pid : session.node->pid);
  return AlreadyExists("session folder " + session.dir + " is in use: a " + (session.head_alive() ? "head" : "raylet") +
                       " runs there (pid " + pid + "); stop it with `troupe stop --session-dir " + session.dir +
                       "`, or choose another folder");
}

// Long enough that whoever made the folder has locked it by then.
bool MayBeStarting(const Session& session) {
  constexpr std::int64_t kGraceNs = 60'000'000'000;
  if (session.head || session.node) return false;
  return std::time(nullptr) * 1'000'000'000 - session.modified_ns < kGraceNs;
}

}  // namespace

SessionFolder::~SessionFolder() {
  if (lock_ >= 0) close(lock_);
}

Result<SessionFolder> SessionFolder::Create(const std::string& root) {
  const std::string dir = root + "/" + NewName();
  if (mkdir(dir.c_str(), 0700) != 0) return ErrnoStatus(errno, "cannot make the session folder " + dir);
  return Lock(dir, /*made=*/true);
}

Result<SessionFolder> SessionFolder::Open(const std::string& dir) {
  std::error_code error;
  const std::string path = fs::absolute(dir, error).lexically_normal();
  fs::create_directories(fs::path(path).parent_path(), error);
  if (error) return ErrnoStatus(error.value(), "cannot make the session folder " + path);
  const bool made = mkdir(path.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return ErrnoStatus(errno, "cannot make the session folder " + path);
  return Lock(path, made);
}

Result<SessionFolder> SessionFolder::Lock(const std::string& dir, bool made) {
  TROUPE_RETURN_IF_ERROR(CheckOwnFolder(dir));
  const int lock = OpenLocked(dir, O_CREAT);
  if (lock < 0 && errno == EWOULDBLOCK) {
    return AlreadyExists("session folder " + dir + " is in use: another start is going on there; wait for it, or " +
                         "choose another folder");
  }
  if (lock < 0) return ErrnoStatus(errno, "cannot write to the session folder " + dir);
  SessionFolder folder(dir, lock, made, /*stale=*/false);
  TROUPE_ASSIGN_OR_RETURN(const Session session, ReadSession(dir));
  if (session.alive()) return AlreadyRuns(session);
  folder.dir_ = session.dir;
  folder.stale_ = session.head || session.node;
  RemoveLeftovers(session);
  unlink((session.dir + "/head.json").c_str());
  unlink((session.dir + "/node.json").c_str());
  if (mkdir(folder.log_dir().c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, "cannot make " + folder.log_dir());
  }
  return folder;
}

std::vector<std::string> RemoveDeadSessions(const std::string& root) {
  std::vector<std::string> removed;
  std::error_code error;
  for (const Session& session : ListSessions(root)) {
    if (session.alive() || MayBeStarting(session)) continue;
    const int lock = OpenLocked(session.dir, O_CREAT);
    if (lock < 0) continue;
    // Somebody may have started here between the look and the lock.
    const Result<Session> again = ReadSession(session.dir);
    const bool dead = again.ok() && !again->alive();
    if (dead) RemoveLeftovers(*again);
    if (dead && !session.listed_only && fs::remove_all(session.dir, error) > 0 && !error) {
      removed.push_back(session.dir);
    }
    close(lock);
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(root, error)) {
    if (entry.is_symlink(error) && !fs::exists(entry.path(), error)) fs::remove(entry.path(), error);
  }
  return removed;
}

}  // namespace troupe
