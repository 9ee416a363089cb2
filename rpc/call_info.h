// CallInfo: what a handler may know about the call it serves, besides the request.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace troupe::rpc {

namespace internal {
struct CallState {
  std::string method;
  std::string peer;
  std::chrono::system_clock::time_point deadline = std::chrono::system_clock::time_point::max();
  std::atomic<bool> cancelled{false};
};
}  // namespace internal

// A cheap copy that stays valid after the handler has returned. Any thread.
class CallInfo {
 public:
  explicit CallInfo(std::shared_ptr<const internal::CallState> state) : state_(std::move(state)) {}

  // "/troupe.Head/CreateActor".
  const std::string& method() const { return state_->method; }
  // The caller's address, "127.0.0.1:40312" or "[::1]:40312".
  const std::string& peer() const { return state_->peer; }
  // Time left until the caller gives up: negative once it has, nanoseconds::max() when it never does.
  std::chrono::nanoseconds Remaining() const {
    if (state_->deadline == std::chrono::system_clock::time_point::max()) return std::chrono::nanoseconds::max();
    return state_->deadline - std::chrono::system_clock::now();
  }
  // Whether nobody waits for the reply any more: cancelled, timed out, gone, or the server stops.
  bool cancelled() const { return state_->cancelled.load(std::memory_order_relaxed); }

 private:
  std::shared_ptr<const internal::CallState> state_;
};

}  // namespace troupe::rpc
