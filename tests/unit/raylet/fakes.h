// Stand-ins for what surrounds the raylet's managers. They record what they are told.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/resources.h"
#include "raylet/ports/client_port.h"
#include "raylet/ports/driver_port.h"
#include "raylet/ports/head_port.h"
#include "raylet/ports/object_transfers.h"
#include "raylet/ports/regions.h"
#include "raylet/ports/worker_port.h"

namespace troupe::raylet {

class FakeClients : public ClientPort {
 public:
  struct Frame {
    ProcessId to;
    Address from;
    std::string frame;
  };

  bool Connected(ProcessId client) const override { return connected.contains(client); }
  void Send(ProcessId to, const pb::RayletToClient& message) override {
    if (connected.contains(to)) sent.emplace_back(to, message);
  }
  Status SendRouted(ProcessId to, const Address& from, std::string_view frame) override {
    if (!connected.contains(to)) return NotFound("no such client");
    frames.push_back({to, from, std::string(frame)});
    return OkStatus();
  }
  void Broadcast(const pb::RayletToClient& message) override {
    for (ProcessId client : connected) sent.emplace_back(client, message);
  }

  const ClientInfo* Find(ProcessId process) const override {
    auto it = infos.find(process);
    return it == infos.end() ? nullptr : &it->second;
  }
  std::vector<const ClientInfo*> List() const override {
    std::vector<const ClientInfo*> list;
    for (const auto& [process, info] : infos) list.push_back(&info);
    return list;
  }
  void SendToTemplate(pid_t pid, const pb::RayletToClient& message) override {
    to_templates.emplace_back(pid, message);
  }
  void Disconnect(ProcessId client, const Status& why) override { disconnected.emplace_back(client, why); }
  void Pause(ProcessId client, NodeId node) override { paused.emplace_back(client, node); }
  void Resume(NodeId node) override { resumed.push_back(node); }

  // What `client` has been sent of one kind, oldest first.
  std::vector<pb::RayletToClient> Of(ProcessId client, pb::RayletToClient::BodyCase kind) const {
    std::vector<pb::RayletToClient> found;
    for (const auto& [to, message] : sent) {
      if (to == client && message.body_case() == kind) found.push_back(message);
    }
    return found;
  }
  std::vector<pb::LeaseGranted> Grants(ProcessId client) const {
    std::vector<pb::LeaseGranted> found;
    for (const auto& message : Of(client, pb::RayletToClient::kLeaseGranted)) found.push_back(message.lease_granted());
    return found;
  }

  std::set<ProcessId> connected;
  std::map<ProcessId, ClientInfo> infos;
  std::vector<std::pair<ProcessId, pb::RayletToClient>> sent;
  std::vector<Frame> frames;
  std::vector<std::pair<pid_t, pb::RayletToClient>> to_templates;
  std::vector<std::pair<ProcessId, Status>> disconnected;
  std::vector<std::pair<ProcessId, NodeId>> paused;
  std::vector<NodeId> resumed;
};

class FakePeers : public PeerOutbox {
 public:
  Status Send(NodeId to, pb::PeerMessage part) override {
    if (!alive.contains(to)) return NotFound("no such node");
    sent.emplace_back(to, std::move(part));
    return OkStatus();
  }
  void Broadcast(const pb::PeerMessage& part) override {
    for (NodeId node : alive) sent.emplace_back(node, part);
  }

  std::set<NodeId> alive;
  std::vector<std::pair<NodeId, pb::PeerMessage>> sent;
};

// Hands out workers when told to.
class FakeWorkers : public WorkerPort {
 public:
  Ticket Acquire(const pb::JobInfo& job, std::function<void(Result<WorkerProcess>)> done) override {
    waiting[++last_ticket] = {JobId{job.id()}, std::move(done)};
    return last_ticket;
  }
  void CancelAcquire(Ticket ticket) override { waiting.erase(ticket); }
  void Release(ProcessId worker) override { released.push_back(worker); }
  void Retire(ProcessId worker) override { retired.push_back(worker); }
  void Kill(ProcessId worker, const std::string& reason) override { killed.emplace_back(worker, reason); }

  void AddJob(const pb::JobInfo& job) override { jobs.insert(JobId{job.id()}); }
  void RemoveJob(JobId job) override { jobs.erase(job); }
  Result<WorkerProcess> OnRegister(ProcessId process, pid_t pid, const std::string& cookie) override {
    if (cookie != "cookie") return PermissionDenied("no worker of this raylet");
    return WorkerProcess{process, JobId{1}, pid};
  }
  void OnExitDeclined(ProcessId process) override { declined.push_back(process); }
  Status OnTemplateConnected(pid_t pid, const std::string& cookie, SendToTemplate send) override {
    if (cookie != "cookie") return PermissionDenied("no template of this raylet");
    templates[pid] = std::move(send);
    return OkStatus();
  }
  Status OnTemplateMessage(pid_t, const pb::ClientToRaylet& message) override {
    if (!message.has_template_ready()) return InvalidArgument("not what templates send");
    ++template_messages;
    return OkStatus();
  }
  void OnTemplateClosed(pid_t pid) override { templates.erase(pid); }
  void Suspend(const std::string&) override { suspended = true; }
  void Resume() override { suspended = false; }
  std::size_t size() const override { return 0; }

  // Gives whoever waits longest a new worker.
  ProcessId Start() {
    auto first = waiting.extract(waiting.begin());
    const ProcessId process{++last_process};
    first.mapped().second(WorkerProcess{process, first.mapped().first, static_cast<pid_t>(process.value)});
    return process;
  }
  void StartAll() {
    while (!waiting.empty()) Start();
  }
  void Fail(Status why) {
    auto first = waiting.extract(waiting.begin());
    first.mapped().second(std::move(why));
  }
  bool Killed(ProcessId worker) const {
    return std::any_of(killed.begin(), killed.end(), [&](const auto& kill) { return kill.first == worker; });
  }

  std::map<Ticket, std::pair<JobId, std::function<void(Result<WorkerProcess>)>>> waiting;
  Ticket last_ticket = 0;
  std::uint64_t last_process = 1000;
  std::vector<ProcessId> released;
  std::vector<ProcessId> retired;
  std::vector<std::pair<ProcessId, std::string>> killed;
  std::set<JobId> jobs;
  std::vector<ProcessId> declined;
  std::map<pid_t, SendToTemplate> templates;
  int template_messages = 0;
  bool suspended = false;
};

// Processes end when told to.
class FakeDriverProcesses : public DriverProcesses {
 public:
  std::unique_ptr<DriverProcess> Watch(pid_t pid, std::function<void()> on_exit) override {
    if (!can_watch) return nullptr;
    on_exits[pid] = std::move(on_exit);
    return std::make_unique<Process>(*this, pid);
  }
  void End(pid_t pid) { on_exits.extract(pid).mapped()(); }

  bool can_watch = true;
  std::map<pid_t, std::function<void()>> on_exits;  // of those that are watched
  std::vector<std::pair<pid_t, int>> signals;

 private:
  class Process : public DriverProcess {
   public:
    Process(FakeDriverProcesses& all, pid_t pid) : all_(all), pid_(pid) {}
    ~Process() override { all_.on_exits.erase(pid_); }
    Status Signal(int signal) override {
      all_.signals.emplace_back(pid_, signal);
      return OkStatus();
    }

   private:
    FakeDriverProcesses& all_;
    const pid_t pid_;
  };
};

class FakeHead : public HeadPort {
 public:
  void RegisterJob(const pb::RegisterJobRequest&, Done<pb::RegisterJobReply>) override {}
  void RegisterActor(const pb::RegisterActorRequest& request, Done<pb::ActorReply> done) override {
    registered.emplace_back(request, std::move(done));
  }
  void GetActor(const pb::FindActor& request, Done<pb::ActorReply> done) override {
    asked.emplace_back(request, std::move(done));
  }
  void KillActor(const pb::KillActorRequest&, Done<pb::ActorReply>) override {}
  void ListActors(const pb::ListActorsRequest&, Done<pb::ListActorsReply>) override {}
  void FinishJob(const pb::FinishJobRequest& request, std::function<void()> heard) override {
    finished.emplace_back(request, std::move(heard));
  }
  void ReleaseActor(const pb::ReleaseActor& release) override { released.push_back(release.id()); }
  void SendEvent(pb::NodeToHead event) override { events.push_back(std::move(event)); }
  void SendEventLater(pb::NodeToHead event) override { SendEvent(std::move(event)); }
  void SendIfConnected(const pb::NodeToHead& message) override { messages.push_back(message); }

  std::vector<std::pair<pb::RegisterActorRequest, Done<pb::ActorReply>>> registered;
  std::vector<std::pair<pb::FindActor, Done<pb::ActorReply>>> asked;
  std::vector<std::pair<pb::FinishJobRequest, std::function<void()>>> finished;
  std::vector<std::string> released;
  std::vector<pb::NodeToHead> events;
  std::vector<pb::NodeToHead> messages;
};

class FakeRegions : public Regions {
 public:
  Status CreateChannel(const std::string& name, std::uint64_t ring_capacity) override {
    if (full) return ResourceExhausted("shared memory is full");
    capacities[name] = ring_capacity;
    return names.insert(name).second ? OkStatus() : AlreadyExists(name);
  }
  Status CreateDoorbell(const std::string& name) override { return CreateChannel(name, 0); }
  void Unlink(const std::string& name) override { names.erase(name); }

  bool full = false;
  std::set<std::string> names;
  std::map<std::string, std::uint64_t> capacities;  // of every one that ever was
};

class FakeTransfers : public ObjectTransfers {
 public:
  void Fetch(ObjectId id, std::vector<NodeId> nodes, Done done) override {
    fetches[id] = {std::move(nodes), std::move(done)};
  }
  void Cancel(ObjectId id) override { fetches.erase(id); }
  void OnNodeDied(NodeId node) override { dead.insert(node); }
  void Finish(ObjectId id, const Status& status, NodeId from = {}) {
    auto fetch = fetches.extract(id);
    fetch.mapped().second(status, from);
  }

  std::map<ObjectId, std::pair<std::vector<NodeId>, Done>> fetches;
  std::set<NodeId> dead;
};

// A node as the head reports it.
inline pb::NodeInfo Node(NodeId id, std::map<std::string, double> resources, bool alive = true) {
  pb::NodeInfo info;
  info.set_id(id.Bytes());
  info.set_alive(alive);
  for (const auto& [name, amount] : resources) {
    const auto units = static_cast<std::int64_t>(amount * ResourceSet::kUnit);
    (*info.mutable_total()->mutable_units())[name] = units;
    (*info.mutable_available()->mutable_units())[name] = units;
  }
  return info;
}

inline google::protobuf::RepeatedPtrField<pb::NodeInfo> Nodes(const std::vector<pb::NodeInfo>& infos) {
  google::protobuf::RepeatedPtrField<pb::NodeInfo> nodes;
  for (const pb::NodeInfo& info : infos) *nodes.Add() = info;
  return nodes;
}

inline ResourceSet Amounts(const std::map<std::string, double>& amounts) {
  return ResourceSet::FromAmounts(amounts).value();
}

}  // namespace troupe::raylet
