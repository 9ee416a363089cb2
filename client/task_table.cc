#include "client/task_table.h"

#include <algorithm>
#include <utility>

#include "client/arguments.h"
#include "common/utf8.h"

namespace troupe::client {
namespace {

using namespace std::chrono_literals;

constexpr auto kIdleLease = 50ms;
constexpr std::uint32_t kMaxAsked = 64;
// How far TakeAwaited() looks for what a task waits for that waits for another's result, and so on.
constexpr int kMaxArgumentDepth = 1000;

}  // namespace

internal::ObjectPtr TaskTable::Run(const std::shared_ptr<PendingCall>& call, const ShapePtr& shape) {
  ++pending_;
  internal::ObjectPtr result = objects_.NewPending(call);
  if (!call->arguments.refs.empty() || !call->arguments.values.actors.empty()) {
    call->unresolved = AwaitArguments(objects_, call->arguments, [this, call, shape] {
      if (--call->unresolved == 0) Start(call, shape);
    });
  }
  if (call->unresolved == 0) Start(call, shape);
  return result;
}

void TaskTable::Start(const std::shared_ptr<PendingCall>& call, const ShapePtr& shape) {
  if (auto error = ArgumentError(call->arguments, call->name)) return FailCall(call, std::move(*error));
  if (std::optional<ErrorInfo> error = TooLong(call->arguments)) return FailCall(call, std::move(*error));
  Queue& queue = QueueOf(NearArguments(shape, call->arguments), *call);
  call->queue = &queue;
  Enqueue(queue, call, false);
}

TaskTable::Queue& TaskTable::QueueOf(const ShapePtr& shape, const PendingCall& first) {
  if (shape == last_shape_) return *last_queue_;
  Queue& queue = queues_[shape->key];
  if (queue.key == 0) {
    queue.key = ++last_key_;
    queue.shape = shape;
    queue.what = "task " + std::string(first.name);
    queue.runs_here = BelongsOn(core_.self.node, *shape);
    by_key_[queue.key] = &queue;
  }
  last_shape_ = shape;
  last_queue_ = &queue;
  return queue;
}

void TaskTable::Enqueue(Queue& queue, const std::shared_ptr<PendingCall>& call, bool at_front) {
  call->queued = true;
  ++queue.waiting;
  if (at_front) {
    queue.tasks.push_front(call);
  } else {
    queue.tasks.push_back(call);
  }
  Pump(queue);
}

// Null: none waits.
std::shared_ptr<PendingCall> TaskTable::Dequeue(Queue& queue) {
  while (!queue.tasks.empty()) {
    std::shared_ptr<PendingCall> call = std::move(queue.tasks.front());
    queue.tasks.pop_front();
    if (!std::exchange(call->queued, false)) continue;  // TakeAwaited had it
    --queue.waiting;
    return call;
  }
  return nullptr;
}

void TaskTable::Pump(Queue& queue) {
  for (auto& [process, lease] : queue.leases) {
    if (queue.waiting == 0) break;
    if (!lease.running) Send(lease, Dequeue(queue));
  }
  AskForLeases(queue);
}

void TaskTable::Send(Lease& lease, const std::shared_ptr<PendingCall>& call) {
  CallFrame frame;
  frame.sequence = call->sequence;
  frame.function = call->function;
  frame.incarnation = lease.id;
  frame.attempt = call->attempt++;
  // A task that is awaited takes who waits for it with it when it crashes. So only who may run again runs one, and does
  // not when it does run again: then it is told what became of its task, as users expect.
  frame.runs_awaited = call->retries_left != 0 && !call->killed_worker;
  frame.arguments = ToWire(objects_, codec_, call->arguments, lease.worker);
  call->incarnation = lease.id;
  call->sent_to = lease.worker.process;
  lease.running = call;
  call->sent_number = core_.outbox->Send(lease.worker, Encode(frame));
  if (call->retries_left == 0 && call->sent_number == 0) call->arguments.values = {};
}

// Each question is a message, so of many tasks not each one asks anew: the raylet hears of twice as many, or half as
// many, and after a while of the exact number.
void TaskTable::AskForLeases(Queue& queue) {
  const auto wanted = static_cast<std::uint32_t>(std::min<std::size_t>(queue.waiting, kMaxAsked));
  if (wanted == queue.asked) return;
  constexpr std::uint32_t kFew = 8;
  const bool few = wanted < kFew || queue.asked < kFew;
  if (few || wanted >= 2 * queue.asked || 2 * wanted <= queue.asked || wanted == kMaxAsked) return AskExactly(queue);
  if (std::exchange(queue.ask_planned, true)) return;
  core_.outbox->After(kIdleLease, [this, &queue] {
    queue.ask_planned = false;
    AskExactly(queue);
  });
}

void TaskTable::AskExactly(Queue& queue) {
  const auto wanted = static_cast<std::uint32_t>(std::min<std::size_t>(queue.waiting, kMaxAsked));
  if (wanted == queue.asked) return;
  queue.asked = wanted;
  pb::ClientToRaylet message;
  pb::LeaseRequest& request = *message.mutable_lease_request();
  request.set_key(queue.key);
  request.set_count(wanted);
  *request.mutable_resources() = queue.shape->resources;
  *request.mutable_placement() = queue.shape->placement;
  request.set_what(Utf8(queue.what));
  core_.outbox->SendRaylet(message);
}

void TaskTable::OnLeaseGranted(const pb::LeaseGranted& granted) {
  auto it = by_key_.find(granted.key());
  if (it == by_key_.end()) return;
  Queue& queue = *it->second;
  if (queue.asked > 0) --queue.asked;
  queue.told.clear();
  Lease lease;
  lease.id = granted.lease();
  lease.worker = {NodeId::FromBytes(granted.worker().node()).value_or(NodeId{}), ProcessId{granted.worker().process()}};
  lease.idle_since = core_.outbox->Now();
  by_worker_[lease.worker.process] = &queue;
  const ProcessId process = lease.worker.process;
  queue.leases.insert_or_assign(process, std::move(lease));
  Pump(queue);
  PlanSweep(queue);
}

void TaskTable::OnLeaseUpdate(const pb::LeaseUpdate& update) {
  auto it = by_key_.find(update.key());
  if (it == by_key_.end()) return;
  Queue& queue = *it->second;
  if (update.has_error()) {
    queue.asked = 0;
    std::vector<std::shared_ptr<PendingCall>> failed;  // all of them first: what follows may make more
    while (auto call = Dequeue(queue)) failed.push_back(std::move(call));
    for (const auto& call : failed) FailCall(call, FromProto(update.error()));
    return;
  }
  if (!update.infeasible()) return queue.told.clear();
  if (update.reason() == queue.told) return;
  queue.told = update.reason();
  core_.outbox->Tell(queue.what + " cannot be placed: " + update.reason() + "; it waits for such a node to join.");
}

std::string TaskTable::WhyPending(const PendingCall& call) const {
  if (!call.queue || call.queue->told.empty()) return "";
  return " cannot be placed: " + call.queue->told + "; it waits for such a node to join";
}

void TaskTable::OnReply(const std::shared_ptr<ObjectRecord>& result, const ReplyFrame& frame) {
  const std::shared_ptr<PendingCall> call = result->call;
  if (!call->queue) return;
  Queue& queue = *call->queue;
  const auto held = queue.leases.find(call->sent_to);
  if (held != queue.leases.end() && held->second.running == call) {
    Lease& lease = held->second;
    lease.running = nullptr;
    lease.idle_since = core_.outbox->Now();
    if (queue.shape->placement.strategy() == pb::Placement::SPREAD) {  // the next task belongs on the next node
      ReturnLease(lease);
      by_worker_.erase(held->first);
      queue.leases.erase(held);
    }
  }
  const bool failed = frame.value.kind == WireValue::Kind::kError;
  if (!failed || !RetriesThrown(queue, call, *frame.value.error)) {
    call->done = true;
    --pending_;
    if (failed) {
      ErrorInfo named = *frame.value.error;
      named.method = call->name;
      objects_.Resolve(result, ErrorValue(std::move(named)));
    } else {
      objects_.Resolve(result, frame.value);
    }
    Pump(queue);
  }
  PlanSweep(queue);
}

bool TaskTable::RetriesThrown(Queue& queue, const std::shared_ptr<PendingCall>& call, const ErrorInfo& error) {
  if (!call->retry_exceptions || call->retries_left == 0 || error.kind != ErrorKind::kThrew) return false;
  if (call->retries_left > 0) --call->retries_left;
  call->sent_to = {};
  Enqueue(queue, call, true);
  return true;
}

void TaskTable::FailCall(const std::shared_ptr<PendingCall>& call, ErrorInfo error) {
  call->done = true;
  --pending_;
  auto result = objects_.Find(core_.ResultOf(call->sequence));
  if (!result) return;
  if (error.context.empty()) error.method = call->name;  // else it is another call that failed
  objects_.Fail(result, std::move(error));
}

// --- Tasks that this process runs itself -----------------------------------------------------------------------------

std::shared_ptr<PendingCall> TaskTable::TakeAwaited(const ObjectRecord& object, std::int64_t cpu_units) {
  const PendingCall* call = object.call.get();
  for (int i = 0; call && !call->actor && !call->done && call->unresolved > 0; ++i) {
    if (i == kMaxArgumentDepth) return nullptr;
    const auto& refs = call->arguments.refs;
    const auto missing = std::find_if(refs.begin(), refs.end(), [](const auto& argument) {
      const ObjectRecord& record = *argument.second->record();
      return !record.ready() && record.call;
    });
    call = missing == refs.end() ? nullptr : missing->second->record()->call.get();
  }
  // One without retries must not run twice, as it would with a caller that is run again after it crashed both.
  if (!call || !call->queued || call->retries_left == 0) return nullptr;
  Queue& queue = *call->queue;
  if (!queue.runs_here || queue.shape->cpu_units > cpu_units) return nullptr;
  const auto result = objects_.Find(core_.ResultOf(call->sequence));
  std::shared_ptr<PendingCall> taken = result->call;
  taken->queued = false;
  ++taken->attempt;
  --queue.waiting;
  constexpr std::size_t kMaxPassedOver = 64;
  if (queue.tasks.size() > 2 * queue.waiting + kMaxPassedOver) {
    std::erase_if(queue.tasks, [](const auto& task) { return !task->queued; });
  }
  AskForLeases(queue);
  return taken;
}

void TaskTable::OnRan(const std::shared_ptr<PendingCall>& call, internal::Payload value, std::uint64_t stored_size) {
  const auto result = objects_.Find(core_.ResultOf(call->sequence));
  if (call->done || !result) return;  // the raylet was lost meanwhile
  call->done = true;
  --pending_;
  objects_.Fulfil(result, std::move(value), stored_size);
}

void TaskTable::OnRan(const std::shared_ptr<PendingCall>& call, ErrorInfo error) {
  if (call->done || RetriesThrown(*call->queue, call, error)) return;
  FailCall(call, std::move(error));
}

// --- Idle leases -----------------------------------------------------------------------------------------------------

void TaskTable::SetKeepsIdleLeases(bool keeps) {
  keeps_idle_ = keeps;
  if (keeps || by_worker_.empty()) return;
  for (auto& [shape, queue] : queues_) GiveBackIdle(queue);
}

void TaskTable::PlanSweep(Queue& queue) {
  if (queue.sweep_planned) return;
  const bool any_idle =
      std::any_of(queue.leases.begin(), queue.leases.end(), [](const auto& entry) { return !entry.second.running; });
  if (!any_idle) return;
  if (!keeps_idle_) return GiveBackIdle(queue);
  queue.sweep_planned = true;
  core_.outbox->After(kIdleLease, [this, &queue] { GiveBackIdle(queue); });
}

void TaskTable::ReturnLease(const Lease& lease) {
  pb::ClientToRaylet message;
  message.mutable_return_lease()->set_lease(lease.id);
  message.mutable_return_lease()->set_node(lease.worker.node.Bytes());
  message.mutable_return_lease()->set_worker(lease.worker.process.value);
  core_.outbox->SendRaylet(message);
}

void TaskTable::GiveBackIdle(Queue& queue) {
  queue.sweep_planned = false;
  const auto now = core_.outbox->Now();
  for (auto it = queue.leases.begin(); it != queue.leases.end();) {
    const Lease& lease = it->second;
    if (lease.running || (keeps_idle_ && now - lease.idle_since < kIdleLease)) {
      ++it;
      continue;
    }
    ReturnLease(lease);
    by_worker_.erase(it->first);
    it = queue.leases.erase(it);
  }
  PlanSweep(queue);
}

// --- Deaths ----------------------------------------------------------------------------------------------------------

void TaskTable::LoseLease(Queue& queue, ProcessId process, const std::string& reason, std::uint64_t reached,
                          bool gone) {
  by_worker_.erase(process);
  auto node = queue.leases.extract(process);
  if (node.empty() || !node.mapped().running) return;
  const std::shared_ptr<PendingCall> call = std::move(node.mapped().running);
  const bool may_have_begun = call->MayHaveBegun(reached);
  if (!may_have_begun) --call->attempt;
  if (may_have_begun || !gone) {
    if (call->retries_left == 0) {
      return FailCall(call, {.kind = ErrorKind::kWorkerDied,
                             .outcome = call->attempt == 0 ? Outcome::kNotExecuted : Outcome::kUnknown,
                             .message = reason,
                             .node = node.mapped().worker.node});
    }
    if (call->retries_left > 0) --call->retries_left;
  }
  if (may_have_begun) call->killed_worker = true;
  call->sent_to = {};
  Enqueue(queue, call, true);
}

void TaskTable::OnProcessGone(ProcessId process, const std::string& reason, std::uint64_t reached) {
  if (auto it = by_worker_.find(process); it != by_worker_.end())
    LoseLease(*it->second, process, "its process died: " + reason, reached, true);
}

// The raylets may have given the lease up with the way to its worker, or know nothing of it.
void TaskTable::OnPathBroken(ProcessId process, const std::string& reason, std::uint64_t reached) {
  auto it = by_worker_.find(process);
  if (it == by_worker_.end()) return;
  ReturnLease(it->second->leases.at(process));
  LoseLease(*it->second, process, reason, reached, false);
}

void TaskTable::OnNodeGone(NodeId node, std::set<ProcessId>* processes) const {
  for (const auto& [process, queue] : by_worker_) {
    if (queue->leases.at(process).worker.node == node) processes->insert(process);
  }
}

}  // namespace troupe::client
