#include "head/log_requests.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "head/convert.h"

namespace troupe::head {

LogRequests::~LogRequests() {
  for (auto& [request, pending] : pending_) environment_.loop.Cancel(pending.timer);
}

void LogRequests::Ask(const NodeId& node, pb::ReadLogRequest log, Reply<pb::LogChunk> reply) {
  if (pending_.size() >= kMaxPending) {
    return reply(ResourceExhausted("too many logs are being read at once; try again"));
  }
  log.set_max_bytes(log.max_bytes() == 0 ? kMaxBytes : std::min(log.max_bytes(), kMaxBytes));
  log.set_wait_ms(std::min(log.wait_ms(), kMaxWaitMs));
  const std::uint64_t request = ++last_request_;
  const TimerId timer =
      environment_.loop.After(kPatience + std::chrono::milliseconds(log.wait_ms()), [this, request, node] {
        Finish(request, DeadlineExceeded("node " + Short(node) + " did not send the log in time; try again"));
      });
  pending_.emplace(request, Pending{node, std::move(reply), timer});
  pb::HeadToNode message;
  message.mutable_read_log()->set_request(request);
  *message.mutable_read_log()->mutable_log() = std::move(log);
  environment_.nodes.Send(node, std::move(message));
}

void LogRequests::OnChunk(const NodeId& node, const pb::LogChunk& chunk) {
  auto it = pending_.find(chunk.request());
  if (it != pending_.end() && it->second.node == node) Finish(chunk.request(), chunk);
}

void LogRequests::NodeDied(const NodeId& node) {
  std::vector<std::uint64_t> lost;
  for (const auto& [request, pending] : pending_) {
    if (pending.node == node) lost.push_back(request);
  }
  for (std::uint64_t request : lost) {
    Finish(request, Unavailable("node " + Short(node) + ", which has the log, died"));
  }
}

void LogRequests::Finish(std::uint64_t request, Result<pb::LogChunk> result) {
  auto entry = pending_.extract(request);
  if (entry.empty()) return;
  environment_.loop.Cancel(entry.mapped().timer);
  entry.mapped().reply(std::move(result));
}

}  // namespace troupe::head
