// CallRegistry: the calls and streams of one client or server that are under way, so that it can end them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "common/status.h"

namespace troupe::rpc {

// One call or stream. Kept alive by its registry until Remove().
class ActiveCall {
 public:
  virtual ~ActiveCall() = default;
  // Ends it soon, with `status` where the other end can be told. Any thread, also when it has just ended.
  virtual void Shutdown(const Status& status) = 0;
};

// Thread-safe.
class CallRegistry {
 public:
  // False, and nothing kept, once Shutdown() has been called.
  bool Add(std::shared_ptr<ActiveCall> call) {
    std::lock_guard lock(mutex_);
    if (closed_) return false;
    ActiveCall* key = call.get();
    calls_.emplace(key, std::move(call));
    ++count_;
    return true;
  }

  // Lets go of a call that is over. It is destroyed before it stops counting: a call's context may own the last
  // reference to gRPC's channel but for the one whose owner waits in WaitUntilEmpty().
  void Remove(ActiveCall* call) {
    std::unique_lock lock(mutex_);
    auto node = calls_.extract(call);
    lock.unlock();
    if (!node.empty()) node.mapped().reset();
    lock.lock();
    if (--count_ == 0) empty_.notify_all();
  }

  // Accepts no more, and ends all there are.
  void Shutdown(const Status& status) {
    std::vector<std::shared_ptr<ActiveCall>> calls;
    std::unique_lock lock(mutex_);
    closed_ = true;
    for (const auto& [key, call] : calls_) calls.push_back(call);
    lock.unlock();
    for (const auto& call : calls) call->Shutdown(status);
  }

  // Until all that were added are removed.
  void WaitUntilEmpty() {
    std::unique_lock lock(mutex_);
    empty_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable empty_;
  bool closed_ = false;
  std::size_t count_ = 0;
  std::unordered_map<ActiveCall*, std::shared_ptr<ActiveCall>> calls_;
};

}  // namespace troupe::rpc
