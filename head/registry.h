// Registry: where the head's promises are kept. What it has committed survives whatever the registry survives.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/status.h"

namespace troupe::head {

// Rows are messages of proto/registry.proto, unless noted.
enum class Table {
  kCluster,     // "" -> ClusterRow
  kNodes,       // node id -> NodeInfo, without what reports say
  kJobs,        // job id (hex) -> JobRow
  kActors,      // actor id -> ActorRow
  kActorSpecs,  // actor id -> ActorSpec, of an actor that is not dead; written once, as it may be large
};

// One row that changes: `value` replaces it, no value deletes it. Keys and values are bytes.
struct RowChange {
  Table table;
  std::string key;
  std::optional<std::string> value;
};

using Rows = std::map<std::pair<Table, std::string>, std::string>;

// Loop thread only. Commits is the only one that commits.
class Registry {
 public:
  virtual ~Registry() = default;

  // What was committed before the head started. Once, before the first commit; blocks.
  virtual Result<Rows> Load() = 0;

  // Makes all of `changes` durable, or none, then calls `committed` on the loop, now or later, in the order of the
  // commits. A registry that cannot commit never calls it, and ends the head: acknowledging less is not an option.
  virtual void Commit(std::vector<RowChange> changes, std::function<void()> committed) = 0;
};

// Survives nothing: for a cluster that ends with its head.
class MemoryRegistry : public Registry {
 public:
  Result<Rows> Load() override { return rows_; }
  void Commit(std::vector<RowChange> changes, std::function<void()> committed) override;

  const Rows& rows() const { return rows_; }
  std::uint64_t revision() const { return revision_; }  // counts commits

 private:
  Rows rows_;
  std::uint64_t revision_ = 0;
};

}  // namespace troupe::head
