// CreateQueue: the clients that wait for room in the object store.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "common/event_loop.h"
#include "common/status.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// First come, first served, so that a large object is not overtaken for ever by small ones. Loop thread.
class CreateQueue {
 public:
  static constexpr std::chrono::seconds kMaxWait{10};
  static constexpr std::size_t kMaxWaiting = 10'000;

  // Tries once more: true when it has settled (made, or failed for good), false when there still is no room.
  using Try = std::function<bool()>;
  // There was no room in time.
  using GiveUp = std::function<void(const std::string& why)>;

  explicit CreateQueue(EventLoop& loop) : loop_(loop), self_(std::make_shared<CreateQueue*>(this)) {}

  // Tries at once when nobody waits, else waits in turn. Gives up at once when too many wait already.
  void Add(ProcessId client, Try attempt, GiveUp give_up);
  // As Add(), for what has just been tried.
  void Wait(ProcessId client, Try attempt, GiveUp give_up);
  // Room may have become free.
  void Retry();
  // Forgets what the client waits for.
  void RemoveClient(ProcessId client);

  std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    std::uint64_t number;
    ProcessId client;
    Try attempt;
    GiveUp give_up;
    TimerId timer;
  };

  void OnTimeout(std::uint64_t number);

  EventLoop& loop_;
  std::deque<Waiting> waiting_;
  std::uint64_t last_number_ = 0;
  bool trying_ = false;                 // an attempt may free room by itself
  std::shared_ptr<CreateQueue*> self_;  // what timers hold weakly: gone with this
};

}  // namespace troupe::raylet
