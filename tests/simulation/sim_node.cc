#include "tests/simulation/sim_node.h"

#include <signal.h>

#include <algorithm>

#include "raylet/convert.h"
#include "tests/simulation/world.h"

namespace troupe::simulation {
namespace {

constexpr auto kCallTimeout = 10s;

std::unique_ptr<store::StoreOwner> OpenStore(store::SegmentMemory* memory) {
  store::StoreOptions options;
  options.name_prefix = "troupe-simulated";
  options.capacity = 1 << 20;
  return std::move(store::StoreOwner::Open(std::move(options), memory)).value();
}

ResourceSet Cpus(std::int64_t cpus) {
  ResourceSet resources;
  resources.SetUnits(kCpu, cpus * ResourceSet::kUnit);
  return resources;
}

raylet::NodeIdentity Identity(NodeId node) {
  raylet::NodeIdentity identity;
  identity.node = node;
  return identity;
}

}  // namespace

SimNode::SimNode(World& world, NodeId id, std::int64_t cpus)
    : world_(world), id_(id), loop_(world.loop()), store_(OpenStore(&memory_)) {
  core_ = std::make_unique<raylet::RayletCore>(
      raylet::RayletCore::Options{
          .identity = Identity(id), .resources = Cpus(cpus), .labels = {}, .channel_prefix = "channel-"},
      raylet::RayletCore::Ports{.loop = loop_,
                                .store = *store_,
                                .regions = *this,
                                .head = *this,
                                .peers = *this,
                                .clients = *this,
                                .workers = *this,
                                .driver_processes = *this,
                                .drivers = *this,
                                .logs = *this,
                                .packer = *this,
                                .transfers = *this},
      raylet::RayletCore::Events{.publish_lease = [](MonotonicTime) {},
                                 .on_welcome = [this](const pb::Welcome&) { ready_ = true; },
                                 .on_refused = [this](const Status& why) { world_.Refused(id_, why); },
                                 .on_shutdown = [](const std::string&) {}});
  pb::NodeHello hello;
  hello.set_address("10.1.1.1:" + std::to_string(1000 + id.low));
  hello.set_raylet_pid(static_cast<std::int32_t>(1000 + id.low));
  core_->Start(std::move(hello));
}

SimNode::~SimNode() { world_.network().Drop(id_); }

void SimNode::Leave() {
  left_ = true;
  for (const auto& [process, worker] : std::map(workers_)) world_.Die(process, "its node leaves");
  core_->Leave("somebody wants it", [] {});
}

// --- What happens in the world ---------------------------------------------------------------------------------------

void SimNode::Register(SimProcess& process, const std::string& name_space) {
  pb::RegisterClient request;
  request.set_kind(process.kind);
  request.set_process(process.id.value);
  request.set_name_space(name_space);
  request.mutable_program()->set_path("/bin/program");
  core_->client_handler().Admit(request, process.pid, [this, id = process.id](Result<raylet::ClientInfo> info) {
    SimProcess* admitted = world_.Find(id);
    if (!info.ok()) return world_.Die(id, "it was refused: " + info.status().ToString());
    if (!admitted->alive) return core_->client_handler().OnClosed(*info, Unavailable("it went before"));
    admitted->job = info->job.value;
    admitted->connected = true;
    admitted->registered = loop_.Now();
    info->doorbell = "bell";
    infos_[id] = *info;
    world_.trace().Add("process " + id.Hex() + " registers on " + id_.Hex().substr(28));
    core_->client_handler().OnRegistered(*info);
    if (admitted->is_driver()) return;
    if (auto it = workers_.find(id); it != workers_.end()) it->second.state = State::kIdle;
    core_->OnWorkerStarted({id, info->job, admitted->pid});
    Pump();
  });
}

void SimNode::Deliver(ProcessId from, const pb::ClientToRaylet& message) {
  auto it = infos_.find(from);
  if (it == infos_.end()) return;
  const raylet::ClientInfo info = it->second;
  const Status status = core_->client_handler().OnMessage(info, message);
  if (!status.ok()) world_.trace().Broken("protocol", "process " + from.Hex() + " is told: " + status.message());
}

void SimNode::Closed(ProcessId process) {
  auto info = infos_.extract(process);
  if (info.empty()) return;
  if (world_.fault() == Fault::kKeepDriver && info.mapped().kind == pb::WorkerInfo::DRIVER) return;
  core_->client_handler().OnClosed(info.mapped(), OkStatus());
}

void SimNode::Exited(SimProcess& process, const std::string& how) {
  if (auto watched = watched_.extract(process.pid); !watched.empty()) watched.mapped()();
  auto worker = workers_.extract(process.id);
  if (worker.empty()) return;
  Pump();
  if (worker.mapped().state == State::kStarting) return;
  if (world_.fault() == Fault::kHideExit && process.id.value % 3 == 0) return;
  core_->OnWorkerExit({process.id, worker.mapped().job, process.pid}, how);
}

// --- Clients ---------------------------------------------------------------------------------------------------------

void SimNode::Send(ProcessId to, const pb::RayletToClient& message) {
  if (infos_.contains(to)) world_.Tell(to, message);
}

Status SimNode::SendRouted(ProcessId to, const Address&, std::string_view) {
  return infos_.contains(to) ? OkStatus() : NotFound("no such process");
}

void SimNode::Broadcast(const pb::RayletToClient& message) {
  for (const auto& [process, info] : infos_) world_.Tell(process, message);
}

const raylet::ClientInfo* SimNode::Find(ProcessId process) const {
  auto it = infos_.find(process);
  return it == infos_.end() ? nullptr : &it->second;
}

std::vector<const raylet::ClientInfo*> SimNode::List() const {
  std::vector<const raylet::ClientInfo*> list;
  for (const auto& [process, info] : infos_) list.push_back(&info);
  return list;
}

void SimNode::Disconnect(ProcessId client, const Status& why) {
  loop_.Post([this, client, why] {
    world_.Die(client, "it was disconnected: " + why.message());
    Closed(client);
  });
}

// --- Workers ---------------------------------------------------------------------------------------------------------

SimNode::Ticket SimNode::Acquire(const pb::JobInfo& job, std::function<void(Result<raylet::WorkerProcess>)> done) {
  waiting_[++last_ticket_] = {JobId{job.id()}, std::move(done)};
  loop_.Post([this, ticket = last_ticket_] {
    if (world_.dice().Chance(2)) Fail(ticket, Unavailable("its package has not come"));
    Pump();
  });
  return last_ticket_;
}

void SimNode::CancelAcquire(Ticket ticket) { waiting_.erase(ticket); }

void SimNode::Fail(Ticket ticket, const Status& why) {
  auto failed = waiting_.extract(ticket);
  if (!failed.empty()) failed.mapped().done(why);
}

void SimNode::Pump() {
  loop_.Post([this] {
    if (suspended_ || left_) return;
    std::map<JobId, std::size_t> missing;
    for (const auto& [ticket, waiting] : std::map(waiting_)) {
      if (!waiting_.contains(ticket)) continue;
      auto idle = std::find_if(workers_.begin(), workers_.end(), [job = waiting.job](const auto& worker) {
        return worker.second.job == job && worker.second.state == State::kIdle;
      });
      if (idle == workers_.end()) {
        ++missing[waiting.job];
        continue;
      }
      idle->second.state = State::kHandedOut;
      waiting_.erase(ticket);
      waiting.done(raylet::WorkerProcess{idle->first, waiting.job, world_.Find(idle->first)->pid});
    }
    for (auto [job, wanted] : missing) {
      for (const auto& [id, worker] : workers_) {
        if (worker.job == job && worker.state == State::kStarting && wanted > 0) --wanted;
      }
      for (; wanted > 0; --wanted) StartWorker(job);
    }
  });
}

void SimNode::StartWorker(JobId job) {
  SimProcess& process = world_.NewProcess(id_, pb::WorkerInfo::WORKER);
  process.job = job.value;
  workers_[process.id] = {job};
  loop_.After(world_.dice().Between(5ms, 200ms), [this, id = process.id] {
    SimProcess* started = world_.Find(id);
    if (started->alive && !left_) Register(*started, "");
  });
}

void SimNode::Release(ProcessId worker) {
  if (auto it = workers_.find(worker); it != workers_.end()) it->second.state = State::kIdle;
  Pump();
}

void SimNode::Retire(ProcessId worker) { Kill(worker, "it is of no use any more"); }

void SimNode::Kill(ProcessId worker, const std::string& reason) {
  if (!workers_.contains(worker)) return;
  loop_.After(world_.dice().Between(0ms, 30ms), [this, worker, reason] {
    if (world_.fault() != Fault::kKeepKilled) return world_.Die(worker, "killed by its raylet: " + reason);
    Closed(worker);
    Exited(*world_.Find(worker), "killed, it is said");
  });
}

void SimNode::RemoveJob(JobId job) {
  std::vector<Ticket> cancelled;
  for (const auto& [ticket, waiting] : waiting_) {
    if (waiting.job == job) cancelled.push_back(ticket);
  }
  for (const Ticket ticket : cancelled) loop_.Post([this, ticket] { Fail(ticket, Cancelled("its job ended")); });
  std::vector<ProcessId> surplus;
  for (const auto& [process, worker] : workers_) {
    if (worker.job == job && worker.state != State::kHandedOut) surplus.push_back(process);
  }
  for (const ProcessId process : surplus) Kill(process, "its job ended");
}

Result<raylet::WorkerProcess> SimNode::OnRegister(ProcessId process, pid_t pid, const std::string&) {
  auto it = workers_.find(process);
  if (it == workers_.end()) return PermissionDenied("no worker of this raylet");
  return raylet::WorkerProcess{process, it->second.job, pid};
}

void SimNode::Suspend(const std::string& reason) {
  world_.trace().Add("node " + id_.Hex().substr(28) + " has lost its lease");
  suspended_ = true;
  std::vector<ProcessId> all;
  for (const auto& [process, worker] : workers_) all.push_back(process);
  for (const ProcessId process : all) Kill(process, reason);
}

void SimNode::Resume() {
  suspended_ = false;
  Pump();
}

// --- The head --------------------------------------------------------------------------------------------------------

std::unique_ptr<raylet::HeadStream> SimNode::OpenStream(raylet::MessageStreamHandlers<pb::HeadToNode> handlers) {
  auto [mine, heads] = MakePair<pb::HeadToNode, pb::NodeToHead>(world_.network(), id_, kHeadPlace);
  mine->SetHandlers(std::move(handlers));
  auto at_head = std::make_shared<std::unique_ptr<SimStream<pb::NodeToHead, pb::HeadToNode>>>(std::move(heads));
  if (world_.network().Reachable(id_, kHeadPlace)) {
    world_.head().Accept(std::move(*at_head));
  } else {
    world_.loop().After(world_.network().Delay(), [at_head] { at_head->reset(); });  // closes the other end
  }
  return std::move(mine);
}

template <class Reply>
void SimNode::Call(std::function<void(Answer<Reply>)> at_head, Answer<Reply> done) {
  // Answered once: by the head, or when the time is over.
  auto once = std::make_shared<Answer<Reply>>(std::move(done));
  const auto answer = [once](Result<Reply> reply) {
    if (*once) std::exchange(*once, nullptr)(std::move(reply));
  };
  loop_.After(kCallTimeout, [answer] { answer(DeadlineExceeded("the head did not answer")); });
  loop_.After(world_.network().Delay(), [this, at_head = std::move(at_head), answer] {
    if (!world_.network().Reachable(id_, kHeadPlace)) return answer(Unavailable("cannot reach the head"));
    NodeLoop* loop = &loop_;
    std::weak_ptr<bool> here = world_.Presence(id_);
    at_head([this, loop, here, answer](Result<Reply> reply) {
      if (here.expired()) return;
      loop->After(world_.network().Delay(), [this, answer, reply = std::move(reply)]() mutable {
        if (!world_.network().Reachable(id_, kHeadPlace)) return answer(Unavailable("lost the head"));
        answer(std::move(reply));
      });
    });
  });
}

void SimNode::RegisterJob(const pb::RegisterJobRequest& request, Answer<pb::RegisterJobReply> done) {
  Call<pb::RegisterJobReply>(
      [this, request](Answer<pb::RegisterJobReply> answer) {
        world_.head().cluster().jobs().Register(request, [answer](Result<pb::JobInfo> job) {
          if (!job.ok()) return answer(job.status());
          pb::RegisterJobReply reply;
          *reply.mutable_job() = std::move(*job);
          answer(std::move(reply));
        });
      },
      std::move(done));
}

void SimNode::FinishJob(const pb::FinishJobRequest& request, Answer<pb::Done> done) {
  Call<pb::Done>(
      [this, request](Answer<pb::Done> answer) {
        const Status status = world_.head().cluster().jobs().Finish(JobId{request.job()}, request.reason());
        answer(status.ok() ? Result<pb::Done>(pb::Done()) : Result<pb::Done>(status));
      },
      std::move(done));
}

void SimNode::GetActor(const pb::FindActor& request, Answer<pb::ActorReply> done) {
  Call<pb::ActorReply>(
      [this, request](Answer<pb::ActorReply> answer) {
        auto info = world_.head().cluster().actors().Find(request);
        if (!info.ok()) return answer(info.status());
        pb::ActorReply reply;
        *reply.mutable_info() = std::move(*info);
        reply.set_existed(true);
        answer(std::move(reply));
      },
      std::move(done));
}

void SimNode::KillActor(const pb::KillActorRequest& request, Answer<pb::ActorReply> done) {
  Call<pb::ActorReply>(
      [this, request](Answer<pb::ActorReply> answer) {
        world_.head().cluster().actors().Kill(request, std::move(answer));
      },
      std::move(done));
}

void SimNode::ListActors(const pb::ListActorsRequest& request, Answer<pb::ListActorsReply> done) {
  Call<pb::ListActorsReply>(
      [this, request](Answer<pb::ListActorsReply> answer) { answer(world_.head().cluster().actors().List(request)); },
      std::move(done));
}

// --- Other nodes, and the rest ---------------------------------------------------------------------------------------

std::shared_ptr<raylet::PeerStream> SimNode::Open(NodeId node, const std::string&) {
  auto [mine, theirs] = MakePair<pb::PeerMessage, pb::PeerMessage>(world_.network(), id_, node);
  auto other = std::make_shared<std::shared_ptr<raylet::PeerStream>>(std::move(theirs));
  // Before anything that is sent on it.
  world_.loop().After(0ms, [&world = world_, node, other, from = id_] {
    SimNode* target = world.NodeAt(node);
    if (target == nullptr || !world.network().Reachable(from, node)) return other->reset();
    target->core().OnPeerStream(std::move(*other));
  });
  if (world_.fault() != Fault::kHideDeath) return std::move(mine);
  // A stream that tells of no process's end.
  class Hiding : public raylet::PeerStream {
   public:
    explicit Hiding(std::unique_ptr<raylet::PeerStream> to) : to_(std::move(to)) {}
    void SetHandlers(raylet::MessageStreamHandlers<pb::PeerMessage> handlers) override {
      to_->SetHandlers(std::move(handlers));
    }
    void Send(const pb::PeerMessage& message) override {
      pb::PeerMessage told = message;
      told.clear_died();
      to_->Send(told);
    }
    std::size_t pending_bytes() const override { return to_->pending_bytes(); }
    void Close(const Status& status) override { to_->Close(status); }

   private:
    const std::unique_ptr<raylet::PeerStream> to_;
  };
  return std::make_shared<Hiding>(std::move(mine));
}

std::unique_ptr<raylet::DriverProcess> SimNode::Watch(pid_t pid, std::function<void()> on_exit) {
  class Watched : public raylet::DriverProcess {
   public:
    Watched(SimNode& node, pid_t pid) : node_(node), pid_(pid) {}
    ~Watched() override { node_.watched_.erase(pid_); }
    Status Signal(int) override {
      node_.world_.DiePid(pid_, "it was signalled");
      return OkStatus();
    }

   private:
    SimNode& node_;
    const pid_t pid_;
  };
  watched_[pid] = std::move(on_exit);
  return std::make_unique<Watched>(*this, pid);
}

void SimNode::Package(const pb::Program&, std::function<void(Result<std::string>)> done) {
  loop_.After(world_.dice().Between(10ms, 500ms), [done = std::move(done)] { done(std::string(64, 'a')); });
}

void SimNode::Fetch(ObjectId id, std::vector<NodeId>, ObjectTransfers::Done done) {
  fetches_[id] = std::move(done);
  loop_.After(world_.network().Delay(), [this, id] {
    auto fetch = fetches_.extract(id);
    if (!fetch.empty()) fetch.mapped()(NotFound("nobody has it"), {});
  });
}

}  // namespace troupe::simulation
