// What a raylet's managers see of the world, played by a fuzz target: it does what it is told to, and checks what it
// hears.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/check.h"
#include "raylet/ports/head_port.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/worker_source.h"

namespace troupe::raylet::checking {

// Counts what is sent, and checks that its receiver can read it.
class Outlet {
 public:
  static constexpr std::size_t kMaxPerStep = 20'000;

  template <class Message>
  void Count(const Message& message) {
    TROUPE_CHECK(++messages_ <= kMaxPerStep);
    const std::string bytes = message.SerializeAsString();
    Message again;
    TROUPE_CHECK(again.ParseFromString(bytes));
  }
  void NextStep() { messages_ = 0; }

 private:
  std::size_t messages_ = 0;
};

class Clients : public ClientOutbox {
 public:
  explicit Clients(Outlet& outlet) : outlet_(outlet) {}
  bool Connected(ProcessId client) const override { return connected.contains(client); }
  void Send(ProcessId to, const pb::RayletToClient& message) override {
    outlet_.Count(message);
    if (message.request_id() != 0 && connected.contains(to)) {
      TROUPE_CHECK(asked.erase({to, message.request_id()}) == 1);
    }
    if (message.has_lease_granted()) leases.push_back({to, message.lease_granted()});
    if (message.has_assign_actor()) assigned[to] = message.assign_actor();
  }
  Status SendRouted(ProcessId to, const Address&, std::string_view frame) override {
    TROUPE_CHECK(frame.size() <= (1u << 20));
    return connected.contains(to) ? OkStatus() : NotFound("no such client");
  }
  void Broadcast(const pb::RayletToClient& message) override { outlet_.Count(message); }

  void Gone(ProcessId client) {
    connected.erase(client);
    assigned.erase(client);
    std::erase_if(asked, [client](const auto& request) { return request.first == client; });
  }

  std::set<ProcessId> connected;
  std::set<std::pair<ProcessId, std::uint64_t>> asked;
  std::vector<std::pair<ProcessId, pb::LeaseGranted>> leases;
  std::map<ProcessId, pb::AssignActor> assigned;

 private:
  Outlet& outlet_;
};

class Peers : public PeerOutbox {
 public:
  explicit Peers(Outlet& outlet) : outlet_(outlet) {}
  Status Send(NodeId to, pb::PeerMessage part) override {
    if (!alive.contains(to)) return NotFound("no such node");
    outlet_.Count(part);
    for (const pb::RemoteLease& lease : part.leases()) asked.push_back({to, lease.id()});
    return OkStatus();
  }
  void Broadcast(const pb::PeerMessage& part) override { outlet_.Count(part); }

  std::set<NodeId> alive;
  std::vector<std::pair<NodeId, std::uint64_t>> asked;  // leases

 private:
  Outlet& outlet_;
};

// Checks that each worker has one holder at a time.
class Workers : public WorkerSource {
 public:
  Ticket Acquire(const pb::JobInfo& job, std::function<void(Result<WorkerProcess>)> done) override {
    TROUPE_CHECK(waiting.size() < Outlet::kMaxPerStep);
    waiting[++last_] = {JobId{job.id()}, std::move(done)};
    return last_;
  }
  void CancelAcquire(Ticket ticket) override { waiting.erase(ticket); }
  void Release(ProcessId worker) override { TROUPE_CHECK(held.erase(worker) == 1); }
  void Retire(ProcessId worker) override {
    Release(worker);
    alive.erase(worker);
  }
  void Kill(ProcessId worker, const std::string&) override { TROUPE_CHECK(held.contains(worker)); }

  // Hands a worker, an idle one or a new one, to whoever waits longest.
  ProcessId Start(bool fresh) {
    auto first = waiting.extract(waiting.begin());
    auto idle = std::find_if(alive.begin(), alive.end(), [&](ProcessId worker) { return !held.contains(worker); });
    const ProcessId process = fresh || idle == alive.end() ? ProcessId{++last_process_} : *idle;
    alive.insert(process);
    held.insert(process);
    first.mapped().second(WorkerProcess{process, first.mapped().first, 1});
    return process;
  }
  void Fail(const Status& why) { waiting.extract(waiting.begin()).mapped().second(why); }

  std::map<Ticket, std::pair<JobId, std::function<void(Result<WorkerProcess>)>>> waiting;
  std::set<ProcessId> alive;
  std::set<ProcessId> held;

 private:
  Ticket last_ = 0;
  std::uint64_t last_process_ = 1000;
};

// Answers when told to.
class Head : public HeadPort {
 public:
  explicit Head(Outlet& outlet) : outlet_(outlet) {}
  void RegisterJob(const pb::RegisterJobRequest&, Done<pb::RegisterJobReply>) override {}
  void RegisterActor(const pb::RegisterActorRequest& request, Done<pb::ActorReply> done) override {
    actor_calls.push_back({request.spec().id(), std::move(done)});
  }
  void GetActor(const pb::FindActor& request, Done<pb::ActorReply> done) override {
    actor_calls.push_back({request.id(), std::move(done)});
  }
  void KillActor(const pb::KillActorRequest& request, Done<pb::ActorReply> done) override {
    actor_calls.push_back({request.id(), std::move(done)});
  }
  void ListActors(const pb::ListActorsRequest&, Done<pb::ListActorsReply> done) override {
    lists.push_back(std::move(done));
  }
  void FinishJob(const pb::FinishJobRequest&, std::function<void()> heard) override { heard(); }
  void ReleaseActor(const pb::ReleaseActor& release) override { outlet_.Count(release); }
  void SendEvent(pb::NodeToHead event) override {
    outlet_.Count(event);
    if (event.has_actor_start_failed()) {
      failed.insert({event.actor_start_failed().id(), event.actor_start_failed().incarnation()});
    } else if (event.has_actor_started()) {
      TROUPE_CHECK(!failed.contains({event.actor_started().id(), event.actor_started().incarnation()}));
    }
  }
  void SendEventLater(pb::NodeToHead event) override { SendEvent(std::move(event)); }
  void SendIfConnected(const pb::NodeToHead& message) override { outlet_.Count(message); }

  std::vector<std::pair<std::string, Done<pb::ActorReply>>> actor_calls;
  std::vector<Done<pb::ListActorsReply>> lists;
  std::set<std::pair<std::string, std::uint64_t>> failed;  // incarnations that were not ordered anew since

 private:
  Outlet& outlet_;
};

}  // namespace troupe::raylet::checking
