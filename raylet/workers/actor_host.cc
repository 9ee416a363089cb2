#include "raylet/workers/actor_host.h"

#include <limits>
#include <utility>

#include "raylet/convert.h"
#include "raylet/errors.h"

namespace troupe::raylet {

ActorHost::ActorHost(NodeId self, LocalResources& resources, WorkerSource& workers, ClientOutbox& clients,
                     HeadPort& head, std::function<void()> on_change)
    : self_(self),
      resources_(resources),
      workers_(workers),
      clients_(clients),
      head_(head),
      on_change_(std::move(on_change)) {}

void ActorHost::Start(const pb::StartActor& start) {
  const pb::ActorSpec& spec = start.spec();
  const Key key{IdFromPb<ActorId>(spec.id()), start.incarnation()};
  if (auto it = actors_.find(key); it != actors_.end()) {
    if (it->second.hosted.running) ReportStarted(it->second);
    return;
  }
  auto demand = ResourcesFromPb(spec.resources());
  Status grantable = demand.ok() ? CheckGrantable(*demand) : demand.status();
  if (grantable.ok()) grantable = ResourcesFromPb(spec.placement_resources()).status();
  if (!grantable.ok()) {
    return ReportStartFailed(spec, key.second, pb::ActorStartFailed::CONSTRUCTOR,
                             MakeError(pb::Error::UNSCHEDULABLE, pb::Error::NOT_EXECUTED, grantable.message()));
  }
  auto allocation = resources_.TryTake(*demand);
  if (!allocation) {
    return ReportStartFailed(
        spec, key.second, pb::ActorStartFailed::NO_ROOM,
        MakeError(pb::Error::UNSCHEDULABLE, pb::Error::NOT_EXECUTED,
                  "node " + self_.Hex().substr(0, 8) + " has " + resources_.available().ToString() +
                      " free, the actor needs " + demand->ToString()));
  }
  Actor& actor = actors_[key];
  actor.hosted.spec = spec;
  actor.hosted.incarnation = key.second;
  actor.allocation = std::move(*allocation);
  on_change_();
  const auto ticket =
      workers_.Acquire(start.job(), [this, key](Result<WorkerProcess> worker) { OnAcquired(key, std::move(worker)); });
  if (auto it = actors_.find(key); it != actors_.end()) it->second.ticket = ticket;
}

void ActorHost::OnAcquired(const Key& key, Result<WorkerProcess> worker) {
  auto it = actors_.find(key);
  if (it == actors_.end()) {
    if (worker.ok()) workers_.Release(worker->process);
    return;
  }
  Actor& actor = it->second;
  if (!worker.ok()) {
    const pb::ActorSpec spec = actor.hosted.spec;
    Erase(key);
    const auto reason = MayPass(worker.status()) ? pb::ActorStartFailed::NOT_NOW : pb::ActorStartFailed::PROGRAM;
    return ReportStartFailed(spec, key.second, reason,
                             MakeError(pb::Error::PROGRAM, pb::Error::NOT_EXECUTED, worker.status().message()));
  }
  actor.hosted.worker = worker->process;
  actor.hosted.pid = worker->pid;
  by_worker_.emplace(worker->process, key);
  Assign(actor);
}

void ActorHost::Assign(const Actor& actor) {
  pb::RayletToClient message;
  pb::AssignActor* assign = message.mutable_assign_actor();
  *assign->mutable_spec() = actor.hosted.spec;
  assign->set_incarnation(actor.hosted.incarnation);
  assign->set_was_restarted(actor.hosted.incarnation > 1);
  for (std::uint32_t gpu : actor.allocation.gpus) assign->add_gpus(gpu);
  clients_.Send(actor.hosted.worker, message);
}

void ActorHost::Stop(const pb::StopActor& stop) {
  const Key key{IdFromPb<ActorId>(stop.id()), stop.incarnation()};
  auto it = actors_.find(key);
  if (it == actors_.end()) {
    // The head may have missed the report of its end; saying it again does no harm.
    pb::ActorSpec spec;
    spec.set_id(stop.id());
    return ReportDied(spec, stop.incarnation(),
                      MakeError(pb::Error::ACTOR_DIED, pb::Error::UNKNOWN, "the actor does not run on this node"),
                      true);
  }
  Actor& actor = it->second;
  actor.reason = stop.reason();
  if (!actor.hosted.worker) {
    workers_.CancelAcquire(actor.ticket);
    const pb::ActorSpec spec = actor.hosted.spec;
    const pb::Error error = DeathError(actor, stop.reason());
    Erase(key);
    return ReportDied(spec, key.second, error, true);
  }
  if (!stop.graceful()) return workers_.Kill(actor.hosted.worker, stop.reason());
  actor.intended = true;
  if (actor.hosted.running) {
    Terminate(actor);
  } else {
    actor.terminate_when_constructed = true;
  }
}

void ActorHost::Terminate(const Actor& actor) {
  pb::RayletToClient message;
  message.mutable_terminate_actor()->set_id(actor.hosted.spec.id());
  message.mutable_terminate_actor()->set_incarnation(actor.hosted.incarnation);
  clients_.Send(actor.hosted.worker, message);
}

Status ActorHost::OnConstructed(ProcessId worker, const pb::ActorConstructed& constructed) {
  auto by = by_worker_.find(worker);
  const Key key{IdFromPb<ActorId>(constructed.id()), constructed.incarnation()};
  const bool expected = by != by_worker_.end() && by->second == key;
  if (!expected || actors_.at(key).hosted.running || actors_.at(key).reported_failed) {
    return InvalidArgument("process " + worker.Hex() + " constructed actor " + key.first.Hex() + ", incarnation " +
                           std::to_string(key.second) + ", which it was not told to");
  }
  Actor& actor = actors_.at(key);
  if (constructed.has_error()) {
    actor.reported_failed = true;
    ReportStartFailed(actor.hosted.spec, key.second, pb::ActorStartFailed::CONSTRUCTOR, constructed.error());
    workers_.Kill(worker, "the constructor of its actor failed");
    return OkStatus();
  }
  actor.hosted.running = true;
  ReportStarted(actor);
  if (actor.terminate_when_constructed) Terminate(actor);
  return OkStatus();
}

void ActorHost::OnExitIntent(ProcessId worker, const pb::ExitIntent& intent) {
  auto by = by_worker_.find(worker);
  if (by == by_worker_.end()) return;
  Actor& actor = actors_.at(by->second);
  actor.intended = actor.intended || intent.no_restart();
  if (!intent.reason().empty()) actor.reason = intent.reason();
}

void ActorHost::SetBlocked(ProcessId worker, bool blocked) {
  auto it = by_worker_.find(worker);
  if (it != by_worker_.end()) resources_.SetLent(&actors_.at(it->second).allocation, blocked);
}

void ActorHost::OnWorkerExit(ProcessId worker, const std::string& cause) {
  auto by = by_worker_.find(worker);
  if (by == by_worker_.end()) return;
  const Key key = by->second;
  const Actor actor = actors_.at(key);
  Erase(key);
  if (actor.reported_failed) return;
  const std::string why = actor.reason.empty() ? cause : actor.reason + " (its process " + cause + ")";
  if (actor.hosted.running || actor.intended) {
    ReportDied(actor.hosted.spec, key.second, DeathError(actor, why), actor.intended);
  } else {
    ReportStartFailed(actor.hosted.spec, key.second, pb::ActorStartFailed::WORKER_DIED, DeathError(actor, why));
  }
}

pb::ActorStarted ActorHost::StartedOf(const Actor& actor) const {
  pb::ActorStarted started;
  started.set_id(actor.hosted.spec.id());
  started.set_incarnation(actor.hosted.incarnation);
  *started.mutable_address() = ToPb(Address{self_, actor.hosted.worker});
  started.set_pid(static_cast<std::int32_t>(actor.hosted.pid));
  return started;
}

void ActorHost::ReportStarted(const Actor& actor) {
  pb::NodeToHead event;
  *event.mutable_actor_started() = StartedOf(actor);
  head_.SendEvent(std::move(event));
}

void ActorHost::ReportStartFailed(const pb::ActorSpec& spec, std::uint64_t incarnation,
                                  pb::ActorStartFailed::Reason reason, pb::Error error) {
  pb::NodeToHead event;
  pb::ActorStartFailed* failed = event.mutable_actor_start_failed();
  failed->set_id(spec.id());
  failed->set_incarnation(incarnation);
  failed->set_reason(reason);
  if (error.actor_class().empty()) error.set_actor_class(spec.class_name());
  error.set_actor(spec.id());
  error.set_node(self_.Bytes());
  *failed->mutable_error() = std::move(error);
  head_.SendEvent(std::move(event));
}

void ActorHost::ReportDied(const pb::ActorSpec& spec, std::uint64_t incarnation, pb::Error error, bool intended) {
  pb::NodeToHead event;
  pb::ActorProcessDied* died = event.mutable_actor_process_died();
  died->set_id(spec.id());
  died->set_incarnation(incarnation);
  *died->mutable_error() = std::move(error);
  died->set_intended(intended);
  head_.SendEvent(std::move(event));
}

pb::Error ActorHost::DeathError(const Actor& actor, const std::string& message) const {
  pb::Error error = MakeError(pb::Error::ACTOR_DIED, pb::Error::UNKNOWN, message);
  error.set_actor_class(actor.hosted.spec.class_name());
  error.set_actor(actor.hosted.spec.id());
  error.set_node(self_.Bytes());
  error.set_pid(static_cast<std::int32_t>(actor.hosted.pid));
  return error;
}

const ActorHost::Hosted* ActorHost::Find(ProcessId worker) const {
  auto by = by_worker_.find(worker);
  return by == by_worker_.end() ? nullptr : &actors_.at(by->second).hosted;
}

std::optional<pb::ActorStarted> ActorHost::StartedIn(ProcessId worker) const {
  auto by = by_worker_.find(worker);
  if (by == by_worker_.end() || !actors_.at(by->second).hosted.running) return std::nullopt;
  return StartedOf(actors_.at(by->second));
}

std::vector<pb::ActorStarted> ActorHost::Running() const {
  std::vector<pb::ActorStarted> running;
  for (const auto& [key, actor] : actors_) {
    if (actor.hosted.running) running.push_back(StartedOf(actor));
  }
  return running;
}

std::vector<pb::ActorStarting> ActorHost::Starting() const {
  std::vector<pb::ActorStarting> starting;
  for (const auto& [key, actor] : actors_) {
    if (actor.hosted.running || actor.reported_failed) continue;
    pb::ActorStarting& entry = starting.emplace_back();
    entry.set_id(key.first.Bytes());
    entry.set_incarnation(key.second);
  }
  return starting;
}

std::int64_t ActorHost::PlacementCpuUnits() const {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t units = 0;
  for (const auto& [key, actor] : actors_) {
    if (actor.allocation.resources.Units(kCpu) > 0) continue;
    const auto& placement = actor.hosted.spec.placement_resources().units();
    auto it = placement.find(kCpu);
    if (it != placement.end() && __builtin_add_overflow(units, it->second, &units)) return kMost;
  }
  return units;
}

void ActorHost::Erase(const Key& key) {
  auto it = actors_.find(key);
  if (it->second.hosted.worker) by_worker_.erase(it->second.hosted.worker);
  resources_.Return(it->second.allocation);
  actors_.erase(it);
  on_change_();
}

}  // namespace troupe::raylet
