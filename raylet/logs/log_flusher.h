// LogFlusher: sees that a driver which leaves gets what its job's workers printed before.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "common/event_loop.h"
#include "proto/node.pb.h"
#include "raylet/cluster_view.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/process_observer.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Loop thread. The arguments outlive it.
class LogFlusher : public ProcessObserver {
 public:
  static constexpr std::chrono::milliseconds kMaxWait{500};

  // `drain` sends on what the job's workers of this node have printed, within the call.
  LogFlusher(EventLoop& loop, ClusterView& cluster, PeerOutbox& peers, std::function<void(JobId)> drain)
      : loop_(loop),
        cluster_(cluster),
        peers_(peers),
        drain_(std::move(drain)),
        self_(std::make_shared<LogFlusher*>(this)) {}

  // `done` runs when the lines of all nodes are on their way to the driver, or after kMaxWait: a node that does not
  // answer must not keep a driver from leaving. Now or later, once.
  void Flush(JobId job, std::function<void()> done);

  // From other nodes.
  void OnRequest(NodeId from, const pb::FlushLogs& request);
  void OnDone(NodeId from, std::uint64_t id);
  void OnNodeDied(NodeId node);

  void OnNodeOver(NodeId node, const std::string&) override { OnNodeDied(node); }

 private:
  struct Waiting {
    std::set<NodeId> nodes;
    std::function<void()> done;
    TimerId timer = 0;
  };
  void Finish(std::uint64_t id);

  EventLoop& loop_;
  ClusterView& cluster_;
  PeerOutbox& peers_;
  const std::function<void(JobId)> drain_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Waiting> waiting_;
  std::shared_ptr<LogFlusher*> self_;  // what timers hold weakly: gone with this
};

}  // namespace troupe::raylet
