#include "raylet/logs/log_flusher.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

namespace troupe::raylet {

void LogFlusher::Flush(JobId job, std::function<void()> done) {
  drain_(job);
  const std::uint64_t id = ++last_;
  Waiting waiting;
  for (NodeId node : cluster_.AliveOthers()) {
    pb::PeerMessage message;
    message.add_flush_logs()->set_id(id);
    message.mutable_flush_logs(0)->set_job(job.value);
    if (peers_.Send(node, std::move(message)).ok()) waiting.nodes.insert(node);
  }
  if (waiting.nodes.empty()) return done();
  waiting.done = std::move(done);
  waiting.timer = loop_.After(kMaxWait, [weak = std::weak_ptr(self_), id] {
    if (auto self = weak.lock()) (*self)->Finish(id);
  });
  waiting_.emplace(id, std::move(waiting));
}

void LogFlusher::OnRequest(NodeId from, const pb::FlushLogs& request) {
  drain_(JobId{request.job()});
  pb::PeerMessage message;
  message.add_flushed_logs(request.id());
  const Status sent = peers_.Send(from, std::move(message));
  if (!sent.ok()) spdlog::debug("node {} is not told that logs are flushed: {}", from.Hex(), sent.message());
}

void LogFlusher::OnDone(NodeId from, std::uint64_t id) {
  auto it = waiting_.find(id);
  if (it == waiting_.end() || it->second.nodes.erase(from) == 0) return;
  if (it->second.nodes.empty()) Finish(id);
}

void LogFlusher::OnNodeDied(NodeId node) {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, waiting] : waiting_) ids.push_back(id);
  for (std::uint64_t id : ids) OnDone(node, id);
}

void LogFlusher::Finish(std::uint64_t id) {
  auto waiting = waiting_.extract(id);
  if (waiting.empty()) return;
  loop_.Cancel(waiting.mapped().timer);
  waiting.mapped().done();
}

}  // namespace troupe::raylet
