// TaskTable: the tasks this process has called and not got answered, and the workers it leases for them.
//
// Tasks that need the same resources in the same place share a queue and its leased workers. A worker runs one task
// at a time; when its queue is empty it is kept for kIdleLease, because the next task often follows at once, and then
// given back. When a worker dies its task is sent to another one while it has retries left; if the worker had not begun
// it, at no cost in retries.
//
// A task that waits for tasks of its own would need a worker for each: it runs those that are still here itself, on the
// thread that waits (worker/awaited_tasks).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "client/actor_table.h"
#include "client/task_shape.h"

namespace troupe::client {

// Tasks of one shape.
struct TaskQueue {
  // A worker leased from its raylet.
  struct Lease {
    std::uint64_t id = 0;
    Address worker;
    std::shared_ptr<PendingCall> running;  // null: idle
    Clock::time_point idle_since;
  };

  std::uint64_t key = 0;
  ShapePtr shape;
  std::string what;                                // "task Sample"; of the first task
  std::deque<std::shared_ptr<PendingCall>> tasks;  // arguments have values; those not `queued` any more are passed over
  std::size_t waiting = 0;                         // of them, `queued`
  bool runs_here = false;                          // as well as elsewhere, if this process has the CPUs
  std::map<ProcessId, Lease> leases;
  std::uint32_t asked = 0;   // leases asked for and not granted
  bool ask_planned = false;  // anew, since it is not exactly what is wanted
  std::string told;          // the last reason shown to the user
  bool sweep_planned = false;
};

// All functions need the core's mutex.
class TaskTable {
 public:
  TaskTable(Core& core, ObjectTable& objects, RefCodec& codec) : core_(core), objects_(objects), codec_(codec) {}

  // Whether the caller should wait before it makes another task.
  bool Congested() const { return pending_ >= kMaxPending; }
  // Runs `call` where there is room for its shape, which is validated already.
  internal::ObjectPtr Run(const std::shared_ptr<PendingCall>& call, const ShapePtr& shape);
  void OnReply(const std::shared_ptr<ObjectRecord>& result, const ReplyFrame& frame);

  // Takes a task out of its queue for this process to run, since it waits for `object` and the task would bring that
  // nearer to its value: it makes it, or an argument for it. The task has not been sent, its arguments have values, it
  // belongs on this node as well as on others, needs nothing but CPUs, `cpu_units` at most, and may run twice. Null:
  // there is none. OnRan() follows.
  std::shared_ptr<PendingCall> TakeAwaited(const ObjectRecord& object, std::int64_t cpu_units);
  // What such a task gave: a value, whose bytes are in the store under the result's id if `stored_size` is not 0; or
  // what it threw.
  void OnRan(const std::shared_ptr<PendingCall>& call, internal::Payload value, std::uint64_t stored_size);
  void OnRan(const std::shared_ptr<PendingCall>& call, ErrorInfo error);

  // Whether leases without a task are kept for a moment. Not by a worker between two tasks, nor while its task waits:
  // nothing follows, and others want the CPUs.
  void SetKeepsIdleLeases(bool keeps);

  // " cannot be placed: ..." for a task that waits because no node could run it; else empty.
  std::string WhyPending(const PendingCall& call) const;

  void OnLeaseGranted(const pb::LeaseGranted& granted);
  void OnLeaseUpdate(const pb::LeaseUpdate& update);
  void OnProcessGone(ProcessId process, const std::string& reason, std::uint64_t reached);
  void OnPathBroken(ProcessId process, const std::string& reason, std::uint64_t reached);
  // Adds the workers there.
  void OnNodeGone(NodeId node, std::set<ProcessId>* processes) const;

 private:
  static constexpr std::size_t kMaxPending = 1'000'000;

  using Lease = TaskQueue::Lease;
  using Queue = TaskQueue;

  void Start(const std::shared_ptr<PendingCall>& call, const ShapePtr& shape);
  Queue& QueueOf(const ShapePtr& shape, const PendingCall& first);
  void Enqueue(Queue& queue, const std::shared_ptr<PendingCall>& call, bool at_front);
  std::shared_ptr<PendingCall> Dequeue(Queue& queue);
  void Pump(Queue& queue);
  bool RetriesThrown(Queue& queue, const std::shared_ptr<PendingCall>& call, const ErrorInfo& error);
  void Send(Lease& lease, const std::shared_ptr<PendingCall>& call);
  void AskForLeases(Queue& queue);
  void AskExactly(Queue& queue);
  void ReturnLease(const Lease& lease);
  void GiveBackIdle(Queue& queue);
  void PlanSweep(Queue& queue);
  void LoseLease(Queue& queue, ProcessId process, const std::string& reason, std::uint64_t reached, bool gone);
  void FailCall(const std::shared_ptr<PendingCall>& call, ErrorInfo error);

  Core& core_;
  ObjectTable& objects_;
  RefCodec& codec_;
  std::size_t pending_ = 0;
  bool keeps_idle_ = true;
  std::uint64_t last_key_ = 0;
  std::map<std::string, Queue> queues_;  // by the shape's key; never taken out
  ShapePtr last_shape_;                  // that a task had, and its queue: most tasks are like the one before
  Queue* last_queue_ = nullptr;
  std::unordered_map<std::uint64_t, Queue*> by_key_;
  std::unordered_map<ProcessId, Queue*> by_worker_;
};

}  // namespace troupe::client
