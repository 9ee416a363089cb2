#include "worker/mailbox.h"

#include <string>

#include "worker/call_errors.h"

namespace troupe::worker {

std::optional<ErrorInfo> Mailbox::Refusal() const {
  if (limit_ == 0 || waiting_.size() < limit_) return std::nullopt;
  return NotExecuted(ErrorKind::kRefused,
                     "the actor has " + std::to_string(waiting_.size()) +
                         " calls waiting, as many as its max_pending_calls allows; call again later");
}

std::unique_ptr<Mail> Mailbox::TakeFirst() {
  std::unique_ptr<Mail> mail = std::move(waiting_.front());
  waiting_.pop_front();
  return mail;
}

}  // namespace troupe::worker
