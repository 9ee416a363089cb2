// EventOutbox: what this raylet has told the head that the head has not said to have heard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "proto/head.pb.h"

namespace troupe::raylet {

// Numbers events from 1, so that the head takes each once however often it is sent. Loop thread.
class EventOutbox {
 public:
  static constexpr std::size_t kMaxKept = 100'000;

  // Numbers and keeps `event`; the result is what is to be sent, and valid until the next call. Above kMaxKept the
  // oldest is dropped and `*dropped` set.
  const pb::NodeToHead& Add(pb::NodeToHead event, bool* dropped);
  // The head has all up to that number.
  void Acknowledge(std::uint64_t number);
  // All that is to be sent again on a new connection, in order.
  const std::deque<pb::NodeToHead>& kept() const { return kept_; }

 private:
  std::uint64_t last_ = 0;
  std::deque<pb::NodeToHead> kept_;
};

}  // namespace troupe::raylet
