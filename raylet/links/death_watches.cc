#include "raylet/links/death_watches.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace troupe::raylet {
namespace {

constexpr const char* kEndedBefore = "it had ended before";

pb::PeerMessage Notice(ProcessId process, const std::string& reason) {
  pb::PeerMessage message;
  message.add_died()->set_process(process.value);
  message.mutable_died(0)->set_reason(reason);
  return message;
}

}  // namespace

// --- Who watches whom ------------------------------------------------------------------------------------------------

bool DeathWatches::Add(ProcessId client, const Address& process) {
  auto it = watched_.find(process.process);
  const bool added = it == watched_.end();
  if (added) it = watched_.emplace(process.process, Watched{.node = process.node, .clients = {}}).first;
  if (it->second.clients.insert(client).second) watched_by_[client].insert(process.process);
  return added;
}

void DeathWatches::Watch(ProcessId client, const Address& process) {
  if (process.node == self_ && !alive_(process.process)) return Tell(client, process.process, kEndedBefore);
  if (Add(client, process) && process.node != self_) Ask(process.node, process.process);
}

void DeathWatches::Watch(const Address& process) {
  if (process.node == self_) return;
  if (watched_.try_emplace(process.process, Watched{.node = process.node, .clients = {}}).second) {
    Ask(process.node, process.process);
  }
}

void DeathWatches::OnMet(ProcessId client, const Address& other) {
  Add(client, other);
  if (other.node != self_) nodes_[client].insert(other.node);
}

void DeathWatches::OnAsked(NodeId from, ProcessId process) {
  if (alive_(process)) {
    nodes_[process].insert(from);
    return;
  }
  if (const Status told = peers_.Send(from, Notice(process, kEndedBefore)); !told.ok()) {
    spdlog::debug("a lost node is not told of a death: {}", told.message());
  }
}

// A node that is dead is no place where a process could live. One that the head has not told of yet is asked when it
// has: others may have heard of it earlier.
void DeathWatches::Ask(NodeId node, ProcessId process) {
  if (cluster_.Find(node) == nullptr) return;
  pb::PeerMessage message;
  message.add_watch(process.value);
  const Status asked = peers_.Send(node, std::move(message));
  if (asked.ok()) return;
  for (ProcessId client : watched_.at(process).clients) Tell(client, process, asked.message());
  Forget(process);
}

void DeathWatches::AskAgain(NodeId node) {
  if (node == self_) return;
  for (ProcessId process : Of(node)) Ask(node, process);
}

std::vector<ProcessId> DeathWatches::Of(NodeId node) const {
  std::vector<ProcessId> processes;
  for (const auto& [process, watched] : watched_) {
    if (watched.node == node) processes.push_back(process);
  }
  return processes;
}

// --- Ends ------------------------------------------------------------------------------------------------------------

void DeathWatches::Tell(ProcessId client, ProcessId process, const std::string& reason) {
  pb::RayletToClient message;
  message.mutable_process_died()->set_process(process.value);
  message.mutable_process_died()->set_reason(reason);
  clients_.Send(client, message);
}

void DeathWatches::OnProcessOver(const EndedProcess& ended) {
  const ProcessId process = ended.address.process;
  if (auto entry = watched_.find(process); entry != watched_.end()) {
    for (ProcessId client : entry->second.clients) Tell(client, process, ended.reason);
  }
  if (auto nodes = nodes_.extract(process); !nodes.empty()) {
    for (NodeId node : nodes.mapped()) {
      if (const Status told = peers_.Send(node, Notice(process, ended.reason)); !told.ok()) {
        spdlog::debug("a lost node is not told of a death: {}", told.message());
      }
    }
  }
  Forget(process);
}

// The clients are told of the node's end instead.
void DeathWatches::OnNodeOver(NodeId node, const std::string&) {
  for (ProcessId process : Of(node)) Forget(process);
  for (auto& [process, nodes] : nodes_) nodes.erase(node);
  std::erase_if(nodes_, [](const auto& entry) { return entry.second.empty(); });
}

// It is watched no more, and watches nobody. What is watched by nobody any more is kept until it ends.
void DeathWatches::Forget(ProcessId process) {
  if (auto entry = watched_.extract(process); !entry.empty()) {
    for (ProcessId client : entry.mapped().clients) {
      auto by = watched_by_.find(client);
      if (by == watched_by_.end()) continue;
      by->second.erase(process);
      if (by->second.empty()) watched_by_.erase(by);
    }
  }
  auto watches = watched_by_.extract(process);
  if (watches.empty()) return;
  for (ProcessId other : watches.mapped()) {
    if (auto entry = watched_.find(other); entry != watched_.end()) entry->second.clients.erase(process);
  }
}

}  // namespace troupe::raylet
