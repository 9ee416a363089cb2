// Raylets, drivers, commands and JobClients that say anything at all to the head, in any order. Whatever they say:
//   - the head answers every request once, sends only what a raylet can read, and nothing without bound;
//   - no process is started twice for an incarnation of an actor;
//   - what it knows stays in order (cluster_invariants.h).
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/check.h"
#include "common/manual_event_loop.h"
#include "common/utf8.h"
#include "head/cluster.h"
#include "head/convert.h"
#include "tests/fuzz/head/cluster_invariants.h"
#include "tests/fuzz/proto/message_maker.h"
#include "tests/fuzz/seeds.h"

namespace troupe::head {
namespace {

using fuzz::Input;
using fuzz::MessageMaker;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr std::uint64_t kNodes = 4;
constexpr std::uint64_t kActors = 6;
constexpr std::size_t kMaxSteps = 40;
constexpr std::size_t kMaxBytesPerStep = 4u << 20;

NodeId Node(std::uint64_t number) { return {number, number}; }
ActorId ActorNumber(std::uint64_t number) { return {7, number}; }
ProcessId DriverOf(std::uint64_t node) { return ProcessId{90 + node}; }

enum class Step : std::uint8_t {
  kJoin,
  kDisconnect,
  kAnswerStart,
  kProcessDies,
  kReport,
  kNodeMessage,
  kRegisterJob,
  kFinishJob,
  kRegisterActor,
  kKillActor,
  kReleaseActor,
  kSubmitJob,
  kDriverUpdate,
  kStopJob,
  kRead,
  kAdvance,
  kCount
};

// Commits at once, or when the loop comes to it, as one that writes to a disk would.
class FuzzRegistry : public Registry {
 public:
  explicit FuzzRegistry(EventLoop& loop) : loop_(loop) {}
  Result<Rows> Load() override { return Rows(); }
  void Commit(std::vector<RowChange>, std::function<void()> committed) override {
    if (!later) return committed();
    loop_.Post(std::move(committed));
  }

  bool later = false;

 private:
  EventLoop& loop_;
};

class Session : private NodeSender {
 public:
  explicit Session(Input input) : input_(input), registry_(loop_) {
    registry_.later = input_.Flip();
    ClusterOptions options;
    options.identity.cluster = ClusterId{1, 2};
    options.version = "1.2.3";
    options.log_file = "/dev/null";
    options.actors.actors = 64;
    cluster_ = std::make_unique<Cluster>(
        Ports{loop_, *this, registry_, [this] { return (random_ = random_ < 0.9 ? random_ + 0.1 : 0); },
              [] { return std::int64_t{1'700'000'000'000}; }},
        options);
    invariants_.emplace(*cluster_);
    for (std::uint64_t i = 1; i <= kNodes; ++i) pools_.ids.push_back(Node(i).Bytes());
    for (std::uint64_t i = 1; i <= kActors; ++i) pools_.ids.push_back(ActorNumber(i).Bytes());
    pools_.ids.insert(pools_.ids.end(), {std::string(16, '\0'), std::string(16, '\xff')});
    pools_.processes = {0, 1, 7, ~std::uint64_t{0}};
    for (std::uint64_t i = 1; i <= kNodes; ++i) pools_.processes.push_back(DriverOf(i).value);
    pools_.texts = {"",
                    "ns",
                    "name",
                    "CPU",
                    "GPU",
                    "memory",
                    "disk",
                    "job-1",
                    "job-2",
                    "127.0.0.1:5001",
                    "Class",
                    "a b\n",
                    "\xff",
                    "host",
                    "zone",
                    "/bin/x",
                    "-",
                    "..",
                    std::string(64, 'a')};
  }

  void Run() {
    for (std::size_t i = 0; i < kMaxSteps && !input_.empty(); ++i) {
      sent_bytes_ = 0;
      Take(static_cast<Step>(input_.Below(static_cast<std::size_t>(Step::kCount))));
      if (input_.Below(4) != 0) loop_.RunPosted();
      Check();
    }
    End();
  }

 private:
  struct Joined {
    NodeTable::Joined session;
    bool connected = false;
    bool reported = false;  // or came back: what is known of its resources may be a lie
  };

  void Take(Step step) {
    switch (step) {
      case Step::kJoin: return Join();
      case Step::kDisconnect: return Disconnect();
      case Step::kAnswerStart: return AnswerStart();
      case Step::kProcessDies: return ProcessDies();
      case Step::kReport: return Report();
      case Step::kNodeMessage: return Deliver(ANode(), MessageMaker::Make<pb::NodeToHead>(&input_, pools_));
      case Step::kRegisterJob: return RegisterJob();
      case Step::kFinishJob: return FinishJob();
      case Step::kRegisterActor: return RegisterActor();
      case Step::kKillActor: return KillActor();
      case Step::kReleaseActor: return cluster_->actors().Release(AnActor());
      case Step::kSubmitJob: return SubmitJob();
      case Step::kDriverUpdate: return DriverUpdate();
      case Step::kStopJob: return StopJob();
      case Step::kRead: return Read();
      case Step::kAdvance:
      case Step::kCount: return Advance();
    }
  }

  std::uint64_t ANode() { return 1 + input_.Below(kNodes); }
  ActorId AnActor() { return ActorNumber(1 + input_.Below(kActors)); }
  // Half of the messages are as an honest peer would send them.
  template <class Message>
  void Spoil(Message* message) {
    if (input_.Flip()) MessageMaker::Change(&input_, pools_, message);
  }

  // --- Nodes -----------------------------------------------------------------------------------------------------

  void Join() {
    pb::NodeHello hello;
    const std::uint64_t number = ANode();
    hello.set_node(Node(number).Bytes());
    hello.set_address("127.0.0.1:" + std::to_string(5000 + number));
    (*hello.mutable_total()->mutable_units())[kCpu] = 4 * ResourceSet::kUnit;
    hello.set_is_head_node(number == 1);
    Spoil(&hello);
    const auto joined = cluster_->Join(hello);
    if (!joined.ok()) return;
    Joined& node = nodes_[joined->node];
    node.reported = node.reported || node.connected || joined->came_back;
    node.session = *joined;
    node.connected = true;
    cluster_->Greet(joined->node, hello);
  }
  void Disconnect() {
    auto it = nodes_.find(Node(ANode()));
    if (it == nodes_.end() || !std::exchange(it->second.connected, false)) return;
    cluster_->Disconnected(it->second.session);
  }
  void Deliver(std::uint64_t number, const pb::NodeToHead& message) {
    auto it = nodes_.find(Node(number));
    if (it == nodes_.end() || !it->second.connected) return;
    if (message.has_report()) it->second.reported = true;
    if (!cluster_->OnMessage(Node(number), message).ok()) {
      it->second.connected = false;
      cluster_->Disconnected(it->second.session);
    }
  }
  void Report() {
    pb::NodeToHead message;
    (*message.mutable_report()->mutable_available()->mutable_units())[kCpu] =
        static_cast<std::int64_t>(input_.Below(5)) * ResourceSet::kUnit;
    message.mutable_report()->set_version(++version_);
    if (input_.Flip()) MessageMaker::Change(&input_, pools_, message.mutable_report());
    Deliver(ANode(), message);
  }
  void AnswerStart() {
    if (starts_.empty()) return;
    const auto [node, id, incarnation] = starts_[input_.Below(starts_.size())];
    pb::NodeToHead message;
    const std::size_t choice = input_.Below(8);
    if (choice < 4) {
      pb::ActorStarted& started = *message.mutable_actor_started();
      started.set_id(id.Bytes());
      started.set_incarnation(incarnation);
      *started.mutable_address() = ToProto({node, ProcessId{1000 + id.low + input_.Below(2)}});
      started.set_pid(321);
      if (choice == 0) MessageMaker::Change(&input_, pools_, &started);
    } else {
      pb::ActorStartFailed& failed = *message.mutable_actor_start_failed();
      failed.set_id(id.Bytes());
      failed.set_incarnation(incarnation);
      failed.set_reason(static_cast<pb::ActorStartFailed::Reason>(input_.Below(6)));
      if (choice == 4) MessageMaker::Change(&input_, pools_, &failed);
    }
    Deliver(node.low, message);
  }
  void ProcessDies() {
    if (starts_.empty()) return;
    const auto [node, id, incarnation] = starts_[input_.Below(starts_.size())];
    pb::NodeToHead message;
    if (input_.Flip()) {
      pb::ActorProcessDied& died = *message.mutable_actor_process_died();
      died.set_id(id.Bytes());
      died.set_incarnation(incarnation);
      died.set_intended(input_.Flip());
      if (input_.Flip()) MessageMaker::Change(&input_, pools_, &died);
    } else {
      message.mutable_worker_update()->set_gone(input_.Flip());
      message.mutable_worker_update()->mutable_worker()->set_id(1000 + id.low);
    }
    Deliver(node.low, message);
  }

  // --- Jobs ------------------------------------------------------------------------------------------------------

  void RegisterJob() {
    pb::RegisterJobRequest request;
    const std::uint64_t node = ANode();
    *request.mutable_driver() = ToProto({Node(node), DriverOf(node)});
    request.mutable_program()->set_path("/bin/prog");
    if (input_.Flip()) request.set_submission("job-1");
    Spoil(&request);
    cluster_->jobs().Register(request, Expect<pb::JobInfo>([this](const pb::JobInfo& job) { Learn(job); }));
  }
  void FinishJob() {
    // A string of a request that was parsed, unlike the bytes that the pool also has.
    const std::string reason = Utf8(input_.PickFrom(pools_.texts));
    (void)cluster_->jobs().Finish(JobId{input_.PickFrom(pools_.processes)}, reason);
  }
  void SubmitJob() {
    pb::SubmitJobRequest request;
    request.set_submission(input_.Flip() ? "job-1" : "job-2");
    request.add_argv("prog");
    Spoil(&request);
    cluster_->jobs().Submit(request, Expect<pb::JobInfo>([this](const pb::JobInfo& job) { Learn(job); }));
  }
  void DriverUpdate() {
    pb::NodeToHead message;
    pb::DriverUpdate& update = *message.mutable_driver_update();
    update.set_submission(input_.Flip() ? "job-1" : "job-2");
    update.set_ended(input_.Flip());
    update.set_wait_status(static_cast<int>(input_.Below(3)) * 0x100);
    if (input_.Below(4) == 0) MessageMaker::Change(&input_, pools_, &update);
    Deliver(ANode(), message);
  }
  void StopJob() {
    pb::StopJobRequest request;
    request.set_submission(input_.Flip() ? "job-1" : "job-2");
    Spoil(&request);
    cluster_->jobs().Stop(request, Expect<pb::JobInfo>());
  }
  // The head chooses the ids of jobs.
  void Learn(const pb::JobInfo& job) {
    TROUPE_CHECK(job.id() != 0);
    if (jobs_.size() >= 8 || std::find(jobs_.begin(), jobs_.end(), job.id()) != jobs_.end()) return;
    jobs_.push_back(job.id());
    pools_.processes.push_back(job.id());
  }

  // --- Actors ----------------------------------------------------------------------------------------------------

  void RegisterActor() {
    pb::RegisterActorRequest request;
    pb::ActorSpec& spec = *request.mutable_spec();
    spec.set_id(AnActor().Bytes());
    const std::uint64_t node = ANode();
    spec.set_job(jobs_.empty() ? 0 : input_.PickFrom(jobs_));
    *spec.mutable_creator() = ToProto({Node(node), DriverOf(node)});
    spec.set_class_name("Counter");
    spec.set_name_space("ns");
    const std::size_t shape = input_.Below(64);
    if ((shape & 1) != 0) spec.set_name((shape & 2) != 0 ? "a" : "b");
    spec.set_detached((shape & 4) != 0);
    spec.set_max_restarts((shape & 8) != 0 ? -1 : static_cast<int>(shape & 16) / 8);
    if ((shape & 32) != 0) (*spec.mutable_resources()->mutable_units())[kCpu] = ResourceSet::kUnit;
    Spoil(&request);
    const std::string name = spec.name(), name_space = spec.name_space();
    const bool if_exists = request.get_if_exists();
    cluster_->actors().Register(request, Expect<pb::ActorReply>([=, this](const pb::ActorReply& reply) {
                                  if (reply.ask_again()) return;  // the name's holder is still ending
                                  TROUPE_CHECK(!reply.existed() || if_exists);
                                  TROUPE_CHECK(name.empty() || reply.info().name() == name);
                                  invariants_->Acknowledge(reply.info().id());
                                }));
  }
  void KillActor() {
    pb::KillActorRequest request;
    request.set_id(AnActor().Bytes());
    request.set_no_restart(input_.Flip());
    Spoil(&request);
    const bool final = request.no_restart();
    cluster_->actors().Kill(request, Expect<pb::ActorReply>([final](const pb::ActorReply& reply) {
                              TROUPE_CHECK(!final || reply.info().state() == pb::DEAD);
                            }));
  }

  // --- Reading and time ------------------------------------------------------------------------------------------

  void Read() {
    switch (input_.Below(6)) {
      case 0: CheckReadable(cluster_->Overview()); break;
      case 1: CheckReadable(cluster_->Workers()); break;
      case 2: CheckReadable(cluster_->jobs().List(MessageMaker::Make<pb::ListJobsRequest>(&input_, pools_))); break;
      case 3: CheckReadable(cluster_->actors().List(MessageMaker::Make<pb::ListActorsRequest>(&input_, pools_))); break;
      case 4: {
        pb::GetJobRequest request = MessageMaker::Make<pb::GetJobRequest>(&input_, pools_);
        if (input_.Flip()) request.set_submission("job-1");
        cluster_->jobs().Get(request, Expect<pb::JobInfo>());
        break;
      }
      case 5: cluster_->ReadLog(MessageMaker::Make<pb::ReadLogRequest>(&input_, pools_), Expect<pb::LogChunk>()); break;
    }
  }
  void Advance() {
    constexpr std::chrono::milliseconds kSteps[] = {0ms, 1ms, 25ms, 200ms, 600ms, 1s, 3s, 11s, 61s};
    loop_.Advance(kSteps[input_.Below(std::size(kSteps))]);
  }

  // --- What the head does ----------------------------------------------------------------------------------------

  void Send(const NodeId& node, pb::HeadToNode message) override {
    CheckReadable(message);
    auto it = nodes_.find(node);
    const bool connected = it != nodes_.end() && it->second.connected;
    if (message.has_start_actor()) OnStart(node, message.start_actor(), connected);
  }
  void Disconnect(const NodeId& node, const Status& why) override {
    TROUPE_CHECK(!why.ok());
    if (auto it = nodes_.find(node); it != nodes_.end()) it->second.connected = false;
  }
  void OnStart(const NodeId& node, const pb::StartActor& start, bool connected) {
    const auto id = ActorId::FromBytes(start.spec().id());
    TROUPE_CHECK(id.has_value() && start.incarnation() > 0 && start.has_job());
    // The same order may be repeated, to the same node.
    auto [it, fresh] = started_.try_emplace({*id, start.incarnation()}, node);
    TROUPE_CHECK(it->second == node);
    auto& latest = incarnations_[*id];
    TROUPE_CHECK(start.incarnation() >= latest);
    latest = start.incarnation();
    if (fresh && connected && starts_.size() < 200) starts_.push_back({node, *id, start.incarnation()});
  }

  template <class Message>
  void CheckReadable(const Message& message) {
    const std::string bytes = message.SerializeAsString();
    sent_bytes_ += bytes.size();
    Message again;
    TROUPE_CHECK(again.ParseFromString(bytes));
  }

  // A reply that must come once, before the session is over.
  template <class Message>
  Reply<Message> Expect(std::function<void(const Message&)> on_ok = {}) {
    auto answered = std::make_shared<bool>(false);
    replies_.push_back(answered);
    return cluster_->commits().Held<Message>([this, answered, on_ok = std::move(on_ok)](Result<Message> result) {
      TROUPE_CHECK(!std::exchange(*answered, true));
      if (!result.ok()) return;
      CheckReadable(*result);
      if (on_ok) on_ok(*result);
    });
  }

  void Check() {
    TROUPE_CHECK(sent_bytes_ <= kMaxBytesPerStep);
    invariants_->Check([this](const NodeId& node) {
      auto it = nodes_.find(node);
      TROUPE_CHECK(it != nodes_.end());  // nobody else ever joined
      return it->second.reported;
    });
  }

  // Everybody leaves. What still runs then has nothing to wait for.
  void End() {
    for (auto& [id, node] : nodes_) {
      if (std::exchange(node.connected, false)) cluster_->Disconnected(node.session);
    }
    for (int i = 0; i < 40; ++i) loop_.Advance(3s);
    Check();
    for (const auto& answered : replies_) TROUPE_CHECK(*answered);
    const pb::Status status = cluster_->Overview();
    for (const pb::NodeInfo& node : status.nodes()) TROUPE_CHECK(!node.alive());
    pb::ListActorsRequest live;
    live.set_all_namespaces(true);
    const pb::ListActorsReply list = cluster_->actors().List(live);
    for (const pb::ActorInfo& info : list.actors()) {
      TROUPE_CHECK(info.state() == pb::PENDING || info.state() == pb::RESTARTING);
    }
    cluster_.reset();
    loop_.Advance(3s);
  }

  Input input_;
  ManualEventLoop loop_;
  FuzzRegistry registry_;
  double random_ = 0;
  std::uint64_t version_ = 0;
  fuzz::Pools pools_;
  std::unique_ptr<Cluster> cluster_;
  std::optional<ClusterInvariants> invariants_;

  std::map<NodeId, Joined> nodes_;
  std::vector<std::uint64_t> jobs_;
  struct Start {
    NodeId node;
    ActorId actor;
    std::uint64_t incarnation;
  };
  std::vector<Start> starts_;  // orders that a raylet got
  std::map<std::pair<ActorId, std::uint64_t>, NodeId> started_;
  std::map<ActorId, std::uint64_t> incarnations_;
  std::vector<std::shared_ptr<bool>> replies_;
  std::size_t sent_bytes_ = 0;
};

// One byte for each step and for each choice in it; see Take(). The last byte of a step runs what it posted.
std::vector<std::string> Seeds() {
  const auto step = [](Step kind, std::initializer_list<int> choices) {
    std::string bytes(1, static_cast<char>(kind));
    for (int choice : choices) bytes += static_cast<char>(choice);
    return bytes + '\1';
  };
  const std::string join = step(Step::kJoin, {0, 0});
  const std::string join2 = step(Step::kJoin, {1, 0});
  const std::string job = step(Step::kRegisterJob, {0, 0, 0});
  const std::string actor = step(Step::kRegisterActor, {0, 0, 0, 8 + 32, 0});
  const std::string named = step(Step::kRegisterActor, {1, 0, 0, 1 + 4 + 16, 0});
  const std::string started = step(Step::kAnswerStart, {0, 1, 0});
  const std::string refused = step(Step::kAnswerStart, {0, 5, 1});
  const std::string died = step(Step::kProcessDies, {0, 1, 0, 0});
  const std::string second = step(Step::kAdvance, {5});
  const std::string submit = step(Step::kSubmitJob, {1, 0});
  const std::string runs = step(Step::kDriverUpdate, {1, 0, 0, 1, 0});
  const std::string begin(1, '\0');
  return {begin + join + job + actor + started + died + second + second,
          begin + join + join2 + job + named + started + step(Step::kKillActor, {1, 0, 0}),
          begin + join + job + actor + refused + step(Step::kReport, {4, 0, 0}) + started,
          begin + join + job + actor + started + step(Step::kDisconnect, {0}) + second + second + second,
          begin + join + submit + runs + step(Step::kRegisterJob, {0, 1, 0}) + step(Step::kStopJob, {1, 0}),
          begin + join + job + named + actor + step(Step::kFinishJob, {8, 0}) + step(Step::kRead, {0})};
}

}  // namespace
}  // namespace troupe::head

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  troupe::head::Session(troupe::fuzz::Input(data, size)).Run();
  return 0;
}

TROUPE_FUZZ_SEEDS(troupe::head::Seeds())
