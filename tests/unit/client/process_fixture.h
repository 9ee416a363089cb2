// TestProcess: the tables of one process without a raylet, threads or shared memory; and TestNet, which joins several
// and moves what they send when the test says so.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/tables.h"

namespace troupe::client {

// Keeps what is sent; the clock stands until it is moved.
class FakeOutbox final : public Outbox {
 public:
  struct Frame {
    Address to;
    std::string bytes;
  };
  struct Asked {
    pb::ClientToRaylet message;
    std::function<void(const pb::RayletToClient&)> done;
  };

  std::uint64_t Send(const Address& to, std::string frame) override {
    frames.push_back({to, std::move(frame)});
    return ++numbers[to.process];
  }
  void SayBegun(ProcessId process, std::uint64_t number) override { begun.emplace_back(process, number); }
  void Watch(const Address& process) override { watched.insert(process.process); }
  std::size_t Backlog(const Address&) const override { return backlog; }
  void Request(pb::ClientToRaylet message, std::function<void(const pb::RayletToClient&)> done) override {
    requests.push_back({std::move(message), std::move(done)});
  }
  void SendRaylet(const pb::ClientToRaylet& message) override { notices.push_back(message); }
  void After(std::chrono::milliseconds delay, std::function<void()> work) override {
    timers.emplace(now + delay, std::move(work));
  }
  Clock::time_point Now() const override { return now; }
  void Tell(std::string text) override { told.push_back(std::move(text)); }

  void Advance(std::chrono::milliseconds by) {
    now += by;
    while (!timers.empty() && timers.begin()->first <= now) timers.extract(timers.begin()).mapped()();
  }
  // What the raylet was told of one kind, oldest first.
  std::vector<pb::ClientToRaylet> Of(pb::ClientToRaylet::BodyCase kind) const {
    std::vector<pb::ClientToRaylet> found;
    std::copy_if(notices.begin(), notices.end(), std::back_inserter(found),
                 [kind](const pb::ClientToRaylet& notice) { return notice.body_case() == kind; });
    return found;
  }

  std::deque<Frame> frames;
  std::map<ProcessId, std::uint64_t> numbers;
  std::vector<std::pair<ProcessId, std::uint64_t>> begun;
  std::deque<Asked> requests;
  std::vector<pb::ClientToRaylet> notices;
  std::vector<std::string> told;
  std::set<ProcessId> watched;
  std::multimap<Clock::time_point, std::function<void()>> timers;
  Clock::time_point now{};
  std::size_t backlog = 0;
};

class TestProcess : private CallSink {
 public:
  struct Received {
    Address from;
    std::string buffer;
    CallFrame frame;
    Contained held;
  };

  TestProcess(NodeId node, std::uint64_t process) : tables_(core_) {
    core_.self = {node, ProcessId{process}};
    core_.info.set_job(1);
    core_.outbox = &outbox_;
    tables_.SetSink(this);
  }
  ~TestProcess() override { calls.clear(); }

  const Address& self() const { return core_.self; }
  Core& core() { return core_; }
  FakeOutbox& outbox() { return outbox_; }
  Tables& tables() { return tables_; }
  ObjectTable& objects() { return tables_.objects(); }
  ActorTable& actors() { return tables_.actors(); }
  TaskTable& tasks() { return tables_.tasks(); }

  internal::ObjectPtr Put(std::string bytes, std::vector<internal::ObjectPtr> inside = {}) {
    return objects().NewInline({std::move(bytes), std::move(inside), {}});
  }
  internal::ObjectPtr PutStored(std::uint64_t size) { return objects().NewStored(objects().NextId(), size, {}); }

  std::shared_ptr<PendingCall> NewCall(std::string name, std::int64_t retries = 0, internal::Arguments arguments = {}) {
    auto call = std::make_shared<PendingCall>();
    call->sequence = ++core_.last_sequence;
    call->function = 7;
    call->own_name = std::make_unique<const std::string>(std::move(name));
    call->name = *call->own_name;
    call->retries_left = retries;
    call->arguments = std::move(arguments);
    return call;
  }

  // Answers the oldest request of the raylet.
  void Answer(const pb::RayletToClient& reply) {
    ASSERT_FALSE(outbox_.requests.empty());
    const FakeOutbox::Asked asked = std::move(outbox_.requests.front());
    outbox_.requests.pop_front();
    asked.done(reply);
  }
  void AnswerActor(const pb::ActorInfo& info) {
    pb::RayletToClient reply;
    *reply.mutable_actor_reply()->mutable_info() = info;
    Answer(reply);
  }
  void Update(const pb::ActorInfo& info) {
    pb::RayletToClient message;
    *message.mutable_actor_update()->mutable_info() = info;
    tables_.OnRaylet(message);
  }
  void NodeDied(NodeId node) {
    pb::RayletToClient message;
    message.mutable_node_died()->set_node(node.Bytes());
    message.mutable_node_died()->set_reason("its node died");
    tables_.OnRaylet(message);
  }

  // As an executor: gives the call a value, with refs inside.
  void Reply(const Received& call, std::string bytes, const std::vector<internal::ObjectPtr>& inside = {}) {
    ReplyFrame reply;
    reply.sequence = call.frame.sequence;
    reply.incarnation = call.frame.incarnation;
    reply.value.bytes = bytes;
    if (!inside.empty()) reply.value.contained = tables_.NamesFor(inside, {}, call.from);
    outbox_.Send(call.from, Encode(reply));
  }
  void ReplyError(const Received& call, ErrorKind kind) {
    ReplyFrame reply;
    reply.sequence = call.frame.sequence;
    reply.incarnation = call.frame.incarnation;
    reply.value = ErrorValue({.kind = kind, .outcome = Outcome::kFailed, .message = "thrown"});
    outbox_.Send(call.from, Encode(reply));
  }

  std::deque<std::unique_ptr<Received>> calls;  // that reached this process
  std::string lost;

 private:
  void OnCall(const Address& from, std::string_view frame, std::uint64_t) override {
    auto call = std::make_unique<Received>();
    call->from = from;
    call->buffer = frame;
    ASSERT_TRUE(Decode(call->buffer, &call->frame));
    call->held = tables_.Adopt(call->frame.arguments.contained);
    calls.push_back(std::move(call));
  }
  void OnRaylet(const pb::RayletToClient&) override {}
  void OnRayletLost(const std::string& reason) override { lost = reason; }

  FakeOutbox outbox_;
  Core core_;
  Tables tables_;
};

// Frames between two processes keep their order; those of different pairs do not.
class TestNet {
 public:
  TestProcess& Add(NodeId node, std::uint64_t process) {
    auto added = std::make_unique<TestProcess>(node, process);
    return *processes_.emplace(ProcessId{process}, std::move(added)).first->second;
  }

  // Moves the oldest frame from `from` to `to`; false when there is none.
  bool Move(TestProcess& from, TestProcess& to) {
    from.tables().TakeReleased();
    auto& frames = from.outbox().frames;
    const auto next = std::find_if(frames.begin(), frames.end(),
                                   [&](const auto& frame) { return frame.to.process == to.self().process; });
    if (next == frames.end()) return false;
    const std::string bytes = std::move(next->bytes);
    frames.erase(next);
    to.tables().OnFrame(from.self(), bytes, 0);
    to.tables().TakeReleased();
    return true;
  }
  // Moves everything until nothing is under way. What was sent to a process that is gone vanishes.
  void Settle() {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto& [id, from] : processes_) {
        for (auto& [other, to] : processes_) {
          while (Move(*from, *to)) moved = true;
        }
        from->outbox().frames.clear();
      }
    }
  }
  // The process is gone, and everyone hears of it.
  void Kill(TestProcess& process) {
    const auto dead = processes_.extract(process.self().process);
    for (auto& [id, other] : processes_) {
      other->tables().OnProcessGone(dead.key(), "killed", kAllReached);
      other->tables().TakeReleased();
    }
  }

 private:
  std::map<ProcessId, std::unique_ptr<TestProcess>> processes_;
};

}  // namespace troupe::client
