// Session: the folder in which the daemons of one node keep their sockets, logs and ready files, and where to find it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"

namespace troupe {

// What a head that is ready writes to <session>/head.json.
struct HeadFile {
  std::string address;  // HOST:PORT
  pid_t pid = 0;
  std::string cluster_id;  // hexadecimal
  std::string version;
  std::int64_t started_ms = 0;  // wall clock, milliseconds since the epoch
};

// What a raylet that is ready writes to <session>/node.json.
struct NodeFile {
  std::string node_id;  // hexadecimal
  std::string address;  // HOST:PORT of the raylet
  std::string head;     // HOST:PORT of its head
  pid_t pid = 0;
  std::string socket;  // path of the unix socket for drivers and workers
  std::string cluster_id;
  std::string version;
  std::vector<std::string> limits;  // why the node offers less than its machine seems to have; for people
};

// A session folder as found on disk: a snapshot, for the processes may end at any time.
struct Session {
  std::string dir;               // absolute, without links
  std::optional<HeadFile> head;  // the ready files that exist and parse
  std::optional<NodeFile> node;
  std::uint64_t head_start = 0;  // start time of the process as in ProcessStartTime(); 0: it does not run
  std::uint64_t node_start = 0;
  bool listed_only = false;      // lies outside the session root and is only linked from there
  std::int64_t modified_ns = 0;  // when its newest ready file, or else the folder, was written

  bool head_alive() const { return head_start != 0; }
  bool node_alive() const { return node_start != 0; }
  bool alive() const { return head_alive() || node_alive(); }
};

// All functions here are thread-safe and block for a few file operations only.

// $TROUPE_SESSION_ROOT, else /tmp/troupe-<uid>; made with mode 0700 when missing. PermissionDenied for a link, a folder
// of another user, or one that others may enter.
Result<std::string> SessionRoot();

// The session in `dir`; NotFound when there is no such folder. A ready file that does not parse counts as missing.
Result<Session> ReadSession(const std::string& dir);

// The sessions under `root` and those linked from there, newest first; none when the folder cannot be read.
std::vector<Session> ListSessions(const std::string& root);

// Lets ListSessions(root) find a session folder that lies elsewhere, until the folder is gone.
Status LinkSession(const std::string& root, const std::string& dir);

// The session to join for `address`, which is HOST:PORT of a head (a live session of this machine whose raylet belongs
// to it, the head's own node preferred), the path of a session folder, or empty for $TROUPE_ADDRESS. NotFound says
// what was looked for and what to do, also when neither address is given.
Result<Session> FindSession(const std::string& address);

// The newest session under SessionRoot() in which a daemon runs; NotFound when there is none.
Result<Session> NewestSession();

// HOST:PORT of the heads of all clusters that have a daemon running in a session under SessionRoot(): that of
// NewestSession() first, each once.
std::vector<std::string> RunningClusters();

// HOST:PORT of the head to talk to for `address`: HOST:PORT itself, that of a session folder, or when empty that of
// $TROUPE_ADDRESS, else of NewestSession(). InvalidArgument for what is neither, NotFound as the above. That a head
// answers there is not known.
Result<std::string> HeadAddress(const std::string& address);

// Start time of process `pid` in clock ticks since boot; nullopt when it does not run (a zombie does not).
std::optional<std::uint64_t> ProcessStartTime(pid_t pid);

// Path of the cluster's token: $TROUPE_TOKEN_FILE, else ~/.troupe/token. NotFound without a home directory.
Result<std::string> TokenFile();

// The token in `path`: 64 hexadecimal digits. NotFound when there is no such file; PermissionDenied unless it is this
// user's, and no one else's to read; InvalidArgument for other content.
Result<std::string> LoadToken(const std::string& path);

// The same, but makes a file with 256 random bits when there is none. Of several programs that make it at once all get
// the same token.
Result<std::string> LoadOrMakeToken(const std::string& path);

}  // namespace troupe
