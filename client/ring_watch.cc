#include "client/ring_watch.h"

#include <algorithm>

#include "ipc/doorbell.h"

namespace troupe::client {
namespace {

using namespace std::chrono_literals;

constexpr int kCallsPerLook = 64;  // a look costs some 100 ns: little beside this many calls
constexpr auto kServiceTick = 5ms;
constexpr int kTicksBeforeDeepSleep = 20;

}  // namespace

void RingWatch::Kick() {
  kicked_.store(true, std::memory_order_release);
  if (sleeper_ != Sleeper::kNobody) bell_.Ring();
  if (others_waiting_ > 0) others_.notify_all();
}

bool RingWatch::AnythingToRead() const { return kicked_.load(std::memory_order_acquire) || rings_.AnyReadable(); }

void RingWatch::Drain() {
  kicked_.store(false, std::memory_order_relaxed);
  rings_.Drain();
}

void RingWatch::Sleep(std::chrono::nanoseconds timeout) {
  const std::uint32_t word = bell_.Prepare();
  if (!AnythingToRead()) bell_.Wait(word, timeout);
  bell_.Finish();
}

void RingWatch::AskServiceToGiveWay() {
  kicked_.store(true, std::memory_order_release);
  bell_.Ring();
}

bool RingWatch::WaitUntil(std::unique_lock<std::mutex>& lock, const std::function<bool()>& done, Deadline deadline,
                          const SleepHook* hook) {
  ++waiting_;
  ++looks_;
  bool slept = false;
  bool result = false;
  for (;;) {
    if (sleeper_ == Sleeper::kNobody) Drain();
    if ((result = done())) break;
    if (deadline && Clock::now() >= *deadline) break;
    if (sleeper_ != Sleeper::kNobody) {
      const bool service = sleeper_ == Sleeper::kService;
      if (service) AskServiceToGiveWay();
      ++others_waiting_;
      if (service) {
        others_.wait_for(lock, 1ms);
      } else if (deadline) {
        others_.wait_until(lock, *deadline);
      } else {
        others_.wait(lock);
      }
      --others_waiting_;
      continue;
    }
    sleeper_ = Sleeper::kUser;
    rings_.BeforeSleep();
    lock.unlock();
    if (!spin_.SpinUntil([this] { return AnythingToRead(); })) {
      if (hook && !slept) (*hook)(true);
      slept = true;
      auto timeout = std::chrono::nanoseconds(ipc::kDoorbellTimeout);
      if (deadline) timeout = std::clamp<std::chrono::nanoseconds>(*deadline - Clock::now(), 0ns, timeout);
      Sleep(timeout);
    }
    lock.lock();
    sleeper_ = Sleeper::kNobody;
    if (others_waiting_ > 0) others_.notify_all();  // should this one leave now, one of them takes over
  }
  --waiting_;
  WakeService();
  if (hook && slept) {
    lock.unlock();
    (*hook)(false);
    lock.lock();
  }
  return result;
}

void RingWatch::OnCallMade() {
  if (++calls_made_ % kCallsPerLook != 0) return;
  ++looks_;
  if (sleeper_ == Sleeper::kUser) return;  // it reads the rings
  if (sleeper_ == Sleeper::kService) return AskServiceToGiveWay();
  Drain();
  if (others_waiting_ > 0) others_.notify_all();
}

void RingWatch::Serve(std::unique_lock<std::mutex>& lock,
                      const std::function<bool(std::unique_lock<std::mutex>&)>& chores) {
  std::uint64_t seen_looks = 0;
  int quiet_ticks = 0;
  while (!stop_) {
    const bool more = chores(lock);
    if (stop_) break;
    if (looks_ != seen_looks || waiting_ > 0) {  // user threads read the rings, now or all the time
      quiet_ticks = looks_ == seen_looks ? quiet_ticks + 1 : 0;
      seen_looks = looks_;
      if (quiet_ticks < kTicksBeforeDeepSleep || more) {
        service_wake_.wait_for(lock, kServiceTick);
      } else {
        service_deep_ = true;
        service_wake_.wait(lock);
        service_deep_ = false;
        quiet_ticks = 0;
      }
      continue;
    }
    if (sleeper_ == Sleeper::kNobody) Drain();
    if (stop_ || waiting_ > 0 || sleeper_ != Sleeper::kNobody) continue;
    sleeper_ = Sleeper::kService;
    rings_.BeforeSleep();
    lock.unlock();
    Sleep(more ? std::chrono::nanoseconds(kServiceTick) : ipc::kDoorbellTimeout);
    lock.lock();
    sleeper_ = Sleeper::kNobody;
    if (others_waiting_ > 0) others_.notify_all();
  }
}

void RingWatch::Stop() {
  stop_ = true;
  Kick();
  service_wake_.notify_all();
}

}  // namespace troupe::client
