// ActorHost: the actors that run on this node.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proto/client.pb.h"
#include "proto/head.pb.h"
#include "raylet/leases/local_resources.h"
#include "raylet/ports/head_port.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/process_observer.h"
#include "raylet/ports/worker_source.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Starts, stops and watches actors as the head says, and reports to it what became of each incarnation, once. Which
// actors end with their job is for the head to say, too: it alone knows who made whom. Loop thread.
//
//   starting --worker acquired--> constructing --ActorConstructed--> running
//      |                               |                                |
//      | program cannot start          | threw: failed (the worker is killed)
//      | no room, stopped              | worker exits, in any state --> gone
//      `--> gone
class ActorHost : public ProcessObserver {
 public:
  // `on_change` runs when the number of actors or what they count for has changed.
  ActorHost(NodeId self, LocalResources& resources, WorkerSource& workers, ClientOutbox& clients, HeadPort& head,
            std::function<void()> on_change);

  // From the head. Starting the same incarnation again repeats what is known of it.
  void Start(const pb::StartActor& start);
  void Stop(const pb::StopActor& stop);

  // From workers. InvalidArgument when the worker does not host that incarnation.
  Status OnConstructed(ProcessId worker, const pb::ActorConstructed& constructed);
  void OnExitIntent(ProcessId worker, const pb::ExitIntent& intent);
  // The actor's method waits for something, or goes on. Ignored for workers without an actor.
  void SetBlocked(ProcessId worker, bool blocked);

  void OnWorkerExit(ProcessId worker, const std::string& cause);

  void OnProcessOver(const EndedProcess& process) override {
    if (process.is_worker()) OnWorkerExit(process.address.process, process.reason);
  }

  struct Hosted {
    pb::ActorSpec spec;
    std::uint64_t incarnation = 0;
    ProcessId worker;
    pid_t pid = 0;
    bool running = false;
  };
  // Null when `worker` hosts no actor.
  const Hosted* Find(ProcessId worker) const;
  // The actor of `worker`, if it runs.
  std::optional<pb::ActorStarted> StartedIn(ProcessId worker) const;
  // Those that run, for a head that has just come (back).
  std::vector<pb::ActorStarted> Running() const;
  // Those whose constructors have not returned, for the same.
  std::vector<pb::ActorStarting> Starting() const;
  // What the actors without CPUs of their own count for, in units of resources.
  std::int64_t PlacementCpuUnits() const;
  std::size_t size() const { return actors_.size(); }

 private:
  using Key = std::pair<ActorId, std::uint64_t>;  // an incarnation may still be dying while the next starts
  struct Actor {
    Hosted hosted;
    Allocation allocation;
    WorkerSource::Ticket ticket = 0;
    bool reported_failed = false;  // ActorStartFailed has been sent; only its worker's exit is awaited
    bool intended = false;
    bool terminate_when_constructed = false;
    std::string reason;  // why it is being stopped, or exits by its own will
  };

  void OnAcquired(const Key& key, Result<WorkerProcess> worker);
  void Assign(const Actor& actor);
  void Terminate(const Actor& actor);
  pb::ActorStarted StartedOf(const Actor& actor) const;
  void ReportStarted(const Actor& actor);
  void ReportStartFailed(const pb::ActorSpec& spec, std::uint64_t incarnation, pb::ActorStartFailed::Reason reason,
                         pb::Error error);
  void ReportDied(const pb::ActorSpec& spec, std::uint64_t incarnation, pb::Error error, bool intended);
  pb::Error DeathError(const Actor& actor, const std::string& message) const;
  void Erase(const Key& key);

  const NodeId self_;
  LocalResources& resources_;
  WorkerSource& workers_;
  ClientOutbox& clients_;
  HeadPort& head_;
  const std::function<void()> on_change_;
  std::map<Key, Actor> actors_;
  std::unordered_map<ProcessId, Key> by_worker_;
};

}  // namespace troupe::raylet
