// Tables: what one process knows of objects, actors and tasks, and how what arrives reaches it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/actor_table.h"
#include "client/call_cycles.h"
#include "client/object_table.h"
#include "client/task_table.h"

namespace troupe::client {

// What a worker adds: it takes calls. Called with the core's mutex held; must not block.
class CallSink {
 public:
  virtual ~CallSink() = default;
  // `number`: for Outbox::SayBegun.
  virtual void OnCall(const Address& from, std::string_view frame, std::uint64_t number) = 0;
  virtual void OnRaylet(const pb::RayletToClient& message) = 0;
  virtual void OnRayletLost(const std::string& reason) = 0;
};

// Needs the core's mutex, but for OnLogLines.
class Tables final : public MessageHandler, public RefCodec {
 public:
  explicit Tables(Core& core)
      : core_(core),
        objects_(core, *this),
        actors_(core, objects_, *this),
        tasks_(core, objects_, *this),
        cycles_(core, actors_) {}

  ~Tables() override { core_.releases->Close(); }
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

  // Before anything arrives. Null: a driver, to which calls do not come. Must outlive the tables.
  void SetSink(CallSink* sink) { sink_ = sink; }
  CallSink* sink() const { return sink_; }

  ObjectTable& objects() { return objects_; }
  ActorTable& actors() { return actors_; }
  TaskTable& tasks() { return tasks_; }
  CallCycles& cycles() { return cycles_; }

  // Lets go of the refs and handles that user code has dropped.
  void TakeReleased();
  // Why an object has no value yet: "the call goes on", or what it waits for.
  std::string WhyPending(const ObjectRecord& record) const;
  // Whether others would lose something if this process ended now: objects that it owns, actors that it made.
  bool Needed();

  void OnFrame(const Address& from, std::string_view frame, std::uint64_t number) override;
  void OnRaylet(const pb::RayletToClient& message) override;
  void OnLogLines(const pb::LogLines& lines) override;
  void OnProcessGone(ProcessId process, const std::string& reason, std::uint64_t reached) override;
  void OnPathBroken(ProcessId process, const std::string& reason, std::uint64_t reached) override;
  void OnRayletLost(const std::string& reason) override;

  std::vector<RefName> NamesFor(const std::vector<internal::ObjectPtr>& objects,
                                const std::vector<internal::ActorPtr>& actors, const Address& receiver) override;
  Contained Adopt(const std::vector<RefName>& names) override;

 private:
  void OnReply(const Address& from, const ReplyFrame& frame);
  void OnNodeGone(NodeId node, const std::string& reason);

  Core& core_;
  ObjectTable objects_;
  ActorTable actors_;
  TaskTable tasks_;
  CallCycles cycles_;
  CallSink* sink_ = nullptr;
  ReleaseQueue::Dropped released_;  // that TakeReleased() takes up
  bool told_of_bad_frame_ = false;
};

}  // namespace troupe::client
