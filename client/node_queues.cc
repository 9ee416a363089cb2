#include "client/node_queues.h"

#include <algorithm>

namespace troupe::client {

void NodeQueues::Write(const Address& to, std::string frame) {
  auto it = queues_.find(to.node);
  if (it == queues_.end()) {
    if (has_room_()) return send_(to, frame);
    it = queues_.try_emplace(to.node).first;
  }
  it->second.bytes += frame.size();
  it->second.frames.emplace_back(to, std::move(frame));
}

void NodeQueues::SetCongested(NodeId node, bool congested) {
  if (!congested && !queues_.contains(node)) return;
  queues_[node].congested = congested;
  OnRoom();
}

// One frame for each node in turn.
void NodeQueues::OnRoom() {
  for (bool sent = true; sent;) {
    sent = false;
    for (auto it = queues_.begin(); it != queues_.end();) {
      Queue& queue = it->second;
      if (queue.congested) {
        ++it;
        continue;
      }
      if (queue.frames.empty()) {
        it = queues_.erase(it);
        continue;
      }
      if (!has_room_()) return;
      const auto [to, frame] = std::move(queue.frames.front());
      queue.frames.pop_front();
      queue.bytes -= frame.size();
      send_(to, frame);
      sent = true;
      ++it;
    }
  }
}

std::size_t NodeQueues::bytes(NodeId node) const {
  auto it = queues_.find(node);
  return it == queues_.end() ? 0 : it->second.bytes;
}

bool NodeQueues::empty() const {
  return std::all_of(queues_.begin(), queues_.end(), [](const auto& entry) { return entry.second.frames.empty(); });
}

}  // namespace troupe::client
