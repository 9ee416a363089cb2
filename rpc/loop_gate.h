// LoopGate: lets callbacks onto an event loop until their owner goes, and no later.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "common/event_loop.h"

namespace troupe::rpc {

// Posted work outlives whoever posted it; the gate is what it asks before it runs. Shared by its owner and by
// everything the owner has posted. The loop must outlive the owner, but need not run until then.
class LoopGate : public std::enable_shared_from_this<LoopGate> {
 public:
  explicit LoopGate(EventLoop& loop) : loop_(loop) {}

  // Runs `work` on the loop unless the gate has closed by then. Any thread; never blocks.
  void Post(std::function<void()> work);

  // Lets no further work begin. Outside the loop's thread it also waits for work that is running, so that none runs
  // once Close() has returned. Idempotent.
  void Close();

 private:
  void Run(const std::function<void()>& work);

  EventLoop& loop_;
  std::mutex mutex_;
  std::condition_variable idle_;
  bool closed_ = false;
  int running_ = 0;  // more than one when work runs a nested loop
};

}  // namespace troupe::rpc
