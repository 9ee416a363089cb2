#include "client/call_cycles.h"

#include <utility>

namespace troupe::client {

std::string CallCycles::NameOf(const std::string& class_name, ActorId id) {
  return class_name + " " + id.Hex().substr(24);
}

void CallCycles::Begin(std::string name, std::shared_ptr<const ActorRecord> target) {
  name_ = std::move(name);
  target_ = std::move(target);
  first_number_ = last_number_ + 1;
  SendProbe();
}

void CallCycles::End() {
  target_.reset();
  found_.reset();
  passed_on_.clear();
}

// Whether the wait ends only when its target has answered something; not if it ends when there is room on the way.
bool CallCycles::Stuck() const { return target_ && actors_.AwaitsAnswers(*target_); }

void CallCycles::SendProbe() {
  if (Stuck()) {
    core_.outbox->Send(target_->address, Encode(ProbeFrame{core_.self, ++last_number_, name_}));
  } else {
    ++last_number_;
  }
  core_.outbox->After(kAgain, [this, first = first_number_] {
    if (target_ && first_number_ == first && !found_) SendProbe();
  });
}

void CallCycles::OnProbe(const ProbeFrame& frame) {
  if (!Stuck()) return;
  const std::string path = std::string(frame.path) + " -> " + name_;
  if (frame.beginner.process == core_.self.process) {
    if (frame.number >= first_number_) found_ = path;
    return;
  }
  if (frame.beginner.process < core_.self.process || path.size() > kMaxPath) return;
  // Once: a probe that came into a ring from outside would go round for ever.
  std::uint64_t& last = passed_on_[frame.beginner.process];
  if (frame.number <= last) return;
  last = frame.number;
  core_.outbox->Send(target_->address, Encode(ProbeFrame{frame.beginner, frame.number, path}));
}

}  // namespace troupe::client
