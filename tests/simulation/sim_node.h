// SimNode: the real core of a raylet, with simulated clients, processes and connections.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "object_store/segment_memory.h"
#include "object_store/store_owner.h"
#include "raylet/core.h"
#include "tests/simulation/network.h"
#include "tests/simulation/sim_process.h"

namespace troupe::simulation {

class World;

// The world's loop for as long as a node runs: what is left to do ends with it.
class NodeLoop : public EventLoop {
 public:
  explicit NodeLoop(ManualEventLoop& loop) : loop_(loop) {}
  ~NodeLoop() override { *alive_ = false; }

  void Post(std::function<void()> work) override { loop_.Post(Guarded(std::move(work))); }
  TimerId After(std::chrono::nanoseconds delay, std::function<void()> work) override {
    auto id = std::make_shared<TimerId>();
    *id = loop_.After(delay, Guarded([this, id, work = std::move(work)] {
                        timers_.erase(*id);
                        work();
                      }));
    timers_.insert(*id);
    return *id;
  }
  void Cancel(TimerId timer) override {
    timers_.erase(timer);
    loop_.Cancel(timer);
  }
  MonotonicTime Now() const override { return loop_.Now(); }
  bool InLoop() const override { return true; }

  std::size_t timers() const { return timers_.size(); }

 private:
  std::function<void()> Guarded(std::function<void()> work) {
    return [alive = alive_, work = std::move(work)] {
      if (*alive) work();
    };
  }

  ManualEventLoop& loop_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::set<TimerId> timers_;
};

// Memory that nobody maps.
class NoMemory : public store::SegmentMemory {
 public:
  void Reserve(const std::string&, std::uint64_t, std::function<void(const Status&)> done) override {
    done(OkStatus());
  }
  void Release(const std::string&, std::function<void()> done) override { done(); }
};

class SimNode : public raylet::ClientPort,
                public raylet::WorkerPort,
                public raylet::HeadTransport,
                public raylet::PeerTransport,
                public raylet::DriverProcesses,
                public raylet::SubmittedDrivers,
                public raylet::LogPort,
                public raylet::ProgramPacker,
                public raylet::ObjectTransfers,
                public raylet::Regions {
 public:
  template <class Reply>
  using Answer = std::function<void(Result<Reply>)>;

  SimNode(World& world, NodeId id, std::int64_t cpus);
  ~SimNode() override;

  NodeId id() const { return id_; }
  raylet::RayletCore& core() { return *core_; }
  // The head has taken it in.
  bool ready() const { return ready_; }
  bool left() const { return left_; }
  std::size_t timers() const { return loop_.timers(); }
  // Ends its workers and takes its leave.
  void Leave();

  // --- What happens in the world.
  void Register(SimProcess& process, const std::string& name_space);
  void Deliver(ProcessId from, const pb::ClientToRaylet& message);
  void Closed(ProcessId process);                            // its connection
  void Exited(SimProcess& process, const std::string& how);  // it has

  // --- ClientPort
  bool Connected(ProcessId client) const override { return infos_.contains(client); }
  void Send(ProcessId to, const pb::RayletToClient& message) override;
  Status SendRouted(ProcessId to, const Address& from, std::string_view frame) override;
  void Broadcast(const pb::RayletToClient& message) override;
  const raylet::ClientInfo* Find(ProcessId process) const override;
  std::vector<const raylet::ClientInfo*> List() const override;
  void SendToTemplate(pid_t, const pb::RayletToClient&) override {}
  void Disconnect(ProcessId client, const Status& why) override;
  void Pause(ProcessId, NodeId) override {}
  void Resume(NodeId) override {}

  // --- WorkerPort
  Ticket Acquire(const pb::JobInfo& job, std::function<void(Result<raylet::WorkerProcess>)> done) override;
  void CancelAcquire(Ticket ticket) override;
  void Release(ProcessId worker) override;
  void Retire(ProcessId worker) override;
  void Kill(ProcessId worker, const std::string& reason) override;
  void AddJob(const pb::JobInfo&) override {}
  void RemoveJob(JobId job) override;
  Result<raylet::WorkerProcess> OnRegister(ProcessId process, pid_t pid, const std::string& cookie) override;
  void OnExitDeclined(ProcessId) override {}
  Status OnTemplateConnected(pid_t, const std::string&, WorkerPort::SendToTemplate) override { return OkStatus(); }
  Status OnTemplateMessage(pid_t, const pb::ClientToRaylet&) override { return OkStatus(); }
  void OnTemplateClosed(pid_t) override {}
  void Suspend(const std::string& reason) override;
  void Resume() override;
  std::size_t size() const override { return workers_.size(); }

  // --- HeadTransport
  std::unique_ptr<raylet::HeadStream> OpenStream(raylet::MessageStreamHandlers<pb::HeadToNode> handlers) override;
  std::string target() const override { return "head"; }
  void RegisterJob(const pb::RegisterJobRequest& request, Answer<pb::RegisterJobReply> done) override;
  void FinishJob(const pb::FinishJobRequest& request, Answer<pb::Done> done) override;
  void GetActor(const pb::FindActor& request, Answer<pb::ActorReply> done) override;
  void KillActor(const pb::KillActorRequest& request, Answer<pb::ActorReply> done) override;
  void ListActors(const pb::ListActorsRequest& request, Answer<pb::ListActorsReply> done) override;

  // --- PeerTransport
  std::shared_ptr<raylet::PeerStream> Open(NodeId node, const std::string& address) override;
  void Forget(NodeId) override {}

  // --- The others
  std::unique_ptr<raylet::DriverProcess> Watch(pid_t pid, std::function<void()> on_exit) override;
  void Run(const pb::RunDriver&) override {}
  void Stop(const pb::StopDriver&) override {}
  void Watch(ProcessId) override {}
  void Flush(ProcessId) override {}
  void Unwatch(ProcessId, std::function<void()> done) override { done(); }
  void Read(const pb::ReadLogRequest&, std::function<void(pb::LogChunk)>) override {}
  void Package(const pb::Program&, std::function<void(Result<std::string>)> done) override;
  void Fetch(ObjectId id, std::vector<NodeId> nodes, ObjectTransfers::Done done) override;
  void Cancel(ObjectId id) override { fetches_.erase(id); }
  void OnNodeDied(NodeId) override {}
  Status CreateChannel(const std::string&, std::uint64_t) override { return OkStatus(); }
  Status CreateDoorbell(const std::string&) override { return OkStatus(); }
  void Unlink(const std::string&) override {}

 private:
  enum class State { kStarting, kIdle, kHandedOut };
  struct Worker {
    JobId job;
    State state = State::kStarting;
  };
  struct Waiting {
    JobId job;
    std::function<void(Result<raylet::WorkerProcess>)> done;
  };

  void Pump();
  void StartWorker(JobId job);
  void Fail(Ticket ticket, const Status& why);
  template <class Reply>
  void Call(std::function<void(Answer<Reply>)> at_head, Answer<Reply> done);

  World& world_;
  const NodeId id_;
  bool ready_ = false;
  bool suspended_ = false;
  bool left_ = false;
  NodeLoop loop_;
  NoMemory memory_;
  std::unique_ptr<store::StoreOwner> store_;
  std::map<ProcessId, raylet::ClientInfo> infos_;  // of those that are connected
  std::map<ProcessId, Worker> workers_;
  std::map<Ticket, Waiting> waiting_;
  Ticket last_ticket_ = 0;
  std::map<pid_t, std::function<void()>> watched_;
  std::map<ObjectId, ObjectTransfers::Done> fetches_;
  std::unique_ptr<raylet::RayletCore> core_;
};

}  // namespace troupe::simulation
