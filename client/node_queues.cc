#include "client/node_queues.h"

#include <algorithm>

namespace troupe::client {

void NodeQueues::Write(const Address& to, std::string frame) {
  Queue& queue = queues_[to.node];
  if (queue.frames.empty() && queue.credit > 0 && has_room_()) return Pass(queue, to, frame);
  queue.bytes += frame.size();
  queue.frames.emplace_back(to, std::move(frame));
}

void NodeQueues::Pass(Queue& queue, const Address& to, std::string_view frame) {
  queue.credit -= static_cast<std::int64_t>(frame.size());
  send_(to, frame);
}

void NodeQueues::OnCredit(NodeId node, std::uint64_t bytes) {
  auto it = queues_.find(node);
  if (it == queues_.end()) return;
  const auto window = static_cast<std::uint64_t>(ipc::kRoutedWindow);
  const auto lent = static_cast<std::uint64_t>(static_cast<std::int64_t>(window) - it->second.credit);
  it->second.credit += static_cast<std::int64_t>(std::min(bytes, lent));  // never more than was taken
  OnRoom();
}

// One frame for each node in turn.
void NodeQueues::OnRoom() {
  for (bool sent = true; sent;) {
    sent = false;
    for (auto& [node, queue] : queues_) {
      if (queue.frames.empty() || queue.credit <= 0) continue;
      if (!has_room_()) return;
      const auto [to, frame] = std::move(queue.frames.front());
      queue.frames.pop_front();
      queue.bytes -= frame.size();
      Pass(queue, to, frame);
      sent = true;
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
