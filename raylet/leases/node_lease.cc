#include "raylet/leases/node_lease.h"

#include <algorithm>

namespace troupe::raylet {
namespace {

// The head acknowledges within a second what it hears at all.
constexpr std::size_t kMaxSent = 1'000;

constexpr MonotonicTime kForEver = MonotonicTime::max();

}  // namespace

NodeLease::NodeLease(EventLoop& loop, Events events) : loop_(loop), events_(std::move(events)) {}

NodeLease::~NodeLease() { loop_.Cancel(timer_); }

void NodeLease::OnSent(std::uint64_t version) {
  // The older of two that are both acknowledged is worth less, but one without an answer must not push out all.
  if (sent_.size() == kMaxSent) sent_.pop_back();
  sent_.emplace_back(version, loop_.Now());
}

void NodeLease::OnAcknowledged(std::uint64_t version) {
  MonotonicTime sent{};
  bool found = false;
  while (!sent_.empty() && sent_.front().first <= version) {
    sent = sent_.front().second;
    found = true;
    sent_.pop_front();
  }
  if (found) Hold(sent + duration_);
}

void NodeLease::OnHeadEnded() {
  if (held_) Hold(kForEver);
}

void NodeLease::Hold(MonotonicTime until) {
  // It never becomes shorter than it was but when a head is there again.
  if (until_ != kForEver) until = std::max(until, until_);
  if (until <= loop_.Now()) return;  // heard of too late
  until_ = until;
  events_.publish(until_);
  loop_.Cancel(timer_);
  timer_ = until == kForEver ? 0 : loop_.After(until - loop_.Now(), [this] { OnTimer(); });
  if (!held_) {
    held_ = true;
    events_.on_held();
  }
}

// Timers may be early by the clock that counts here: that of a machine that slept.
void NodeLease::OnTimer() {
  timer_ = 0;
  if (const MonotonicTime left = until_ - loop_.Now(); left > MonotonicTime::zero()) {
    timer_ = loop_.After(left, [this] { OnTimer(); });
    return;
  }
  held_ = false;
  until_ = {};
  events_.on_over();
}

}  // namespace troupe::raylet
