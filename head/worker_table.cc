#include "head/worker_table.h"

namespace troupe::head {

void WorkerTable::Update(const NodeId& node, const pb::WorkerInfo& worker) {
  const ProcessId process{worker.id()};
  // Ids are never used again: what is gone stays gone, whatever arrives late.
  if (!process || gone_.contains(process)) return;
  Worker& entry = running_[process];
  entry.node = node;
  entry.info = worker;
  entry.info.set_node(node.Bytes());
}

bool WorkerTable::Gone(const NodeId& node, ProcessId process) {
  if (!process || !gone_.emplace(process, node).second) return false;
  running_.erase(process);
  gone_order_.push_back(process);
  if (gone_order_.size() > kGoneKept) {
    gone_.erase(gone_order_.front());
    gone_order_.pop_front();
  }
  return true;
}

std::vector<ProcessId> WorkerTable::NodeDied(const NodeId& node) {
  std::vector<ProcessId> ended;
  for (const auto& [process, worker] : running_) {
    if (worker.node == node) ended.push_back(process);
  }
  for (const ProcessId& process : ended) Gone(node, process);
  return ended;
}

std::optional<NodeId> WorkerTable::NodeOf(ProcessId process) const {
  if (auto it = running_.find(process); it != running_.end()) return it->second.node;
  if (auto it = gone_.find(process); it != gone_.end()) return it->second;
  return std::nullopt;
}

std::vector<pb::WorkerInfo> WorkerTable::List() const {
  std::vector<pb::WorkerInfo> list;
  for (const auto& [process, worker] : running_) list.push_back(worker.info);
  return list;
}

}  // namespace troupe::head
