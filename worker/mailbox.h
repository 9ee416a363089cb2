// Mailbox: the calls that have reached an actor, or the tasks that have reached a worker, and have not begun.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "troupe/error.h"
#include "worker/mail.h"

namespace troupe::worker {

// They leave it in the order in which they came, so each caller's in the order it made them. What callers hold back
// bounds it (client/actor_calls.cc), and `limit`, if the actor has one.
class Mailbox {
 public:
  // Takes no more than `limit` of them; 0: any number.
  explicit Mailbox(std::uint32_t limit = 0) : limit_(limit) {}

  // kRefused when as many wait as may.
  std::optional<ErrorInfo> Refusal() const;
  // Whether or not it is full: the order to end must always find a place.
  void Add(std::unique_ptr<Mail> mail) { waiting_.push_back(std::move(mail)); }

  bool empty() const { return waiting_.empty(); }
  // The one whose turn it is. There must be one.
  const Mail& first() const { return *waiting_.front(); }
  std::unique_ptr<Mail> TakeFirst();
  // What will not run here.
  std::deque<std::unique_ptr<Mail>> TakeAll() { return std::exchange(waiting_, {}); }

 private:
  const std::uint32_t limit_;
  std::deque<std::unique_ptr<Mail>> waiting_;
};

}  // namespace troupe::worker
