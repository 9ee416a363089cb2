#include "raylet/objects/create_queue.h"

#include <algorithm>
#include <string>
#include <utility>

namespace troupe::raylet {

void CreateQueue::Add(ProcessId client, Try attempt, GiveUp give_up) {
  if (waiting_.empty() && attempt()) return;
  Wait(client, std::move(attempt), std::move(give_up));
}

void CreateQueue::Wait(ProcessId client, Try attempt, GiveUp give_up) {
  if (waiting_.size() >= kMaxWaiting) {
    return give_up(std::to_string(waiting_.size()) + " other objects wait for room already");
  }
  const std::uint64_t number = ++last_number_;
  const TimerId timer = loop_.After(kMaxWait, [weak = std::weak_ptr(self_), number] {
    if (auto self = weak.lock()) (*self)->OnTimeout(number);
  });
  waiting_.push_back({number, client, std::move(attempt), std::move(give_up), timer});
}

void CreateQueue::Retry() {
  if (trying_) return;
  trying_ = true;
  while (!waiting_.empty() && waiting_.front().attempt()) {
    loop_.Cancel(waiting_.front().timer);
    waiting_.pop_front();
  }
  trying_ = false;
}

void CreateQueue::RemoveClient(ProcessId client) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (waiting.client != client) return false;
    loop_.Cancel(waiting.timer);
    return true;
  });
  Retry();
}

void CreateQueue::OnTimeout(std::uint64_t number) {
  auto it = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& w) { return w.number == number; });
  if (it == waiting_.end()) return;
  const GiveUp give_up = std::move(it->give_up);
  waiting_.erase(it);
  give_up("no room came free within " + std::to_string(kMaxWait.count()) + " s");
  Retry();  // those behind may need less
}

}  // namespace troupe::raylet
