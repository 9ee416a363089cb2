#include "raylet/leases/lease_manager.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "raylet/convert.h"
#include "raylet/errors.h"

namespace troupe::raylet {
namespace {

pb::Error AcquireError(const Status& status) {
  const bool cancelled = status.code() == StatusCode::kCancelled;
  return MakeError(cancelled ? pb::Error::CANCELLED : pb::Error::PROGRAM, pb::Error::NOT_EXECUTED, status.message());
}

}  // namespace

LeaseManager::LeaseManager(Parts parts, std::map<std::string, std::string> labels,
                           std::function<std::int64_t()> own_cpu_units)
    : parts_(parts),
      labels_(std::move(labels)),
      own_cpu_units_(std::move(own_cpu_units)),
      self_(std::make_shared<LeaseManager*>(this)) {}

void LeaseManager::OnRequest(const ClientInfo& client, const pb::LeaseRequest& message) {
  const Key key{client.process, message.key()};
  if (message.count() == 0) return Erase(key);
  auto demand = DemandFromPb(message, parts_.cluster.self());
  if (!demand.ok()) {
    Erase(key);
    return SendError(key, MakeError(pb::Error::UNSCHEDULABLE, pb::Error::NOT_EXECUTED,
                                    message.what() + ": " + demand.status().message()));
  }
  auto it = requests_.find(key);
  if (it == requests_.end()) {
    const auto first = requests_.lower_bound({client.process, 0});
    const auto end = requests_.upper_bound({client.process, UINT64_MAX});
    if (static_cast<std::size_t>(std::distance(first, end)) >= kMaxKeysPerClient) {
      return SendError(key, MakeError(pb::Error::SYSTEM, pb::Error::NOT_EXECUTED,
                                      "the process asks for workers of more than " + std::to_string(kMaxKeysPerClient) +
                                          " different shapes at once; let some tasks finish first"));
    }
    it = requests_.emplace(key, Request{}).first;
    turns_.push_back(key);
  }
  Request& request = it->second;
  request.job = client.job;
  request.demand = std::move(*demand);
  request.message = message;
  request.wanted = std::min(message.count(), kMaxWanted);
  while (request.attempts.size() > request.wanted) AbandonAttempt(*request.attempts.rbegin());
  Kick();
}

void LeaseManager::OnReturn(ProcessId client, const pb::ReturnLease& lease) {
  const NodeId self = parts_.cluster.self();
  const NodeId node = lease.node().empty() ? self : IdFromPb<NodeId>(lease.node());
  if (node == self) {
    // A lease that ended by itself is returned in vain, which is no fault of the client's.
    const Status status = parts_.leases.Return(lease.lease(), {self, client});
    if (!status.ok()) spdlog::debug("lease returned in vain: {}", status.message());
    return Kick();
  }
  pb::PeerMessage message;
  *message.add_returned() = lease;
  const Status status = parts_.peers.Send(node, std::move(message));
  if (!status.ok()) spdlog::debug("lease {} of a lost node returned: {}", lease.lease(), status.message());
}

void LeaseManager::OnClientGone(ProcessId client) {
  std::vector<Key> keys;
  for (auto it = requests_.lower_bound({client, 0}); it != requests_.end() && it->first.first == client; ++it) {
    keys.push_back(it->first);
  }
  for (const Key& key : keys) Erase(key);
}

void LeaseManager::OnNodeDied(NodeId node) {
  std::vector<AttemptId> lost;
  for (const auto& [id, attempt] : attempts_) {
    if (attempt.node == node) lost.push_back(id);
  }
  for (AttemptId id : lost) DropAttempt(id);
  Kick();
}

void LeaseManager::Kick() {
  if (kicked_) return;
  kicked_ = true;
  parts_.loop.Post([weak = std::weak_ptr(self_)] {
    if (auto self = weak.lock()) (*self)->Run();
  });
}

LeaseManager::Views LeaseManager::CurrentViews() const {
  Views views = parts_.cluster.Views();
  scheduler::NodeView own;
  own.id = parts_.cluster.self();
  own.total = parts_.resources.total();
  own.available = parts_.resources.available();
  own.placement_cpu_units = own_cpu_units_();
  own.labels = labels_;
  views.push_back(std::move(own));
  return views;
}

void LeaseManager::Run() {
  kicked_ = false;
  if (requests_.empty()) return;
  Views views = CurrentViews();
  bool progress = true;
  while (progress) {
    progress = false;
    const std::vector<Key> round(turns_.begin(), turns_.end());
    for (const Key& key : round) {
      auto it = requests_.find(key);
      if (attempts_.size() >= kMaxAttempts) return;  // whichever ends first looks again
      if (it == requests_.end() || it->second.attempts.size() >= it->second.wanted) continue;
      if (!TryStart(key, it->second, views)) continue;
      progress = true;
      turns_.splice(turns_.end(), turns_, std::find(turns_.begin(), turns_.end(), key));
    }
  }
}

// Nodes that cannot run the job's program, for now or ever, take nothing of it.
LeaseManager::Views LeaseManager::Usable(const Request& request, const Views& views) const {
  Views usable = views;
  const pb::JobInfo* job = parts_.jobs.Find(request.job);
  const bool only_origin = job != nullptr && !job->program().unpackable().empty();
  const NodeId origin = job == nullptr ? NodeId{} : IdFromPb<NodeId>(job->program().origin());
  const auto avoided = avoided_.find(request.job);
  if (only_origin) std::erase_if(usable, [&origin](const auto& view) { return view.id != origin; });
  for (scheduler::NodeView& view : usable) {
    view.draining |= avoided != avoided_.end() && avoided->second.nodes.contains(view.id);
  }
  return usable;
}

std::string LeaseManager::WhyAvoided(JobId job) const {
  const auto avoided = avoided_.find(job);
  if (avoided == avoided_.end()) return "";
  const auto& [node, reason] = *avoided->second.nodes.begin();
  return "; node " + node.Hex().substr(0, 8) + " cannot run it now: " + reason;
}

// The own node is the last of `views`, which are brought up to date when an attempt begins.
bool LeaseManager::TryStart(const Key& key, Request& request, Views& views) {
  const Views usable = Usable(request, views);
  std::span<const scheduler::NodeView> nodes(usable);
  scheduler::Decision decision = scheduler::Decide(request.demand, nodes, &spread_cursor_);
  if (decision.kind == scheduler::Decision::Kind::kPlaced && decision.node == parts_.cluster.self()) {
    if (StartLocal(key, request)) {
      views.back().available = parts_.resources.available();
      return true;
    }
    // Enough in sum, but of a GPU only pieces are left: perhaps elsewhere.
    decision = scheduler::Decide(request.demand, nodes.first(nodes.size() - 1), &spread_cursor_);
    if (decision.kind != scheduler::Decision::Kind::kPlaced) {
      SetWaiting(key, request, false, "waits for a GPU that is wholly free");
      return false;
    }
  }
  if (decision.kind != scheduler::Decision::Kind::kPlaced) {
    if (ForgetAvoided(request.job)) return TryStart(key, request, views);
    SetWaiting(key, request, decision.kind == scheduler::Decision::Kind::kInfeasible,
               decision.reason + WhyAvoided(request.job));
    return false;
  }
  const auto view = std::find_if(views.begin(), views.end(), [&](const auto& v) { return v.id == decision.node; });
  const bool started = StartRemote(key, request, decision.node);
  if (started) {
    view->available.Subtract(request.demand.resources);
  } else {
    view->available = ResourceSet();
  }
  return started;
}

bool LeaseManager::StartLocal(const Key& key, Request& request) {
  const pb::JobInfo* job = parts_.jobs.Find(request.job);
  if (job == nullptr) {
    spdlog::error("no program is known for job {} of process {}", request.job.Hex(), key.first.Hex());
    return false;
  }
  const AttemptId id = AddAttempt(key, request, parts_.cluster.self());
  const auto lease = parts_.leases.Grant({parts_.cluster.self(), key.first}, *job, request.demand.resources,
                                         [this, id](Result<pb::LeaseGranted> granted) {
                                           if (granted.ok()) return OnGranted(id, std::move(*granted));
                                           const pb::Error error = AcquireError(granted.status());
                                           MayPass(granted.status()) ? OnNotNow(id, error) : OnFailed(id, error);
                                         });
  if (lease == 0) {
    DropAttempt(id);
    return false;
  }
  if (auto it = attempts_.find(id); it != attempts_.end()) it->second.lease = lease;
  SetWaiting(key, request, false, "");
  return true;
}

bool LeaseManager::StartRemote(const Key& key, Request& request, NodeId node) {
  const pb::JobInfo* job = parts_.jobs.Find(request.job);
  if (job == nullptr) return false;
  const AttemptId id = AddAttempt(key, request, node);
  pb::PeerMessage message;
  pb::RemoteLease* lease = message.add_leases();
  lease->set_client(key.first.value);
  *lease->mutable_request() = request.message;
  lease->mutable_request()->set_count(1);
  lease->set_job(request.job.value);
  lease->set_id(id);
  *lease->mutable_job_info() = *job;
  if (const Status sent = parts_.peers.Send(node, std::move(message)); !sent.ok()) {
    DropAttempt(id);
    MarkFull(node);
    SetWaiting(key, request, false, "waits for node " + node.Hex().substr(0, 8) + ": " + sent.message());
    return false;
  }
  Attempt& attempt = attempts_.at(id);
  attempt.debited = request.demand.resources;
  attempt.report = parts_.cluster.Debit(node, attempt.debited);
  SetWaiting(key, request, false, "");
  return true;
}

void LeaseManager::OnRemoteAnswer(NodeId from, const pb::RemoteLeaseAnswer& answer) {
  const auto it = attempts_.find(answer.id());
  const bool known = it != attempts_.end() && it->second.node == from;
  if (answer.has_error()) {
    if (known) answer.not_now() ? OnNotNow(answer.id(), answer.error()) : OnFailed(answer.id(), answer.error());
  } else if (answer.no_room()) {
    if (known) {
      TakeBackDebit(it->second);
      DropAttempt(answer.id());
    }
    MarkFull(from);
  } else if (known) {
    OnGranted(answer.id(), answer.granted());
  } else {
    GiveBack(answer.granted());
  }
}

void LeaseManager::OnGranted(AttemptId id, pb::LeaseGranted granted) {
  auto it = attempts_.find(id);
  if (it == attempts_.end()) return GiveBack(granted);
  const Key key = it->second.key;
  DropAttempt(id);
  Request& request = requests_.at(key);
  granted.set_key(key.second);
  if (--request.wanted == 0) Erase(key);
  pb::RayletToClient message;
  *message.mutable_lease_granted() = std::move(granted);
  parts_.clients.Send(key.first, message);
}

void LeaseManager::OnFailed(AttemptId id, const pb::Error& error) {
  auto it = attempts_.find(id);
  if (it == attempts_.end()) return;
  const Key key = it->second.key;
  TakeBackDebit(it->second);
  DropAttempt(id);
  Erase(key);
  SendError(key, error);
}

void LeaseManager::OnNotNow(AttemptId id, const pb::Error& error) {
  auto it = attempts_.find(id);
  if (it == attempts_.end()) return;
  const JobId job = requests_.at(it->second.key).job;
  Avoided& avoided = avoided_[job];
  avoided.nodes[it->second.node] = error.message();
  avoided.until = parts_.loop.Now() + kAvoidFor;
  parts_.loop.Cancel(avoided.timer);
  avoided.timer = parts_.loop.After(kAvoidFor, [weak = std::weak_ptr(self_), job] {
    auto self = weak.lock();
    if (!self) return;
    const pb::JobInfo* info = (*self)->parts_.jobs.Find(job);
    if (info == nullptr || JobEnded(*info)) (*self)->avoided_.erase(job);
    (*self)->Kick();
  });
  TakeBackDebit(it->second);
  DropAttempt(id);
}

bool LeaseManager::ForgetAvoided(JobId job) {
  const auto avoided = avoided_.find(job);
  if (avoided == avoided_.end() || parts_.loop.Now() < avoided->second.until) return false;
  avoided_.erase(avoided);
  return true;
}

void LeaseManager::SetWaiting(const Key& key, Request& request, bool infeasible, const std::string& reason) {
  const bool tell = infeasible != request.infeasible || (infeasible && reason != request.reason);
  request.infeasible = infeasible;
  request.reason = reason;
  if (!tell) return;
  pb::RayletToClient message;
  message.mutable_lease_update()->set_key(key.second);
  message.mutable_lease_update()->set_infeasible(infeasible);
  message.mutable_lease_update()->set_reason(reason);
  parts_.clients.Send(key.first, message);
}

LeaseManager::AttemptId LeaseManager::AddAttempt(const Key& key, Request& request, NodeId node) {
  const AttemptId id = ++last_attempt_;
  attempts_.emplace(id, Attempt{key, node});
  request.attempts.insert(id);
  return id;
}

void LeaseManager::DropAttempt(AttemptId id) {
  auto it = attempts_.find(id);
  if (it == attempts_.end()) return;
  if (auto request = requests_.find(it->second.key); request != requests_.end()) request->second.attempts.erase(id);
  if (attempts_.size() == kMaxAttempts) Kick();
  attempts_.erase(it);
}

void LeaseManager::AbandonAttempt(AttemptId id) {
  // Another node's answer will find no attempt and its lease goes back.
  Attempt& attempt = attempts_.at(id);
  if (attempt.lease != 0) parts_.leases.Cancel(attempt.lease);
  TakeBackDebit(attempt);
  DropAttempt(id);
}

// What an attempt asked for in vain is free on the other node as far as we know, although it does not report so anew.
void LeaseManager::TakeBackDebit(Attempt& attempt) {
  parts_.cluster.Credit(attempt.node, attempt.report, std::exchange(attempt.debited, {}));
  Kick();
}

void LeaseManager::MarkFull(NodeId node) {
  parts_.cluster.SetFull(node);
  TimerId& timer = full_[node];
  parts_.loop.Cancel(timer);
  timer = parts_.loop.After(kFullFor, [weak = std::weak_ptr(self_), node] {
    auto self = weak.lock();
    if (!self) return;
    (*self)->full_.erase(node);
    (*self)->parts_.cluster.Reopen(node);
    (*self)->Kick();
  });
}

void LeaseManager::Erase(const Key& key) {
  auto it = requests_.find(key);
  if (it == requests_.end()) return;
  while (!it->second.attempts.empty()) AbandonAttempt(*it->second.attempts.begin());
  requests_.erase(it);
  turns_.remove(key);
}

void LeaseManager::SendError(const Key& key, const pb::Error& error) {
  pb::RayletToClient message;
  message.mutable_lease_update()->set_key(key.second);
  *message.mutable_lease_update()->mutable_error() = error;
  message.mutable_lease_update()->set_reason(error.message());
  parts_.clients.Send(key.first, message);
}

void LeaseManager::GiveBack(const pb::LeaseGranted& granted) {
  const Address worker = AddressFromPb(granted.worker());
  pb::PeerMessage message;
  pb::ReturnLease* lease = message.add_returned();
  lease->set_lease(granted.lease());
  lease->set_node(worker.node.Bytes());
  lease->set_worker(worker.process.value);
  const Status status = parts_.peers.Send(worker.node, std::move(message));
  if (!status.ok()) spdlog::debug("a lease of a lost node is not given back: {}", status.message());
}

std::vector<pb::Demand> LeaseManager::Pending() const {
  std::vector<pb::Demand> pending;
  for (const auto& [key, request] : requests_) {
    if (request.attempts.size() >= request.wanted) continue;
    pb::Demand demand;
    *demand.mutable_resources() = ToPb(request.demand.resources);
    demand.set_count(request.wanted - request.attempts.size());
    demand.set_infeasible(request.infeasible);
    demand.set_reason(request.reason);
    demand.set_what(request.message.what());
    demand.set_job(request.job.value);
    pending.push_back(std::move(demand));
    if (pending.size() == kMaxReported) break;
  }
  return pending;
}

}  // namespace troupe::raylet
