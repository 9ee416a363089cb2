// WorkerTable: which drivers, workers and templates there are, and where each that ended has been.
#pragma once

#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "proto/common.pb.h"
#include "troupe/ids.h"

namespace troupe::head {

// Loop thread only. Keeps the last 10 000 that ended, so that their logs are found.
class WorkerTable {
 public:
  static constexpr std::size_t kGoneKept = 10'000;

  // `node` is the one whose raylet says so. Processes without an id are not kept.
  void Update(const NodeId& node, const pb::WorkerInfo& worker);
  // Whether this is news.
  bool Gone(const NodeId& node, ProcessId process);
  // All that ran there; returns them.
  std::vector<ProcessId> NodeDied(const NodeId& node);

  bool IsGone(ProcessId process) const { return gone_.contains(process); }
  // Where the process runs or ran.
  std::optional<NodeId> NodeOf(ProcessId process) const;
  std::vector<pb::WorkerInfo> List() const;  // those that run

 private:
  struct Worker {
    NodeId node;
    pb::WorkerInfo info;
  };

  std::unordered_map<ProcessId, Worker> running_;
  std::unordered_map<ProcessId, NodeId> gone_;
  std::deque<ProcessId> gone_order_;
};

}  // namespace troupe::head
