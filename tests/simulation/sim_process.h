// SimProcess: a driver or worker of a simulated world, and what it has said and heard.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/event_loop.h"
#include "proto/client.pb.h"
#include "troupe/ids.h"

namespace troupe::simulation {

class SimNode;

struct SimProcess {
  ProcessId id;
  pid_t pid = 0;
  NodeId node;
  std::uint64_t job = 0;
  pb::WorkerInfo::Kind kind = pb::WorkerInfo::WORKER;

  bool alive = true;  // in the world; its raylet may know later
  bool connected = false;
  bool leaving = false;
  MonotonicTime registered{};
  MonotonicTime last_sent{};      // arrives
  MonotonicTime last_received{};  // arrives

  std::optional<pb::AssignActor> actor;  // that it hosts
  std::uint64_t last_id = 0;             // of what it makes, and of requests
  std::vector<ActorId> made;
  std::map<std::uint64_t, std::pair<std::string, MonotonicTime>> asked;  // what waits for an answer, and since when
  std::map<std::uint64_t, std::uint32_t> wanted;                         // leases, by key
  std::map<std::string, pb::ActorInfo> told;                             // the latest of each actor
  std::set<ProcessId> watched;                                           // whose ends it has asked for
  std::set<ProcessId> heard;                                             // to be dead
  std::set<NodeId> heard_nodes;

  bool is_driver() const { return kind == pb::WorkerInfo::DRIVER; }
};

}  // namespace troupe::simulation
