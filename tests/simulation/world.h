// World: a whole cluster in one process on a clock moved by hand: the real head, the real cores of raylets, and all
// that surrounds them played by a seed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/manual_event_loop.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/network.h"
#include "tests/simulation/sim_head.h"
#include "tests/simulation/sim_node.h"
#include "tests/simulation/sim_process.h"
#include "tests/simulation/trace.h"

namespace troupe::simulation {

// Run() goes through chaos (drivers come, ask for all sorts of things, and go; processes, nodes and connections fail),
// heals what is broken, lets everything come to rest, and ends all jobs. What must hold is checked when it happens, at
// rest, and at the end; trace() tells what did not.
class World {
 public:
  struct Options {
    std::uint64_t seed = 1;
    Fault fault = Fault::kNone;
    int nodes = 3;
    int steps = 150;
  };

  explicit World(Options options);
  ~World();

  void Run();

  // --- For what is in it.
  ManualEventLoop& loop() { return loop_; }
  Dice& dice() { return dice_; }
  Network& network() { return network_; }
  Trace& trace() { return trace_; }
  Fault fault() const { return options_.fault; }
  SimHead& head() { return *head_; }
  SimNode* NodeAt(NodeId node);
  // Expires when the node stops.
  std::weak_ptr<bool> Presence(NodeId node) { return presence_[node]; }

  SimProcess& NewProcess(NodeId node, pb::WorkerInfo::Kind kind);
  SimProcess* Find(ProcessId process);
  // It ends; its raylet sees the end of its connection and of the process, in any order.
  void Die(ProcessId process, const std::string& how);
  void DiePid(pid_t pid, const std::string& how);
  // The raylet says something to a process.
  void Tell(ProcessId process, const pb::RayletToClient& message);
  // The head will not have the node.
  void Refused(NodeId node, const Status& why);

 private:
  // --- What happens by chance (world.cc).
  void StartNode();
  void StopNode(NodeId node);
  void Step();
  void BreakSomething();
  void CrashWorker();
  void NewDriver();
  void DriverActs(SimProcess& process);
  void CreateActor(SimProcess& process);
  void AskForLease(SimProcess& process);
  void Objects(SimProcess& process);
  void Watch(SimProcess& process);
  void Heal();
  void EndAll();

  // --- What processes do (processes.cc).
  void Say(SimProcess& process, const pb::ClientToRaylet& message);
  void Ask(SimProcess& process, const std::string& what, pb::ClientToRaylet message);
  void OnTold(SimProcess& process, const pb::RayletToClient& message);
  void OnAnswer(SimProcess& process, const pb::RayletToClient& message);
  void Host(SimProcess& process, const pb::AssignActor& assign);
  void Construct(SimProcess& process);
  void OnGranted(SimProcess& process, const pb::LeaseGranted& granted);

  // --- What must hold (checks.cc).
  void CheckHost(const SimProcess& process, const pb::AssignActor& assign);
  void CheckAtRest();
  void CheckRequests();
  void CheckActors();
  void CheckDeathsAreKnown();
  void CheckTheEnd();

  std::vector<SimProcess*> Living(pb::WorkerInfo::Kind kind);
  std::vector<NodeId> NodeIds() const;
  std::vector<pb::ActorInfo> ActorsOfHead();  // what it says of each

  const Options options_;
  ManualEventLoop loop_;
  Dice dice_;
  Trace trace_{loop_};
  Network network_{loop_, dice_};
  std::uint64_t last_node_ = 0;
  std::uint64_t last_process_ = 0;
  bool chaos_ = true;
  std::map<ProcessId, SimProcess> processes_;
  std::unique_ptr<SimHead> head_;
  std::map<NodeId, std::shared_ptr<bool>> presence_;
  std::map<NodeId, std::unique_ptr<SimNode>> nodes_;
};

}  // namespace troupe::simulation
