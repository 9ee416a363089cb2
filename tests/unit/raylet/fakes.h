// Stand-ins for what surrounds the raylet's managers. They record what they are told.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/resources.h"
#include "raylet/links/head_port.h"
#include "raylet/links/outbox.h"
#include "raylet/objects/object_transfers.h"
#include "raylet/objects/regions.h"
#include "raylet/workers/worker_source.h"

namespace troupe::raylet {

class FakeClients : public ClientOutbox {
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
  std::vector<std::pair<ProcessId, pb::RayletToClient>> sent;
  std::vector<Frame> frames;
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
class FakeWorkers : public WorkerSource {
 public:
  Ticket Acquire(const pb::JobInfo& job, std::function<void(Result<WorkerProcess>)> done) override {
    waiting[++last_ticket] = {JobId{job.id()}, std::move(done)};
    return last_ticket;
  }
  void CancelAcquire(Ticket ticket) override { waiting.erase(ticket); }
  void Release(ProcessId worker) override { released.push_back(worker); }
  void Retire(ProcessId worker) override { retired.push_back(worker); }
  void Kill(ProcessId worker, std::string reason) override { killed.emplace_back(worker, std::move(reason)); }

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
  void FinishJob(const pb::FinishJobRequest&, std::function<void()> heard) override { heard(); }
  void ReleaseActor(const pb::ReleaseActor& release) override { released.push_back(release.id()); }
  void SendEvent(pb::NodeToHead event) override { events.push_back(std::move(event)); }
  void SendEventLater(pb::NodeToHead event) override { SendEvent(std::move(event)); }
  void SendIfConnected(const pb::NodeToHead& message) override { messages.push_back(message); }

  std::vector<std::pair<pb::RegisterActorRequest, Done<pb::ActorReply>>> registered;
  std::vector<std::pair<pb::FindActor, Done<pb::ActorReply>>> asked;
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
