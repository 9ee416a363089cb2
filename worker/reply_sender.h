// ReplySender: answers calls.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/object_table.h"
#include "client/stored_values.h"
#include "worker/actor_instance.h"
#include "worker/mail.h"

namespace troupe::worker {

// ReplySink: takes the result of a call as part of the reply frame that brings it to the caller.
class ReplySink final : public internal::ResultSink {
 public:
  explicit ReplySink(const Mail& mail) {
    frame_.bytes = client::BeginReply(mail.frame.sequence, mail.frame.incarnation);
  }

  internal::Payload* Next() override { return &frame_; }
  // The result's encoding, as far as it is written.
  std::string_view bytes() const { return std::string_view(frame_.bytes).substr(client::kReplyHead); }
  const std::vector<internal::ObjectPtr>& objects() const { return frame_.objects; }
  const std::vector<internal::ActorPtr>& actors() const { return frame_.actors; }
  // The frame, with `names` for the refs inside. Once.
  std::string Take(const std::vector<client::RefName>& names) {
    client::EndReply(&frame_.bytes, names);
    return std::move(frame_.bytes);
  }

 private:
  internal::Payload frame_;
};

// With the core's mutex held.
class ReplySender {
 public:
  // All outlive this.
  ReplySender(client::Core& core, client::RefCodec& codec, client::StoredValues& stored)
      : core_(core), codec_(codec), stored_(stored) {}

  // Answers `mail`, which ran in `actor` (null: a task). A large result is stored first, for which this blocks, without
  // `lock`. One that names actors which the head does not know yet waits for that, and others run meanwhile.
  void SendValue(std::unique_lock<std::mutex>& lock, const Mail& mail, ReplySink result, const ActorInstance* actor);
  // `actor`: that the call was for, if it is here.
  void SendError(const Mail& mail, ErrorInfo error, const ActorInstance* actor);

  // Results that wait.
  std::size_t waiting() const { return waiting_; }

 private:
  // `stored`: says where the value lies, if it is not in `result`.
  void SendResult(const Address& to, ReplySink& result, std::optional<client::ReplyFrame>& stored);
  void SayBlocked(bool blocked);

  client::Core& core_;
  client::RefCodec& codec_;
  client::StoredValues& stored_;
  std::size_t waiting_ = 0;
};

}  // namespace troupe::worker
