// TurnBatch: sends as one message what is said in one turn of a loop.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "common/event_loop.h"

namespace troupe::rpc {

// A message on its way costs encryption, a system call and a thread that wakes up at either end, which is far more than
// what most of them hold. `Message` has a repeated field `also` of its own type, where those go that followed the
// first. Loop thread.
template <class Message>
class TurnBatch {
 public:
  // Above this a batch does not wait for the end of the turn, so that it stays far from what a message may have.
  static constexpr std::size_t kMaxBytes = 256u << 10;

  TurnBatch(EventLoop& loop, std::function<void(const Message&)> send)
      : loop_(loop), send_(std::move(send)), self_(std::make_shared<TurnBatch*>(this)) {}
  TurnBatch(const TurnBatch&) = delete;
  TurnBatch& operator=(const TurnBatch&) = delete;

  // Is sent at the end of the turn, after what was added before.
  void Add(Message message) {
    const std::size_t bytes = message.ByteSizeLong();
    if (batch_ && bytes_ + bytes > kMaxBytes) Flush();
    bytes_ += bytes;
    if (batch_) {
      *batch_->add_also() = std::move(message);
      return;
    }
    batch_ = std::move(message);
    loop_.Post([weak = std::weak_ptr(self_)] {
      if (auto self = weak.lock()) (*self)->Flush();
    });
  }

  // Whether something waits for the end of this turn.
  bool pending() const { return batch_.has_value(); }
  // Sends now what has been added.
  void Flush() {
    if (!batch_) return;
    const Message message = *std::exchange(batch_, std::nullopt);
    bytes_ = 0;
    send_(message);
  }

 private:
  EventLoop& loop_;
  const std::function<void(const Message&)> send_;
  std::optional<Message> batch_;
  std::size_t bytes_ = 0;
  std::shared_ptr<TurnBatch*> self_;  // what is posted holds weakly: gone with this
};

// Each message of a batch, in order.
template <class Message, class Take>
void ForEach(const Message& batch, Take take) {
  take(batch);
  for (const Message& message : batch.also()) take(message);
}

}  // namespace troupe::rpc
