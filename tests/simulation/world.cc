#include "tests/simulation/world.h"

#include <random>

#include "raylet/convert.h"

namespace troupe::simulation {
namespace {

constexpr auto kRest = 45s;  // longer than every timeout, back-off and lease
const char* const kNames[] = {"", "", "a", "b", "c"};

}  // namespace

World::World(Options options) : options_(options), dice_(options.seed) {
  head_ = std::make_unique<SimHead>(loop_, dice_, options_.fault);
  for (int i = 0; i < options_.nodes; ++i) StartNode();
}

World::~World() {
  presence_.clear();
  nodes_.clear();
}

void World::Run() {
  loop_.Advance(500ms);
  for (int i = 0; i < options_.steps; ++i) {
    Step();
    loop_.Advance(dice_.Between(5ms, 200ms));
  }
  Heal();
  loop_.Advance(kRest);
  CheckAtRest();
  EndAll();
  loop_.Advance(kRest);
  CheckTheEnd();
}

// --- Nodes -----------------------------------------------------------------------------------------------------------

SimNode* World::NodeAt(NodeId node) {
  auto it = nodes_.find(node);
  return it == nodes_.end() ? nullptr : it->second.get();
}

std::vector<NodeId> World::NodeIds() const {
  std::vector<NodeId> ids;
  for (const auto& [id, node] : nodes_) ids.push_back(id);
  return ids;
}

void World::StartNode() {
  const NodeId id{0, ++last_node_};
  trace_.Add("node " + std::to_string(id.low) + " starts");
  presence_[id] = std::make_shared<bool>(true);
  nodes_[id] = std::make_unique<SimNode>(*this, id, 4);
}

void World::StopNode(NodeId node) {
  if (!nodes_.contains(node)) return;
  trace_.Add("node " + std::to_string(node.low) + " stops");
  presence_.erase(node);
  for (auto& [id, process] : processes_) {
    if (process.node == node) Die(id, "its node stopped");
  }
  nodes_.erase(node);
  loop_.After(dice_.Between(100ms, 3000ms), [this] { StartNode(); });
}

void World::Refused(NodeId node, const Status& why) {
  trace_.Add("node " + std::to_string(node.low) + " is refused: " + why.message());
  loop_.Post([this, node] { StopNode(node); });
}

// --- Processes -------------------------------------------------------------------------------------------------------

SimProcess& World::NewProcess(NodeId node, pb::WorkerInfo::Kind kind) {
  const ProcessId id{0x100 + ++last_process_};
  SimProcess& process = processes_[id];
  process.id = id;
  process.pid = static_cast<pid_t>(id.value);
  process.node = node;
  process.kind = kind;
  return process;
}

SimProcess* World::Find(ProcessId process) {
  auto it = processes_.find(process);
  return it == processes_.end() ? nullptr : &it->second;
}

std::vector<SimProcess*> World::Living(pb::WorkerInfo::Kind kind) {
  std::vector<SimProcess*> living;
  for (auto& [id, process] : processes_) {
    if (process.alive && process.connected && process.kind == kind) living.push_back(&process);
  }
  return living;
}

std::vector<pb::ActorInfo> World::ActorsOfHead() {
  pb::ListActorsRequest all;
  all.set_all_namespaces(true);
  all.set_include_dead(true);
  const pb::ListActorsReply known = head_->cluster().actors().List(all);
  return {known.actors().begin(), known.actors().end()};
}

// --- By chance -------------------------------------------------------------------------------------------------------

void World::Step() {
  if (options_.fault == Fault::kUnseededChance && std::random_device()() % 4 == 0) loop_.Advance(1ms);
  const std::uint64_t choice = dice_.Below(100);
  const auto drivers = Living(pb::WorkerInfo::DRIVER);
  if (choice < 6) return BreakSomething();
  if (choice < 10) return CrashWorker();
  if (choice < 18 || drivers.empty()) return NewDriver();
  SimProcess& driver = *dice_.Pick(drivers);
  if (choice < 21) return Die(driver.id, "crashed");
  if (choice < 24 && !driver.leaving) {
    driver.leaving = true;
    pb::ClientToRaylet leave;
    leave.mutable_exit_intent();
    return Ask(driver, "leave", leave);
  }
  const auto workers = Living(pb::WorkerInfo::WORKER);
  if (choice < 34 && !workers.empty()) {
    SimProcess& worker = *dice_.Pick(workers);
    if (worker.actor) return CreateActor(worker);
  }
  if (!driver.leaving) DriverActs(driver);
}

void World::BreakSomething() {
  const auto ids = NodeIds();
  if (ids.empty()) return;
  const NodeId node = ids[dice_.Below(ids.size())];
  const NodeId other = ids[dice_.Below(ids.size())];
  switch (dice_.Below(4)) {
    case 0: {
      trace_.Add("the head and node " + std::to_string(node.low) + " lose one another");
      network_.Cut(node, kHeadPlace);
      loop_.After(dice_.Between(50ms, dice_.Chance(30) ? 9000ms : 2000ms),
                  [this, node] { network_.Heal(node, kHeadPlace); });
      return;
    }
    case 1: {
      if (node == other) return;
      trace_.Add("nodes " + std::to_string(node.low) + " and " + std::to_string(other.low) + " lose one another");
      network_.Cut(node, other);
      loop_.After(dice_.Between(50ms, 3000ms), [this, node, other] { network_.Heal(node, other); });
      return;
    }
    case 2: return StopNode(node);
    default: {
      trace_.Add("node " + std::to_string(node.low) + " leaves");
      nodes_.at(node)->Leave();
      loop_.After(1s, [this, node] { StopNode(node); });
    }
  }
}

void World::CrashWorker() {
  const auto workers = Living(pb::WorkerInfo::WORKER);
  if (!workers.empty()) Die(dice_.Pick(workers)->id, "crashed");
}

void World::NewDriver() {
  const auto ids = NodeIds();
  if (ids.empty() || Living(pb::WorkerInfo::DRIVER).size() >= 5) return;
  SimNode& node = *nodes_.at(ids[dice_.Below(ids.size())]);
  if (node.ready()) node.Register(NewProcess(node.id(), pb::WorkerInfo::DRIVER), "ns");
}

void World::DriverActs(SimProcess& process) {
  pb::ClientToRaylet message;
  switch (dice_.Below(12)) {
    case 0:
    case 1:
    case 2: return CreateActor(process);
    case 3:
    case 4: return AskForLease(process);
    case 5: return Objects(process);
    case 6: message.mutable_find_actor()->set_name(kNames[2 + dice_.Below(3)]); return Ask(process, "find", message);
    case 7:
      if (process.told.empty()) return;
      message.mutable_kill_actor()->set_id(
          std::next(process.told.begin(), static_cast<std::ptrdiff_t>(dice_.Below(process.told.size())))->first);
      message.mutable_kill_actor()->set_no_restart(dice_.Chance(60));
      return Ask(process, "kill", message);
    case 8:
      if (process.made.empty()) return;
      message.mutable_release_actor()->set_id(dice_.Pick(process.made).Bytes());
      return Say(process, message);
    case 9: message.mutable_list_named(); return Ask(process, "list", message);
    default: return Watch(process);
  }
}

void World::CreateActor(SimProcess& process) {
  pb::ClientToRaylet message;
  pb::ActorSpec& spec = *message.mutable_create_actor()->mutable_spec();
  const ActorId id{process.id.value, ++process.last_id};
  process.made.push_back(id);
  spec.set_id(id.Bytes());
  spec.set_class_name("Counter");
  spec.set_arguments("arguments");
  spec.set_name(kNames[dice_.Below(5)]);
  spec.set_name_space("ns");
  spec.set_detached(dice_.Chance(20));
  spec.set_max_restarts(static_cast<std::int64_t>(dice_.Below(4)) - 1);
  const auto units = dice_.Chance(40) ? ResourceSet::kUnit : 0;
  (*spec.mutable_resources()->mutable_units())[kCpu] = units;
  (*spec.mutable_placement_resources()->mutable_units())[kCpu] = ResourceSet::kUnit;
  message.mutable_create_actor()->set_get_if_exists(dice_.Chance(50));
  Ask(process, "create", message);
}

void World::AskForLease(SimProcess& process) {
  pb::ClientToRaylet message;
  pb::LeaseRequest& request = *message.mutable_lease_request();
  request.set_key(1 + dice_.Below(3));
  request.set_count(static_cast<std::uint32_t>(dice_.Below(4)));
  (*request.mutable_resources()->mutable_units())[kCpu] = ResourceSet::kUnit;
  if (dice_.Chance(50)) request.mutable_placement()->set_strategy(pb::Placement::SPREAD);
  process.wanted[request.key()] = request.count();
  Say(process, message);
}

void World::Objects(SimProcess& process) {
  const ObjectId id{process.id.value, ++process.last_id};
  pb::ClientToRaylet create;
  create.mutable_create_object()->set_id(id.Bytes());
  create.mutable_create_object()->set_size(1 + dice_.Below(50'000));
  Ask(process, "put", create);
  if (dice_.Chance(20)) return;  // it never writes it
  loop_.After(dice_.Between(20ms, 100ms), [this, owner = process.id, id] {
    SimProcess& writer = *Find(owner);
    pb::ClientToRaylet seal;
    seal.mutable_seal_object()->set_id(id.Bytes());
    Say(writer, seal);
    pb::ClientToRaylet get;
    get.mutable_get_object()->set_id(id.Bytes());
    if (writer.alive) Ask(writer, "get", get);
    if (dice_.Chance(50)) return;
    pb::ClientToRaylet gone;
    gone.mutable_delete_objects()->add_ids(id.Bytes());
    Say(writer, gone);
  });
}

// Of any node, whether it lives or not.
void World::Watch(SimProcess& process) {
  const SimProcess& other =
      std::next(processes_.begin(), static_cast<std::ptrdiff_t>(dice_.Below(processes_.size())))->second;
  if (other.registered == MonotonicTime{} || other.id == process.id) return;
  process.watched.insert(other.id);
  pb::ClientToRaylet message;
  *message.mutable_watch_process()->mutable_process() = raylet::ToPb(Address{other.node, other.id});
  Say(process, message);
}

// --- The end ---------------------------------------------------------------------------------------------------------

void World::Heal() {
  trace_.Add("everything is mended");
  chaos_ = false;
  network_.HealAll();
}

// Every driver ends, and somebody kills what would live on.
void World::EndAll() {
  trace_.Add("everything ends");
  for (SimProcess* driver : Living(pb::WorkerInfo::DRIVER)) {
    if (dice_.Chance(50)) {
      Die(driver->id, "crashed");
    } else {
      pb::ClientToRaylet leave;
      leave.mutable_exit_intent();
      Ask(*driver, "leave", leave);
    }
  }
  loop_.Advance(5s);
  for (const pb::ActorInfo& info : ActorsOfHead()) {
    if (!info.detached() || info.state() == pb::DEAD) continue;
    pb::KillActorRequest kill;
    kill.set_id(info.id());
    kill.set_no_restart(true);
    head_->cluster().actors().Kill(kill, [](const Result<pb::ActorReply>&) {});
  }
}

}  // namespace troupe::simulation
