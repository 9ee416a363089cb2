// LocalCluster: a head with a raylet, or a raylet that joins a head, started on this machine by this process.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/daemon.h"
#include "common/session.h"
#include "common/status.h"

namespace troupe {

// What is not given, the raylet takes from the machine.
struct ClusterOptions {
  std::string head_address = {};  // HOST:PORT to join; empty: start a head, too
  std::string session_dir = {};   // empty: a new one under SessionRoot()
  std::string token_file = {};    // empty: TokenFile(), made when missing and a head is started
  std::string bind = "127.0.0.1";
  int head_port = 0;  // 0: any free one
  int node_port = 0;
  std::optional<double> num_cpus = {};
  std::optional<double> num_gpus = {};
  std::optional<std::uint64_t> memory = {};               // bytes
  std::optional<std::uint64_t> object_store_memory = {};  // bytes
  std::map<std::string, double> resources = {};           // custom ones
  std::map<std::string, std::string> labels = {};
  std::string node_name = {};
  std::string log_level = "info";
  bool die_with_parent = false;                     // see DaemonOptions
  std::chrono::milliseconds ready_timeout{30'000};  // of each daemon
};

// The daemons that StartCluster() started. A plain value: they go on when it is destroyed, until Stop().
struct LocalCluster {
  Session session;  // with both ready files, as they were when the daemons became ready
  std::string token_file;
  bool chose_session_dir = false;             // its name is StartCluster()'s: Stop() removes it
  bool reused_stale_dir = false;              // session_dir was left behind by daemons that no longer run
  std::vector<std::string> removed_sessions;  // by RemoveDeadSessions(), which a start in a new folder calls

  // Ends the raylet, then the head, then removes the session folder if StartCluster() chose it: one that the caller
  // named stays, with its logs. Idempotent. Blocks, up to `timeout` per daemon before it is killed.
  Status Stop(std::chrono::milliseconds timeout = std::chrono::seconds(10)) const;
};

// Starts the daemons and waits until they are ready. On failure nothing that was started is left: no process, and no
// folder that was made. InvalidArgument for values that no node can have, AlreadyExists when daemons run in
// `session_dir`, else why the daemon ended. Blocks up to ready_timeout per daemon. Thread-safe.
Result<LocalCluster> StartCluster(const ClusterOptions& options);

// Removes what a raylet leaves behind that is killed together with its guard: shared memory, and processes that it had
// started or that these had. Nothing of a raylet that runs.
void RemoveLeftovers(const Session& session);

// Ends the daemons of a session, raylet first. OK when none runs. Removes what a raylet leaves behind that is
// killed, now or before.
Status StopSession(const Session& session, std::chrono::milliseconds timeout);

// Removes what sessions under `root` left behind whose daemons no longer run, shared memory included, and returns the
// removed folders. Those that are only linked from there stay, and those that may still be starting are left alone.
std::vector<std::string> RemoveDeadSessions(const std::string& root);

}  // namespace troupe
