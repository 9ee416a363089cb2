// NodeFence: ends a worker whose node does not count as alive any more, so that what it hosts may start elsewhere.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/status.h"
#include "ipc/node_lease.h"

namespace troupe::worker {

// A raylet kills its workers when its lease is over. This is for when it cannot, being stopped itself: a thread sleeps
// until the lease as last read is over, reads it again, and kills the process if it is over still. If the process was
// stopped meanwhile, its other threads may go on for an instant before that one does; so whoever takes a call asks
// Check() first.
class NodeFence {
 public:
  // `region`: of the node's lease. The errors of NodeLeaseView::Open.
  static Result<std::unique_ptr<NodeFence>> Start(const std::string& region);
  ~NodeFence();

  // Kills the process if the lease is over. Costs some nanoseconds: it looks at a clock that moves on every few
  // milliseconds, and further only when that has moved on since the last call. One thread at a time.
  void Check();
  // Whether the raylet of the node has not ended. Any thread; costs a load.
  bool raylet_lives() const { return lease_.raylet_lives(); }

 private:
  explicit NodeFence(ipc::NodeLeaseView lease) : lease_(std::move(lease)) {}
  void Watch();

  const ipc::NodeLeaseView lease_;
  std::int64_t last_check_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace troupe::worker
