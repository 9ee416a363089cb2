#include "rpc/loop_gate.h"

#include <utility>

namespace troupe::rpc {

void LoopGate::Post(std::function<void()> work) {
  loop_.Post([self = shared_from_this(), work = std::move(work)] { self->Run(work); });
}

void LoopGate::Run(const std::function<void()>& work) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    ++running_;
  }
  work();
  std::lock_guard lock(mutex_);
  if (--running_ == 0) idle_.notify_all();
}

void LoopGate::Close() {
  // Work that closes its own gate is running by definition; waiting for it would never end.
  const bool in_loop = loop_.InLoop();
  std::unique_lock lock(mutex_);
  closed_ = true;
  if (!in_loop) idle_.wait(lock, [this] { return running_ == 0; });
}

}  // namespace troupe::rpc
