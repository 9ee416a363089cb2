// Network: the connections between the places of a simulated world, which are slow and can be cut.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "common/manual_event_loop.h"
#include "raylet/ports/message_stream.h"
#include "tests/simulation/dice.h"
#include "troupe/ids.h"

namespace troupe::simulation {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

inline constexpr NodeId kHeadPlace{};

class Network {
 public:
  Network(ManualEventLoop& loop, Dice& dice) : loop_(loop), dice_(dice) {}

  ManualEventLoop& loop() { return loop_; }
  std::chrono::nanoseconds Delay() { return dice_.Chance(5) ? dice_.Between(5ms, 60ms) : dice_.Between(0ms, 5ms); }

  bool Reachable(NodeId a, NodeId b) const { return !cut_.contains(std::minmax(a, b)); }
  // Breaks what connects the two, and lets nothing new connect them until Heal().
  void Cut(NodeId a, NodeId b) {
    cut_.insert(std::minmax(a, b));
    Break([&](NodeId x, NodeId y) { return std::minmax(x, y) == std::minmax(a, b); });
  }
  void Heal(NodeId a, NodeId b) { cut_.erase(std::minmax(a, b)); }
  void HealAll() { cut_.clear(); }
  // Nobody is there any more.
  void Drop(NodeId place) {
    Break([&](NodeId x, NodeId y) { return x == place || y == place; });
  }
  void AddLine(NodeId a, NodeId b, std::function<void()> break_it) { lines_.push_back({a, b, std::move(break_it)}); }

 private:
  struct Line {
    NodeId a;
    NodeId b;
    std::function<void()> break_it;
  };

  template <class Matches>
  void Break(Matches matches) {
    std::vector<Line> broken;
    std::erase_if(lines_, [&](const Line& line) {
      if (!matches(line.a, line.b)) return false;
      broken.push_back(line);
      return true;
    });
    for (const Line& line : broken) line.break_it();
  }

  ManualEventLoop& loop_;
  Dice& dice_;
  std::set<std::pair<NodeId, NodeId>> cut_;
  std::vector<Line> lines_;
};

// What arrives at one end of a stream.
template <class Message>
struct Inbox {
  raylet::MessageStreamHandlers<Message> handlers;
  MonotonicTime last{};  // when the latest that is on its way arrives
  bool closed = false;

  void Close(const Status& why) {
    if (std::exchange(closed, true)) return;
    const auto on_closed = std::move(handlers.on_closed);
    handlers = {};
    if (on_closed) on_closed(why);
  }
};

template <class In, class Out>
class SimStream : public raylet::MessageStream<In, Out> {
 public:
  SimStream(Network& network, std::shared_ptr<Inbox<In>> in, std::shared_ptr<Inbox<Out>> out,
            std::shared_ptr<bool> broken)
      : network_(network), in_(std::move(in)), out_(std::move(out)), broken_(std::move(broken)) {}
  ~SimStream() override {
    in_->handlers = {};
    in_->closed = true;
    network_.loop().After(network_.Delay(), [out = out_] { out->Close(Cancelled("the other end went")); });
  }

  void SetHandlers(raylet::MessageStreamHandlers<In> handlers) override { in_->handlers = std::move(handlers); }
  void Send(const Out& message) override {
    if (*broken_ || in_->closed) return;
    const std::size_t bytes = message.ByteSizeLong() + 1;
    *pending_ += bytes;
    network_.loop().After(network_.Delay() / 4, [in = in_, pending = pending_, bytes] {
      *pending -= bytes;
      if (*pending == 0 && !in->closed && in->handlers.on_drained) in->handlers.on_drained();
    });
    Arrive([out = out_, broken = broken_, message] {
      if (*broken || out->closed || !out->handlers.on_message) return;
      const auto on_message = out->handlers.on_message;  // it may set another
      on_message(message);
    });
  }
  std::size_t pending_bytes() const override { return *pending_; }
  void Close(const Status& status) override {
    in_->handlers.on_message = nullptr;
    Arrive([out = out_, status] { out->Close(status); });
    network_.loop().After(network_.Delay(), [in = in_, status] { in->Close(status); });
  }

 private:
  // After all that was sent before.
  void Arrive(std::function<void()> what) {
    const MonotonicTime now = network_.loop().Now();
    out_->last = std::max(out_->last, now + network_.Delay());
    network_.loop().After(out_->last - now, std::move(what));
  }

  Network& network_;
  const std::shared_ptr<Inbox<In>> in_;
  const std::shared_ptr<Inbox<Out>> out_;
  const std::shared_ptr<bool> broken_;
  const std::shared_ptr<std::size_t> pending_ = std::make_shared<std::size_t>(0);
};

// Two ends of one stream between `a`, where A arrives, and `b`, where B does.
template <class A, class B>
std::pair<std::unique_ptr<SimStream<A, B>>, std::unique_ptr<SimStream<B, A>>> MakePair(Network& network, NodeId a,
                                                                                       NodeId b) {
  auto to_a = std::make_shared<Inbox<A>>();
  auto to_b = std::make_shared<Inbox<B>>();
  auto broken = std::make_shared<bool>(false);
  network.AddLine(a, b, [&network, to_a, to_b, broken] {
    *broken = true;  // what is on its way is lost; each end hears of it when it does
    network.loop().After(network.Delay(), [to_a] { to_a->Close(Unavailable("the connection broke")); });
    network.loop().After(network.Delay(), [to_b] { to_b->Close(Unavailable("the connection broke")); });
  });
  return {std::make_unique<SimStream<A, B>>(network, to_a, to_b, broken),
          std::make_unique<SimStream<B, A>>(network, to_b, to_a, broken)};
}

}  // namespace troupe::simulation
