// ReplySender: answers calls.
#pragma once

#include <cstddef>
#include <mutex>

#include "client/object_table.h"
#include "client/stored_values.h"
#include "worker/actor_instance.h"
#include "worker/mail.h"

namespace troupe::worker {

// With the core's mutex held.
class ReplySender {
 public:
  // All outlive this.
  ReplySender(client::Core& core, client::RefCodec& codec, client::StoredValues& stored)
      : core_(core), codec_(codec), stored_(stored) {}

  // Answers `mail`, which ran in `actor` (null: a task). A large result is stored first, for which this blocks, without
  // `lock`. One that names actors which the head does not know yet waits for that, and others run meanwhile.
  void SendValue(std::unique_lock<std::mutex>& lock, const Mail& mail, internal::Payload value,
                 const ActorInstance* actor);
  // `actor`: that the call was for, if it is here.
  void SendError(const Mail& mail, ErrorInfo error, const ActorInstance* actor);

  // Results that wait.
  std::size_t waiting() const { return waiting_; }

 private:
  void SendResult(const Address& to, client::ReplyFrame& reply, const internal::Payload& result);
  void SayBlocked(bool blocked);

  client::Core& core_;
  client::RefCodec& codec_;
  client::StoredValues& stored_;
  std::size_t waiting_ = 0;
};

}  // namespace troupe::worker
