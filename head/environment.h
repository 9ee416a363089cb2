// What the head's state gets from outside: time, chance, the raylets and the registry. Tests give fakes.
#pragma once

#include <cstdint>
#include <functional>

#include "common/event_loop.h"
#include "common/status.h"
#include "head/commits.h"
#include "head/node_sender.h"
#include "head/registry.h"
#include "proto/head.pb.h"
#include "troupe/ids.h"

namespace troupe::head {

// Takes the answer to a request, once, on the loop.
template <class T>
using Reply = std::function<void(Result<T>)>;

// Everything referred to outlives the Cluster.
struct Ports {
  EventLoop& loop;
  NodeSender& nodes;
  Registry& registry;
  std::function<double()> random;         // in [0, 1)
  std::function<std::int64_t()> wall_ms;  // milliseconds since the epoch; shown to people, decides nothing
  std::function<JobId()> new_job_id = [] { return JobId::Random(); };
};

// What the state classes see of it. Everything referred to outlives them.
struct Environment {
  EventLoop& loop;
  Commits& commits;
  NodeSender& nodes;    // sends when what was decided before is committed
  NodeSender& at_once;  // sends now: for what rests on no row
  std::function<double()> random;
  std::function<std::int64_t()> wall_ms;
  std::function<JobId()> new_job_id;
  // Which start of the head this is, counted from 1. Of two words of heads about one thing, the one of the later epoch
  // is the newer, and within an epoch the one of the higher version.
  std::uint64_t epoch = 1;
};

}  // namespace troupe::head
