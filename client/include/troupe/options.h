// Options of tasks, actors and calls, for designated initialisers: {.num_cpus = 2, .name = "x"}.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "troupe/ids.h"
#include "troupe/internal/overridable.h"

namespace troupe {

enum class Lifetime { kScoped, kDetached };

// Where to run. Default: packs nodes until they are half used, then takes the least used, near large arguments.
struct Scheduling {
  enum class Kind { kDefault, kSpread, kNode };
  Kind kind = Kind::kDefault;
  NodeId node = {};
  bool soft = false;                               // kNode: elsewhere when the node is gone or too small
  std::map<std::string, std::string> labels = {};  // only nodes with all of these

  static Scheduling Spread() { return {.kind = Kind::kSpread, .node = {}, .soft = false, .labels = {}}; }
  static Scheduling OnNode(NodeId id, bool is_soft = false) {
    return {.kind = Kind::kNode, .node = id, .soft = is_soft, .labels = {}};
  }
  static Scheduling WithLabels(std::map<std::string, std::string> required) {
    return {.kind = Kind::kDefault, .node = {}, .soft = false, .labels = std::move(required)};
  }
};

// What is not given comes from the class's DefaultOptions(), and then from the comment here. What is given, be it 0 or
// empty, takes the place of the class's default.
struct ActorOptions {
  internal::Overridable<std::string> name =
      internal::FromDefaults();  // unique in its namespace, UTF-8 up to 255 bytes; empty: anonymous
  internal::Overridable<std::string> name_space = internal::FromDefaults();  // empty: the job's
  std::optional<Lifetime> lifetime = {};  // kScoped: ends with its last handle; kDetached: until killed
  std::optional<double> num_cpus = {};    // held while it lives; 0
  std::optional<double> num_gpus = {};    // 0
  std::optional<double> memory = {};      // bytes, for scheduling only; 0
  internal::Overridable<std::map<std::string, double>> resources = internal::FromDefaults();  // custom ones
  std::optional<Scheduling> scheduling = {};
  std::optional<std::int64_t> max_restarts = {};      // 0; -1: without limit
  std::optional<std::int64_t> max_task_retries = {};  // of its calls when the process dies: 0; -1: without limit
  std::optional<bool> get_if_exists = {};             // return the actor that has the name, which is given; false
  std::optional<std::uint32_t> max_pending_calls =
      {};  // further calls are refused; 0: calls block instead, at a large bound
};

// What is not given comes from the comment here.
struct TaskOptions {
  std::string name = {};                         // for people; the function's
  std::optional<double> num_cpus = {};           // 1
  std::optional<double> num_gpus = {};           // 0
  std::optional<double> memory = {};             // bytes, for scheduling only; 0
  std::map<std::string, double> resources = {};  // custom ones
  std::optional<Scheduling> scheduling = {};
  std::optional<std::int64_t> max_retries = {};  // when its process dies: 3; -1: without limit
  std::optional<bool> retry_exceptions = {};     // also when it throws; false
};

struct CallOptions {
  std::optional<std::int64_t> max_task_retries = {};  // the actor's
  std::optional<bool> retry_exceptions = {};          // false
};

struct WaitOptions {
  std::size_t num_returns = 1;
  std::optional<std::chrono::nanoseconds> timeout = {};  // none: waits without limit
};

struct InitOptions {
  std::string address = {};     // head's HOST:PORT or a session folder; empty: $TROUPE_ADDRESS, else a local cluster
  std::string name_space = {};  // empty: $TROUPE_NAMESPACE, else one of the job's own
  std::optional<double> num_cpus = {};  // of a local cluster; the machine's
  std::optional<double> num_gpus = {};
  std::map<std::string, double> resources = {};
  std::optional<std::uint64_t> object_store_memory = {};  // bytes, of a local cluster
  bool ignore_reinit = false;                             // a second Init does nothing instead of throwing
  bool log_to_driver = true;                              // show what workers print
};

}  // namespace troupe
