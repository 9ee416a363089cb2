#include "client/task_table.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "client/arguments.h"
#include "common/utf8.h"
namespace troupe::client {
namespace {

using namespace std::chrono_literals;

constexpr auto kIdleLease = 50ms;
constexpr std::uint32_t kMaxAsked = 64;

// What makes two tasks share workers. Maps serialise in no fixed order, so the amounts are written in order here.
std::string ShapeOf(const pb::Resources& resources, const pb::Placement& placement) {
  std::map<std::string, std::int64_t> units(resources.units().begin(), resources.units().end());
  std::string shape;
  for (const auto& [name, amount] : units) shape += name + '=' + std::to_string(amount) + ';';
  shape += '|' + std::to_string(placement.strategy()) + placement.node() + (placement.soft() ? "s" : "h");
  std::map<std::string, std::string> labels(placement.labels().begin(), placement.labels().end());
  for (const auto& [name, value] : labels) shape += '|' + name + '=' + value;
  for (const pb::ArgumentBytes& argument : placement.arguments()) shape += '@' + argument.node();
  return shape;
}

// Names the node that holds most of the stored arguments, if any do.
void AddArgumentBytes(const internal::Arguments& arguments, pb::Placement* placement) {
  std::map<NodeId, std::uint64_t> bytes;
  for (const auto& [position, object] : arguments.refs) {
    const ObjectRecord& record = *object->record();
    if (record.state != ObjectRecord::State::kStored) continue;
    for (const NodeId& node : record.nodes) bytes[node] += record.size;
  }
  auto most =
      std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == bytes.end()) return;
  pb::ArgumentBytes* argument = placement->add_arguments();
  argument->set_node(most->first.Bytes());
  argument->set_bytes(most->second);
}

}  // namespace

internal::ObjectPtr TaskTable::Run(std::shared_ptr<PendingCall> call, const pb::Resources& resources,
                                   pb::Placement placement) {
  ++pending_;
  internal::ObjectPtr result = objects_.NewPending(call);
  auto start = [this, call, resources, placement = std::move(placement)]() mutable {
    if (const ErrorInfo* error = ArgumentError(call->arguments)) {
      ErrorInfo passed_on = *error;
      passed_on.outcome = Outcome::kNotExecuted;
      return FailCall(call, std::move(passed_on));
    }
    AddArgumentBytes(call->arguments, &placement);
    call->task_key = ShapeOf(resources, placement);
    Queue& queue = queues_[call->task_key];
    if (queue.key == 0) {
      queue.key = ++last_key_;
      queue.resources = resources;
      queue.placement = std::move(placement);
      queue.what = "task " + call->name;
      by_key_[queue.key] = &queue;
    }
    Enqueue(queue, call, false);
  };
  call->unresolved = AwaitArguments(objects_, call->arguments, [call, start]() mutable {
    if (--call->unresolved == 0) start();
  });
  if (call->unresolved == 0) start();
  return result;
}

void TaskTable::Enqueue(Queue& queue, const std::shared_ptr<PendingCall>& call, bool at_front) {
  if (at_front) {
    queue.tasks.push_front(call);
  } else {
    queue.tasks.push_back(call);
  }
  Pump(queue);
}

void TaskTable::Pump(Queue& queue) {
  for (auto& [process, lease] : queue.leases) {
    if (queue.tasks.empty()) break;
    if (lease.running) continue;
    const std::shared_ptr<PendingCall> call = queue.tasks.front();
    queue.tasks.pop_front();
    Send(lease, call);
  }
  AskForLeases(queue);
}

void TaskTable::Send(Lease& lease, const std::shared_ptr<PendingCall>& call) {
  CallFrame frame;
  frame.sequence = call->sequence;
  frame.function = call->function;
  frame.incarnation = lease.id;
  frame.attempt = call->attempt++;
  frame.arguments = ToWire(objects_, codec_, call->arguments, lease.worker);
  call->incarnation = lease.id;
  call->sent_to = lease.worker.process;
  lease.running = call;
  core_.outbox->Send(lease.worker, Encode(frame));
  if (call->retries_left == 0) call->arguments.values = {};
}

void TaskTable::AskForLeases(Queue& queue) {
  const auto wanted = static_cast<std::uint32_t>(std::min<std::size_t>(queue.tasks.size(), kMaxAsked));
  if (wanted == queue.asked) return;
  queue.asked = wanted;
  pb::ClientToRaylet message;
  pb::LeaseRequest& request = *message.mutable_lease_request();
  request.set_key(queue.key);
  request.set_count(wanted);
  *request.mutable_resources() = queue.resources;
  *request.mutable_placement() = queue.placement;
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
    for (const auto& call : std::exchange(queue.tasks, {})) FailCall(call, FromProto(update.error()));
    return;
  }
  if (!update.infeasible()) return queue.told.clear();
  if (update.reason() == queue.told) return;
  queue.told = update.reason();
  std::fprintf(stderr, "troupe: %s cannot be placed: %s; it waits for such a node to join.\n", queue.what.c_str(),
               update.reason().c_str());
}

std::string TaskTable::WhyPending(const PendingCall& call) const {
  auto it = queues_.find(call.task_key);
  if (it == queues_.end() || it->second.told.empty()) return "";
  return " cannot be placed: " + it->second.told + "; it waits for such a node to join";
}

void TaskTable::OnReply(const std::shared_ptr<ObjectRecord>& result, const ReplyFrame& frame) {
  const std::shared_ptr<PendingCall> call = result->call;
  auto it = queues_.find(call->task_key);
  if (it == queues_.end()) return;
  Queue& queue = it->second;
  for (auto held = queue.leases.begin(); held != queue.leases.end(); ++held) {
    Lease& lease = held->second;
    if (lease.running != call) continue;
    lease.running = nullptr;
    lease.idle_since = core_.outbox->Now();
    if (queue.placement.strategy() != pb::Placement::SPREAD) break;
    // The next task belongs on the next node.
    ReturnLease(lease);
    by_worker_.erase(held->first);
    queue.leases.erase(held);
    break;
  }
  const bool retry = call->retry_exceptions && call->retries_left != 0 && frame.value.kind == WireValue::Kind::kError &&
                     frame.value.error.kind == ErrorKind::kThrew;
  if (retry) {
    if (call->retries_left > 0) --call->retries_left;
    call->sent_to = {};
    Enqueue(queue, call, true);
  } else {
    call->done = true;
    --pending_;
    ReplyFrame named = frame;
    if (named.value.kind == WireValue::Kind::kError) named.value.error.method = call->name;
    objects_.Resolve(result, named.value);
    Pump(queue);
  }
  PlanSweep(queue);
}

void TaskTable::FailCall(const std::shared_ptr<PendingCall>& call, ErrorInfo error) {
  call->done = true;
  --pending_;
  auto result = objects_.Find({core_.self.process.value, call->sequence});
  if (!result) return;
  if (error.method.empty()) error.method = call->name;  // else that of an argument
  objects_.Fail(result, std::move(error));
}

// --- Idle leases -----------------------------------------------------------------------------------------------------

void TaskTable::PlanSweep(Queue& queue) {
  if (queue.sweep_planned) return;
  const bool any_idle =
      std::any_of(queue.leases.begin(), queue.leases.end(), [](const auto& entry) { return !entry.second.running; });
  if (!any_idle) return;
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
    if (lease.running || now - lease.idle_since < kIdleLease) {
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

void TaskTable::LoseLease(Queue& queue, ProcessId process, const std::string& reason) {
  by_worker_.erase(process);
  auto node = queue.leases.extract(process);
  if (node.empty() || !node.mapped().running) return;
  const std::shared_ptr<PendingCall> call = std::move(node.mapped().running);
  if (call->retries_left == 0) {
    return FailCall(call, {.kind = ErrorKind::kWorkerDied,
                           .outcome = Outcome::kUnknown,
                           .message = reason,
                           .node = node.mapped().worker.node});
  }
  if (call->retries_left > 0) --call->retries_left;
  call->sent_to = {};
  Enqueue(queue, call, true);
}

void TaskTable::OnProcessGone(ProcessId process, const std::string& reason) {
  if (auto it = by_worker_.find(process); it != by_worker_.end())
    LoseLease(*it->second, process, "its process died: " + reason);
}

// The raylets may have given the lease up with the way to its worker, or know nothing of it.
void TaskTable::OnPathBroken(ProcessId process, const std::string& reason) {
  auto it = by_worker_.find(process);
  if (it == by_worker_.end()) return;
  ReturnLease(it->second->leases.at(process));
  LoseLease(*it->second, process, reason);
}

void TaskTable::OnNodeGone(NodeId node, std::set<ProcessId>* processes) const {
  for (const auto& [process, queue] : by_worker_) {
    if (queue->leases.at(process).worker.node == node) processes->insert(process);
  }
}

}  // namespace troupe::client
