// CallFixture: what it takes to run calls: the tables of a process without a raylet, and an object store that is a map.
#pragma once

#include <gtest/gtest.h>
#include <troupe/troupe.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "client/stored_values.h"
#include "tests/unit/client/process_fixture.h"
#include "worker/actor_instance.h"
#include "worker/mail.h"
#include "worker/reply_sender.h"

namespace troupe::worker {

class FakeStoredValues final : public client::StoredValues {
 public:
  std::size_t inline_limit() const override { return 100; }
  internal::ObjectValue ReadStored(std::unique_lock<std::mutex>& lock, const client::WireArgument& argument) override {
    EXPECT_TRUE(lock.owns_lock());
    const auto it = values.find(argument.name.id);
    if (it != values.end()) return {std::as_bytes(std::span(*it->second)), it->second, nullptr};
    return {{},
            nullptr,
            std::make_shared<ErrorInfo>(ErrorInfo{.kind = ErrorKind::kObjectLost, .message = "no copy is left"})};
  }
  std::optional<ErrorInfo> Store(std::unique_lock<std::mutex>& lock, ObjectId id, std::string_view bytes) override {
    EXPECT_TRUE(lock.owns_lock());
    if (full) return ErrorInfo{.kind = ErrorKind::kSystem, .message = "the store is full"};
    values[id] = std::make_shared<std::string>(bytes);
    return std::nullopt;
  }

  std::map<ObjectId, std::shared_ptr<std::string>> values;
  bool full = false;
};

class CallFixture : public testing::Test {
 protected:
  static constexpr NodeId kNode{0, 7};
  static constexpr Address kCaller{kNode, ProcessId{2}};
  static constexpr ActorId kActor{2, 4};
  static constexpr std::uint64_t kIncarnation = 3;

  // A call of `function` as if it had come from kCaller.
  std::unique_ptr<Mail> Call(std::uint64_t function, const client::WireArguments& arguments = {}, ActorId actor = {}) {
    client::CallFrame frame;
    frame.sequence = ++last_sequence_;
    frame.function = function;
    frame.actor = actor;
    frame.incarnation = kIncarnation;
    frame.arguments = arguments;
    return Mail::Open(kCaller, client::Encode(frame), 100 + frame.sequence, process_.tables());
  }
  static pb::AssignActor Assignment() {
    pb::AssignActor assignment;
    assignment.mutable_spec()->set_id(kActor.Bytes());
    assignment.mutable_spec()->set_class_name("Probe");
    assignment.set_incarnation(kIncarnation);
    return assignment;
  }
  // The reply that was sent last; valid until the next.
  const client::ReplyFrame& Reply() {
    reply_ = {};
    bytes_.clear();
    if (process_.outbox().frames.empty()) {
      ADD_FAILURE() << "nothing was sent";
      return reply_;
    }
    EXPECT_EQ(process_.outbox().frames.back().to, kCaller);
    bytes_ = process_.outbox().frames.back().bytes;
    EXPECT_TRUE(client::Decode(bytes_, &reply_));
    EXPECT_EQ(reply_.sequence, last_sequence_);
    EXPECT_EQ(reply_.incarnation, kIncarnation);
    return reply_;
  }
  // Its error.
  const ErrorInfo& Error() {
    static const ErrorInfo kNone;
    const client::ReplyFrame& reply = Reply();
    if (reply.value.error) return *reply.value.error;
    ADD_FAILURE() << "the reply is no error";
    return kNone;
  }

  client::TestProcess process_{kNode, 1};
  FakeStoredValues stored_;
  ReplySender replies_{process_.core(), process_.tables(), stored_};
  ActorInstance actor_{Assignment(), {}};
  std::unique_lock<std::mutex> lock_{process_.core().mutex};

 private:
  std::uint64_t last_sequence_ = 0;
  std::string bytes_;
  client::ReplyFrame reply_;
};

}  // namespace troupe::worker
