// Registry: where the head's promises are kept. What it has committed survives whatever the registry survives.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::head {

// One row that changes: `value` replaces it, no value deletes it. Keys and values are bytes.
struct RowChange {
  enum class Table {
    kActors,      // actor id -> ActorInfo
    kActorSpecs,  // actor id -> ActorSpec
    kJobs,        // job id -> JobInfo
  };
  Table table;
  std::string key;
  std::optional<std::string> value;
};

// Nothing is acknowledged, and no process is started, before its rows are committed. Loop thread only.
class Registry {
 public:
  virtual ~Registry() = default;

  // Makes all of `changes` durable, or none, then calls `committed` on the loop, now or later, in the order of the
  // commits. A registry that cannot commit never calls it, and ends the head: acknowledging less is not an option.
  virtual void Commit(std::vector<RowChange> changes, std::function<void()> committed) = 0;
};

// Survives nothing: for a cluster that ends with its head.
class MemoryRegistry : public Registry {
 public:
  using Rows = std::map<std::pair<RowChange::Table, std::string>, std::string>;

  void Commit(std::vector<RowChange> changes, std::function<void()> committed) override;

  const Rows& rows() const { return rows_; }
  std::uint64_t revision() const { return revision_; }  // counts commits

 private:
  Rows rows_;
  std::uint64_t revision_ = 0;
};

}  // namespace troupe::head
