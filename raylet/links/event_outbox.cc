#include "raylet/links/event_outbox.h"

#include <utility>

namespace troupe::raylet {

const pb::NodeToHead& EventOutbox::Add(pb::NodeToHead event, bool* dropped) {
  *dropped = kept_.size() >= kMaxKept;
  if (*dropped) kept_.pop_front();
  event.set_event(++last_);
  return kept_.emplace_back(std::move(event));
}

void EventOutbox::Acknowledge(std::uint64_t number) {
  while (!kept_.empty() && kept_.front().event() <= number) kept_.pop_front();
}

}  // namespace troupe::raylet
