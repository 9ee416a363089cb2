// Drivers, workers, other nodes and a head that say anything at all to a raylet's managers, in any order. Whatever they
// say:
//   - every request is answered once, with what its client can read, and one message causes a bounded number of others;
//   - a worker is handed to one holder at a time, and given back once;
//   - what is free never exceeds what there is by more than was lent;
//   - when every process is dead, nothing is held any more: no resources, leases, actors, objects, channels.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/check.h"
#include "common/manual_event_loop.h"
#include "ipc/client_wire.h"
#include "object_store/store_owner.h"
#include "raylet/cluster_view.h"
#include "raylet/convert.h"
#include "raylet/leases/lease_manager.h"
#include "raylet/leases/local_leases.h"
#include "raylet/leases/local_resources.h"
#include "raylet/leases/remote_leases.h"
#include "raylet/links/actor_directory.h"
#include "raylet/links/channel_broker.h"
#include "raylet/links/router.h"
#include "raylet/objects/object_manager.h"
#include "raylet/programs/job_table.h"
#include "raylet/workers/actor_host.h"
#include "tests/fuzz/proto/message_maker.h"
#include "tests/fuzz/raylet/checking_ports.h"
#include "tests/fuzz/seeds.h"
#include "tests/unit/raylet/fakes.h"

namespace troupe::raylet {
namespace {

using fuzz::Input;
using fuzz::MessageMaker;
using namespace std::chrono_literals;

constexpr std::size_t kMaxSteps = 60;
constexpr NodeId kSelf{1, 1};
constexpr NodeId kPeers[] = {{2, 2}, {3, 3}};
constexpr std::uint64_t kJobs[] = {11, 12};
constexpr ProcessId kDrivers[] = {{21}, {22}};

enum class Step : std::uint8_t {
  kClientMessage,
  kLease,
  kReturnLease,
  kObject,
  kActor,
  kWorkerNotice,
  kRouted,
  kChannel,
  kHeadAnswer,
  kStartActor,
  kHeadMessage,
  kPeerMessage,
  kRemoteLease,
  kWorkerStarts,
  kWorkerExits,
  kDriverDies,
  kFetched,
  kAdvance,
  kCount
};

std::unique_ptr<store::StoreOwner> OpenStore() {
  store::StoreOptions options;
  options.name_prefix = "troupe-fuzz-" + ProcessId::Random().Hex();
  options.capacity = 256 << 10;
  return std::move(store::StoreOwner::Open(std::move(options))).value();
}

class Session {
 public:
  explicit Session(Input input) : input_(input) {
    for (NodeId node : {kSelf, kPeers[0], kPeers[1]}) pools_.ids.push_back(node.Bytes());
    for (std::uint64_t i = 1; i <= 3; ++i) pools_.ids.push_back(ActorNumber(i).Bytes());
    for (std::uint64_t i = 1; i <= 3; ++i) pools_.ids.push_back(ObjectNumber(i).Bytes());
    pools_.ids.push_back(std::string(16, '\0'));
    pools_.processes = {0, ~std::uint64_t{0}, kJobs[0], kJobs[1], kDrivers[0].value, kDrivers[1].value, 1001, 1002, 31};
    pools_.texts = {"", "ns", "name", "CPU", "GPU", "memory", "disk", "\xff", "Class", "zone", "/bin/x", "a b\n"};
    clients_.connected = {kDrivers[0], kDrivers[1]};
    peers_.alive = {kPeers[0], kPeers[1]};
    std::vector<pb::NodeInfo> nodes = {Node(kSelf, {{"CPU", 4}, {"GPU", 2}})};
    for (NodeId node : kPeers) nodes.push_back(Node(node, {{"CPU", 8}}));
    cluster_.Apply(Nodes(nodes));
    for (std::size_t i = 0; i < 2; ++i) {
      pb::JobInfo job;
      job.set_id(kJobs[i]);
      job.set_state(pb::JobInfo::RUNNING);
      *job.mutable_driver() = ToPb(Address{kSelf, kDrivers[i]});
      jobs_.Learn(job);
    }
  }

  void Run() {
    for (std::size_t i = 0; i < kMaxSteps && !input_.empty(); ++i) {
      outlet_.NextStep();
      Take(static_cast<Step>(input_.Below(static_cast<std::size_t>(Step::kCount))));
      if (input_.Below(4) != 0) loop_.RunPosted();
      Check();
    }
    End();
  }

 private:
  static ActorId ActorNumber(std::uint64_t number) { return {kDrivers[0].value, number}; }
  static ObjectId ObjectNumber(std::uint64_t number) { return {kDrivers[1].value, 100 + number}; }

  void Take(Step step) {
    switch (step) {
      case Step::kClientMessage: return FromClient(MessageMaker::Make<pb::ClientToRaylet>(&input_, pools_));
      case Step::kLease: return Lease();
      case Step::kReturnLease: return ReturnLease();
      case Step::kObject: return Object();
      case Step::kActor: return Actor();
      case Step::kWorkerNotice: return WorkerNotice();
      case Step::kRouted: return Routed();
      case Step::kChannel: return Channel();
      case Step::kHeadAnswer: return HeadAnswer();
      case Step::kStartActor: return StartActor();
      case Step::kHeadMessage: return FromHead(MessageMaker::Make<pb::HeadToNode>(&input_, pools_));
      case Step::kPeerMessage: return FromPeer(MessageMaker::Make<pb::PeerMessage>(&input_, pools_));
      case Step::kRemoteLease: return RemoteLease();
      case Step::kWorkerStarts: return WorkerStarts();
      case Step::kWorkerExits: return WorkerExits();
      case Step::kDriverDies: return DriverDies();
      case Step::kFetched: return Fetched();
      case Step::kAdvance:
      case Step::kCount: return loop_.Advance(input_.Flip() ? 1100ms : 11s);
    }
  }

  template <class Message>
  void Spoil(Message* message) {
    if (input_.Flip()) MessageMaker::Change(&input_, pools_, message);
  }

  // --- Clients, as ClientDispatcher passes their messages on ---------------------------------------------------------

  void FromClient(pb::ClientToRaylet message) {
    if (clients_.connected.empty()) return;
    const auto client =
        std::next(clients_.connected.begin(), static_cast<std::ptrdiff_t>(input_.Below(clients_.connected.size())));
    ClientInfo info;
    info.process = *client;
    info.kind = client->value < 1000 ? pb::WorkerInfo::DRIVER : pb::WorkerInfo::WORKER;
    info.job = JobId{kJobs[*client == kDrivers[1] ? 1 : 0]};
    info.name_space = "ns";
    info.doorbell = "bell";
    message.request_id() != 0 ? Request(info, &message) : Notice(info, message);
  }
  void Request(const ClientInfo& client, pb::ClientToRaylet* message) {
    const std::uint64_t id = ++last_request_;
    const bool known = message->has_open_channel() || message->has_create_actor() || message->has_find_actor() ||
                       message->has_list_named() || message->has_kill_actor() || message->has_create_object() ||
                       message->has_get_object();
    if (known) clients_.asked.insert({client.process, id});
    switch (message->body_case()) {
      case pb::ClientToRaylet::kOpenChannel: return channels_.Open(client, id, message->open_channel());
      case pb::ClientToRaylet::kCreateActor: return directory_.Create(client, id, message->create_actor());
      case pb::ClientToRaylet::kFindActor: return directory_.Find(client, id, message->find_actor());
      case pb::ClientToRaylet::kListNamed: return directory_.ListNamed(client, id, message->list_named());
      case pb::ClientToRaylet::kKillActor: return directory_.Kill(client, id, message->kill_actor());
      case pb::ClientToRaylet::kCreateObject: return objects_.Create(client.process, id, message->create_object());
      case pb::ClientToRaylet::kGetObject: return objects_.Get(client.process, id, message->get_object());
      default: return;  // disconnected
    }
  }
  void Notice(const ClientInfo& client, const pb::ClientToRaylet& message) {
    switch (message.body_case()) {
      case pb::ClientToRaylet::kLeaseRequest: return lease_requests_.OnRequest(client, message.lease_request());
      case pb::ClientToRaylet::kReturnLease: return lease_requests_.OnReturn(client.process, message.return_lease());
      case pb::ClientToRaylet::kSealObject: return objects_.Seal(client.process, message.seal_object());
      case pb::ClientToRaylet::kAbortObject: return objects_.Abort(client.process, message.abort_object());
      case pb::ClientToRaylet::kReleaseObject: return objects_.Release(client.process, message.release_object());
      case pb::ClientToRaylet::kDeleteObjects: return objects_.Delete(client.process, message.delete_objects());
      case pb::ClientToRaylet::kCloseChannel: return channels_.Close(client, message.close_channel());
      case pb::ClientToRaylet::kReleaseActor: return directory_.Release(client, message.release_actor());
      case pb::ClientToRaylet::kBlocked: return leases_.SetBlocked(client.process, message.blocked().blocked());
      case pb::ClientToRaylet::kExitIntent: return actors_.OnExitIntent(client.process, message.exit_intent());
      case pb::ClientToRaylet::kActorConstructed:
        return (void)actors_.OnConstructed(client.process, message.actor_constructed());
      default: return;  // disconnected
    }
  }

  void Lease() {
    pb::ClientToRaylet message;
    pb::LeaseRequest& request = *message.mutable_lease_request();
    request.set_key(input_.Below(3));
    request.set_count(static_cast<std::uint32_t>(input_.Below(4)));
    (*request.mutable_resources()->mutable_units())[kCpu] =
        static_cast<std::int64_t>(input_.Below(3)) * ResourceSet::kUnit;
    Spoil(&request);
    FromClient(std::move(message));
  }
  void ReturnLease() {
    if (clients_.leases.empty()) return;
    const auto& [client, granted] = input_.PickFrom(clients_.leases);
    pb::ClientToRaylet message;
    message.mutable_return_lease()->set_lease(granted.lease());
    message.mutable_return_lease()->set_node(granted.worker().node());
    message.mutable_return_lease()->set_worker(granted.worker().process());
    Spoil(message.mutable_return_lease());
    FromClient(std::move(message));
  }
  void Object() {
    pb::ClientToRaylet message;
    const std::string id = ObjectNumber(1 + input_.Below(3)).Bytes();
    switch (input_.Below(6)) {
      case 0:
        message.mutable_create_object()->set_id(id);
        message.mutable_create_object()->set_size(input_.Take<std::uint16_t>() * std::uint64_t{4});
        Spoil(message.mutable_create_object());
        break;
      case 1: message.mutable_seal_object()->set_id(id); break;
      case 2: message.mutable_abort_object()->set_id(id); break;
      case 3:
        message.mutable_get_object()->set_id(id);
        message.mutable_get_object()->add_nodes(kPeers[input_.Below(2)].Bytes());
        Spoil(message.mutable_get_object());
        break;
      case 4: message.mutable_release_object()->set_id(id); break;
      case 5: message.mutable_delete_objects()->add_ids(id); break;
    }
    message.set_request_id(message.has_create_object() || message.has_get_object() ? 1 : 0);
    FromClient(std::move(message));
  }
  void Actor() {
    pb::ClientToRaylet message;
    message.set_request_id(1);
    const std::string id = ActorNumber(1 + input_.Below(3)).Bytes();
    switch (input_.Below(3)) {
      case 0: message.mutable_create_actor()->mutable_spec()->set_id(id); break;
      case 1: message.mutable_find_actor()->set_id(id); break;
      case 2: message.mutable_kill_actor()->set_id(id); break;
    }
    Spoil(&message);
    FromClient(std::move(message));
  }
  void WorkerNotice() {
    if (clients_.assigned.empty()) return;
    const auto& [worker, assigned] =
        *std::next(clients_.assigned.begin(), static_cast<std::ptrdiff_t>(input_.Below(clients_.assigned.size())));
    pb::ActorConstructed constructed;
    constructed.set_id(assigned.spec().id());
    constructed.set_incarnation(assigned.incarnation());
    if (input_.Below(4) == 0) constructed.mutable_error()->set_message("threw");
    Spoil(&constructed);
    (void)actors_.OnConstructed(worker, constructed);
  }
  void Routed() {
    std::string payload = ipc::EncodeRoutedHeader({input_.Flip() ? kSelf : kPeers[0], kDrivers[input_.Below(2)]});
    payload += input_.Bytes(input_.Below(64));
    if (input_.Flip()) payload = input_.Bytes(input_.Below(64));
    if (!clients_.connected.empty()) (void)router_.OnFromClient(*clients_.connected.begin(), payload);
  }
  void Channel() {
    pb::ClientToRaylet message;
    const std::uint64_t peer = input_.PickFrom(pools_.processes);
    const std::string region = "fuzz-ch-" + std::to_string(1 + input_.Below(4));
    if (input_.Below(4) == 0) {
      message.mutable_close_channel()->set_peer(peer);
      message.mutable_close_channel()->set_region(region);
    } else {
      message.set_request_id(1);
      message.mutable_open_channel()->set_peer(peer);
      if (input_.Below(3) == 0) message.mutable_open_channel()->set_larger_than(region);
    }
    FromClient(std::move(message));
  }

  // --- The head ----------------------------------------------------------------------------------------------------

  void HeadAnswer() {
    if (!head_.lists.empty()) {
      const auto done = std::move(head_.lists.back());
      head_.lists.pop_back();
      return done(MessageMaker::Make<pb::ListActorsReply>(&input_, pools_));
    }
    if (head_.actor_calls.empty()) return;
    const auto [id, done] = std::move(head_.actor_calls.back());
    head_.actor_calls.pop_back();
    if (input_.Below(4) == 0) return done(NotFound("no such actor"));
    pb::ActorReply reply;
    reply.mutable_info()->set_id(id);
    reply.mutable_info()->set_state(static_cast<pb::ActorState>(1 + input_.Below(5)));
    reply.mutable_info()->set_incarnation(input_.Below(3));
    done(reply);
  }
  void StartActor() {
    pb::HeadToNode message;
    pb::StartActor& start = *message.mutable_start_actor();
    start.mutable_spec()->set_id(ActorNumber(1 + input_.Below(3)).Bytes());
    start.mutable_spec()->set_job(kJobs[input_.Below(2)]);
    start.mutable_spec()->set_detached(input_.Flip());
    (*start.mutable_spec()->mutable_resources()->mutable_units())[input_.Flip() ? kCpu : kGpu] =
        static_cast<std::int64_t>(input_.Below(5)) * ResourceSet::kUnit / 2;
    start.set_incarnation(1 + input_.Below(3));
    start.mutable_job()->set_id(start.spec().job());
    if (input_.Below(4) == 0) MessageMaker::Change(&input_, pools_, &start);
    FromHead(message);
  }
  void FromHead(const pb::HeadToNode& message) {
    switch (message.body_case()) {
      case pb::HeadToNode::kNodesChanged: {
        const auto changes = cluster_.Apply(message.nodes_changed().nodes());
        for (const auto& [node, reason] : changes.died) NodeDied(node);
        for (NodeId node : changes.joined) peers_.alive.insert(node);
        return lease_requests_.Kick();
      }
      case pb::HeadToNode::kStartActor:
        head_.failed.erase({message.start_actor().spec().id(), message.start_actor().incarnation()});
        jobs_.Learn(message.start_actor().job());
        return actors_.Start(message.start_actor());
      case pb::HeadToNode::kStopActor: return actors_.Stop(message.stop_actor());
      case pb::HeadToNode::kActorUpdate: return directory_.OnUpdate(message.actor_update().info());
      case pb::HeadToNode::kJobUpdate: return jobs_.Update(message.job_update().job());
      default: return;
    }
  }
  void JobEnded(const pb::JobInfo& job) {
    const JobId id{job.id()};
    std::vector<std::function<void(Result<WorkerProcess>)>> cancelled;
    for (auto it = workers_.waiting.begin(); it != workers_.waiting.end();) {
      if (it->second.first == id) cancelled.push_back(std::move(it->second.second));
      it = it->second.first == id ? workers_.waiting.erase(it) : std::next(it);
    }
    for (const auto& done : cancelled) done(Cancelled("its job ended"));
    leases_.OnJobEnded(id);
  }

  // --- Other nodes -------------------------------------------------------------------------------------------------

  void FromPeer(const pb::PeerMessage& message) {
    const NodeId from = kPeers[input_.Below(2)];
    if (!peers_.alive.contains(from)) return;
    for (const pb::RoutedFrame& frame : message.frames()) router_.OnFromPeer(from, frame);
    for (const pb::DirectMessage& direct : message.messages()) router_.OnDirect(from, direct);
    for (const pb::RemoteLease& lease : message.leases()) remote_leases_.OnRequest(from, lease);
    for (const pb::RemoteLeaseAnswer& answer : message.lease_answers()) lease_requests_.OnRemoteAnswer(from, answer);
    for (const pb::ReturnLease& lease : message.returned()) remote_leases_.OnReturn(from, lease);
    std::vector<ObjectId> deleted;
    for (const std::string& id : message.deleted()) deleted.push_back(IdFromPb<ObjectId>(id));
    if (!deleted.empty()) objects_.OnDeleted(deleted);
    for (const pb::ProcessDied& died : message.died()) {
      const ProcessId process{died.process()};
      leases_.OnLesseeDied([&](const Address& lessee) { return lessee == Address{from, process}; }, "gone");
      const EndedProcess ended{.address = {from, process}, .job = {}, .reason = "gone"};
      router_.OnProcessOver(ended);
      objects_.OnOwnerDied(process);
      watches_.OnProcessOver(ended);
      lease_requests_.Kick();
    }
    for (const std::uint64_t process : message.watch()) watches_.OnAsked(from, ProcessId{process});
  }
  void RemoteLease() {
    pb::PeerMessage message;
    if (input_.Flip() || peers_.asked.empty()) {
      pb::RemoteLease& lease = *message.add_leases();
      lease.set_client(31);
      lease.set_job(kJobs[0]);
      lease.set_id(input_.Below(8));
      lease.mutable_request()->set_count(1);
      (*lease.mutable_request()->mutable_resources()->mutable_units())[kCpu] = ResourceSet::kUnit;
      Spoil(&lease);
    } else {
      pb::RemoteLeaseAnswer& answer = *message.add_lease_answers();
      answer.set_id(input_.PickFrom(peers_.asked).second);
      answer.mutable_granted()->set_lease(input_.Below(4));
      *answer.mutable_granted()->mutable_worker() = ToPb(Address{kPeers[0], ProcessId{31}});
      answer.set_no_room(input_.Below(4) == 0);
      Spoil(&answer);
    }
    FromPeer(message);
  }
  void NodeDied(NodeId node) {
    peers_.alive.erase(node);
    lease_requests_.OnNodeDied(node);
    leases_.OnLesseeDied([&](const Address& lessee) { return lessee.node == node; }, "gone");
    for (ProcessId process : watches_.Of(node)) objects_.OnOwnerDied(process);
    router_.OnNodeOver(node, "gone");
    watches_.OnNodeOver(node, "gone");
    objects_.OnNodeDied(node, [this](ProcessId owner) { return clients_.Connected(owner); });
  }
  void Fetched() {
    if (transfers_.fetches.empty()) return;
    const ObjectId id = transfers_.fetches.begin()->first;
    if (input_.Flip()) return transfers_.Finish(id, NotFound("no node has it"));
    const auto place = store_->CreateLocal(id, 100);
    if (!place.ok()) return transfers_.Finish(id, place.status());
    TROUPE_CHECK(store_->SealLocal(id).ok());
    transfers_.Finish(id, OkStatus(), kPeers[0]);
  }

  // --- Processes ---------------------------------------------------------------------------------------------------

  void WorkerStarts() {
    if (workers_.waiting.empty()) return;
    const std::size_t choice = input_.Below(4);
    if (choice == 0) return workers_.Fail(FailedPrecondition("its program ended"));
    clients_.connected.insert(workers_.Start(choice > 1));
  }
  void WorkerExits() {
    if (!workers_.alive.empty()) WorkerExits(*workers_.alive.begin());
  }
  void WorkerExits(ProcessId worker) {
    clients_.Gone(worker);
    actors_.OnWorkerExit(worker, "was killed");
    leases_.OnWorkerExit(worker);
    workers_.alive.erase(worker);
    workers_.held.erase(worker);
    Bury(worker);
  }
  void DriverDies() {
    const ProcessId driver = kDrivers[input_.Below(2)];
    if (clients_.connected.contains(driver)) DriverDies(driver);
  }
  void DriverDies(ProcessId driver) {
    clients_.Gone(driver);
    Bury(driver);
  }
  void Bury(ProcessId process) {
    lease_requests_.OnClientGone(process);
    leases_.OnLesseeDied([&](const Address& lessee) { return lessee == Address{kSelf, process}; }, "gone");
    channels_.OnClientGone(process);
    directory_.OnClientGone(process);
    const EndedProcess ended{.address = {kSelf, process}, .is_local = true, .job = {}, .reason = "gone"};
    router_.OnProcessOver(ended);
    objects_.OnOwnerDied(process);
    watches_.OnProcessOver(ended);
    objects_.OnLocalProcessGone(process);
    lease_requests_.Kick();
  }

  // --- What must hold ----------------------------------------------------------------------------------------------

  void Check() {
    for (const auto& [name, units] : resources_.available().units()) {
      if (name != kCpu) TROUPE_CHECK(units >= 0 && units <= resources_.total().Units(name));
      // Every CPU may be lent once by whoever holds it.
      TROUPE_CHECK(units <= 2 * resources_.total().Units(name) && units >= -resources_.total().Units(name) * 2);
    }
    TROUPE_CHECK(actors_.PlacementCpuUnits() >= 0);
    TROUPE_CHECK(lease_requests_.Pending().size() <= LeaseManager::kMaxReported);
  }

  // Every process ends, and every job.
  void End() {
    outlet_.NextStep();
    for (ProcessId driver : kDrivers) {
      if (clients_.connected.contains(driver)) DriverDies(driver);
    }
    for (NodeId node : kPeers) {
      pb::NodeInfo gone = Node(node, {}, false);
      pb::HeadToNode message;
      *message.mutable_nodes_changed()->add_nodes() = gone;
      FromHead(message);
      NodeDied(node);
    }
    while (!workers_.waiting.empty()) workers_.Fail(Cancelled("the job ended"));
    while (!workers_.alive.empty()) WorkerExits(*workers_.alive.begin());
    for (const auto& client : std::set<ProcessId>(clients_.connected)) DriverDies(client);
    for (int i = 0; i < 3; ++i) loop_.Advance(11s);
    while (!workers_.waiting.empty()) workers_.Fail(Cancelled("the job ended"));
    while (!transfers_.fetches.empty()) transfers_.Finish(transfers_.fetches.begin()->first, NotFound("gone"));
    TROUPE_CHECK(clients_.asked.empty());
    TROUPE_CHECK(workers_.held.empty());
    TROUPE_CHECK(actors_.size() == 0 && actors_.PlacementCpuUnits() == 0);
    TROUPE_CHECK(resources_.available() == resources_.total());
    TROUPE_CHECK(lease_requests_.Pending().empty());
    TROUPE_CHECK(directory_.size() == 0);
    TROUPE_CHECK(regions_.names.empty());
    TROUPE_CHECK(store_->GetUsage().unsealed == 0 && store_->GetUsage().pinned == 0);
  }

  Input input_;
  ManualEventLoop loop_;
  checking::Outlet outlet_;
  fuzz::Pools pools_;
  std::uint64_t last_request_ = 0;

  checking::Clients clients_{outlet_};
  checking::Peers peers_{outlet_};
  checking::Workers workers_;
  checking::Head head_{outlet_};
  FakeRegions regions_;
  FakeTransfers transfers_;
  std::unique_ptr<store::StoreOwner> store_ = OpenStore();

  ClusterView cluster_{kSelf};
  JobTable jobs_{{.on_learned = {}, .on_ended = [this](const pb::JobInfo& job) { JobEnded(job); }}};
  LocalResources resources_{Amounts({{"CPU", 4}, {"GPU", 2}}), [this] { lease_requests_.Kick(); }};
  ActorHost actors_{kSelf, resources_, workers_, clients_, head_, [this] { lease_requests_.Kick(); }};
  LocalLeases leases_{kSelf, resources_, workers_, clients_, [](ProcessId) {}};
  LeaseManager lease_requests_{{loop_, cluster_, resources_, leases_, jobs_, clients_, peers_}, {}, [this] {
                                 return actors_.PlacementCpuUnits();
                               }};
  RemoteLeases remote_leases_{jobs_, leases_, peers_};
  ObjectManager objects_{kSelf, {loop_, *store_, clients_, peers_, transfers_}, {}};
  ActorDirectory directory_{kSelf, head_, clients_};
  ClientInfo found_;
  ChannelBroker channels_{"fuzz-ch-", regions_, clients_, [this](ProcessId process) -> const ClientInfo* {
                            if (!clients_.Connected(process)) return nullptr;
                            found_.process = process;
                            found_.doorbell = "bell";
                            return &found_;
                          }};
  DeathWatches watches_{cluster_, clients_, peers_, [this](ProcessId process) { return clients_.Connected(process); }};
  Router router_{cluster_, clients_, peers_, watches_};
};

// One byte for each step and for each choice in it; see Take(). The last byte of a step runs what it posted.
std::vector<std::string> Seeds() {
  const auto step = [](Step kind, std::initializer_list<int> choices) {
    std::string bytes(1, static_cast<char>(kind));
    for (int choice : choices) bytes += static_cast<char>(choice);
    return bytes + '\1';
  };
  const std::string lease = step(Step::kLease, {0, 2, 1, 0, 0});
  const std::string starts = step(Step::kWorkerStarts, {2});
  const std::string create = step(Step::kObject, {0, 0, 100, 0, 0, 1});
  const std::string seal = step(Step::kObject, {0, 1, 1});
  const std::string get = step(Step::kObject, {0, 3, 0, 0, 0});
  const std::string actor = step(Step::kStartActor, {0, 0, 0, 1, 2, 0, 1});
  return {lease + starts + starts + step(Step::kReturnLease, {0, 0, 0}) + step(Step::kDriverDies, {0}),
          create + seal + get + step(Step::kObject, {0, 4, 1}) + step(Step::kObject, {0, 5, 1}),
          get + step(Step::kFetched, {1}) + step(Step::kWorkerExits, {}),
          actor + starts + step(Step::kWorkerNotice, {0, 1, 0}) + step(Step::kWorkerExits, {}),
          step(Step::kActor, {0, 1, 0, 0}) + step(Step::kHeadAnswer, {1, 2, 1}) + step(Step::kChannel, {5, 0}),
          step(Step::kRemoteLease, {1, 0, 0, 0}) + starts + step(Step::kRouted, {1, 0, 2, 7, 7, 0})};
}

}  // namespace
}  // namespace troupe::raylet

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  troupe::raylet::Session(troupe::fuzz::Input(data, size)).Run();
  return 0;
}

TROUPE_FUZZ_SEEDS(troupe::raylet::Seeds())
