// NodeLease: until when the head counts this node as alive, as far as this node can know; and what follows from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "common/event_loop.h"

namespace troupe::raylet {

// The head acknowledges reports. Whenever this raylet had sent the report that was acknowledged, the head learned of it
// later, and counts the node as alive for the lease and a margin from then on: so the lease, counted from the sending,
// is over here before the head lets anything of this node start elsewhere. By then what runs here must have ended.
//
//   (none) --acknowledged--> held --time passes--> over --acknowledged--> held
//                             ^ \--the head's process was seen to end--> free of the head, until it acknowledges again
//                             '--------------------------------------------'
//
// Loop thread.
class NodeLease {
 public:
  struct Events {
    // Whoever else must know until when; before `on_over` and after `on_held`.
    std::function<void(MonotonicTime)> publish;
    std::function<void()> on_over;  // the workers must end now
    std::function<void()> on_held;  // again, after it was over: new ones may start
  };

  NodeLease(EventLoop& loop, Events events);
  ~NodeLease();

  // As the head says when it welcomes this node.
  void SetDuration(std::chrono::milliseconds duration) { duration_ = duration; }
  // Report `version` (the hello: 0) is being sent. Versions grow.
  void OnSent(std::uint64_t version);
  // Reports up to `version` have been heard. Those of an earlier connection are unknown here.
  void OnAcknowledged(std::uint64_t version);
  // The connection broke: what was sent on it counts no more, as another hello will have the same numbers.
  void OnDisconnected() { sent_.clear(); }
  // The head's process has ended, and this raylet has seen it: nobody is left who might let anything start elsewhere.
  void OnHeadEnded();

  bool held() const { return held_; }

 private:
  void Hold(MonotonicTime until);
  void OnTimer();

  EventLoop& loop_;
  const Events events_;
  std::chrono::milliseconds duration_{0};
  std::deque<std::pair<std::uint64_t, MonotonicTime>> sent_;  // not acknowledged yet, with when
  MonotonicTime until_{};
  bool held_ = false;
  TimerId timer_ = 0;
};

}  // namespace troupe::raylet
