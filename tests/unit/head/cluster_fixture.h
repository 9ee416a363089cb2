// A whole cluster's head in one thread: a clock moved by hand, and raylets that only record what they are sent.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/manual_event_loop.h"
#include "head/actor_row.h"
#include "head/cluster.h"
#include "head/convert.h"
#include "head/job_row.h"
#include "tests/unit/head/held_registry.h"

namespace troupe::head {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// Keeps what is sent to each connected node, from its welcome on.
class RecordingSender : public NodeSender {
 public:
  void Connect(const NodeId& node) {
    connected_.insert(node);
    welcomed_.erase(node);
  }
  void Close(const NodeId& node) { connected_.erase(node); }
  void Send(const NodeId& node, pb::HeadToNode message) override {
    if (message.has_welcome()) welcomed_.insert(node);
    if (connected_.contains(node) && welcomed_.contains(node)) sent[node].push_back(std::move(message));
  }
  void Disconnect(const NodeId& node, const Status& why) override {
    Close(node);
    disconnected[node] = why;
  }

  std::map<NodeId, std::vector<pb::HeadToNode>> sent;
  std::map<NodeId, Status> disconnected;

 private:
  std::set<NodeId> connected_;
  std::set<NodeId> welcomed_;
};

inline NodeId Node(std::uint64_t number) { return {number, number}; }
inline ActorId ActorNumber(std::uint64_t number) { return {7, number}; }

class ClusterTest : public testing::Test {
 protected:
  ClusterTest() {
    options_.identity.cluster = ClusterId{1, 2};
    options_.version = "1.2.3";
    MakeCluster();
  }

  // Whatever a test has done: what is committed is what the head knows.
  void TearDown() override {
    loop_.RunPosted();
    if (cluster_ != nullptr && registry_.held() == 0) ExpectRowsAreCurrent();
  }
  void ExpectRowsAreCurrent() {
    std::size_t actors = 0;
    for (const auto& [key, bytes] : registry_.rows()) {
      if (key.first == Table::kActors) {
        ++actors;
        const Actor* actor = cluster_->actors().Get(ActorIdOrNone(key.second));
        ASSERT_NE(actor, nullptr);
        pb::ActorRow row;
        row.ParseFromString(bytes);
        EXPECT_EQ(CanonicalBytes(row), CanonicalBytes(ToRow(*actor))) << Describe(*actor);
        EXPECT_EQ(registry_.rows().contains({Table::kActorSpecs, key.second}), !actor->dead()) << Describe(*actor);
      } else if (key.first == Table::kJobs) {
        const Job* job = cluster_->jobs().Get(JobId::FromHex(key.second).value());
        ASSERT_NE(job, nullptr);
        pb::JobRow row;
        row.ParseFromString(bytes);
        EXPECT_EQ(CanonicalBytes(row), CanonicalBytes(ToRow(*job))) << key.second;
      }
    }
    pb::ListActorsRequest all;
    all.set_all_namespaces(true);
    all.set_include_dead(true);
    EXPECT_EQ(actors, cluster_->actors().List(all).total());
  }

  // A head that knows nothing yet.
  void MakeCluster() {
    cluster_.reset();
    cluster_ = std::make_unique<Cluster>(
        Ports{loop_, sender_, registry_, [this] { return random_; }, [this] { return wall_ms_; }}, options_);
    loop_.RunPosted();
  }
  // The head has died, with what it had not committed and with all connections, and another starts.
  void RestartHead() {
    loop_.RunPosted();
    cluster_.reset();
    registry_.Revive();
    sender_ = {};
    const Rows rows = registry_.Load().value();
    options_.identity = NextIdentity(rows, {}).value();
    MakeCluster();
    const Status restored = cluster_->Restore(rows);
    EXPECT_TRUE(restored.ok()) << restored.ToString();
    loop_.RunPosted();
  }

  // --- Nodes.
  static pb::NodeHello Hello(std::uint64_t number, double cpus = 4) {
    pb::NodeHello hello;
    hello.set_node(Node(number).Bytes());
    hello.set_address("127.0.0.1:" + std::to_string(5000 + number));
    hello.set_raylet_pid(static_cast<int>(100 + number));
    *hello.mutable_total() = Units(cpus);
    return hello;
  }
  static pb::Resources Units(double cpus) {
    pb::Resources resources;
    (*resources.mutable_units())[kCpu] = static_cast<std::int64_t>(cpus * ResourceSet::kUnit);
    return resources;
  }
  NodeTable::Joined Join(const pb::NodeHello& hello) {
    auto joined = cluster_->Join(hello);
    EXPECT_TRUE(joined.ok()) << joined.status().ToString();
    sender_.Connect(joined->node);
    cluster_->Greet(joined->node, hello);
    Settle();
    return *joined;
  }
  NodeTable::Joined AddNode(std::uint64_t number, double cpus = 4) { return Join(Hello(number, cpus)); }
  void Lose(const NodeTable::Joined& joined) {
    sender_.Close(joined.node);
    cluster_->Disconnected(joined);
  }
  void Leave(const NodeTable::Joined& joined) {
    pb::NodeToHead leaving;
    leaving.mutable_leaving()->set_reason("");
    Deliver(joined.node.low, leaving);
    Lose(joined);
    Settle();
  }
  void Deliver(std::uint64_t node, const pb::NodeToHead& message) {
    const Status status = cluster_->OnMessage(Node(node), message);
    EXPECT_TRUE(status.ok()) << status.ToString();
    loop_.RunPosted();
  }
  void Report(std::uint64_t node, double free_cpus) {
    pb::NodeToHead message;
    *message.mutable_report()->mutable_available() = Units(free_cpus);
    message.mutable_report()->set_version(++version_);
    Deliver(node, message);
    Settle();
  }
  // Time passes, in which these nodes report as ever.
  void Pass(std::chrono::milliseconds time, const std::vector<std::uint64_t>& reporting, double free_cpus = 4) {
    for (; time > 0ms; time -= 500ms) {
      for (const std::uint64_t node : reporting) {
        pb::NodeToHead message;
        *message.mutable_report()->mutable_available() = Units(free_cpus);
        message.mutable_report()->set_version(++version_);
        Deliver(node, message);
      }
      loop_.Advance(std::min(time, std::chrono::milliseconds(500)));
    }
  }
  // Long enough for everything that is only put off, short enough for no timeout.
  void Settle() { loop_.Advance(25ms); }

  // --- What raylets were sent, by kind; taken out.
  template <class Select>
  auto Take(std::uint64_t node, Select select) {
    loop_.RunPosted();
    std::vector<std::decay_t<decltype(*select(std::declval<const pb::HeadToNode&>()))>> taken;
    auto& sent = sender_.sent[Node(node)];
    std::erase_if(sent, [&](const pb::HeadToNode& message) {
      const auto* body = select(message);
      if (body != nullptr) taken.push_back(*body);
      return body != nullptr;
    });
    return taken;
  }
  auto TakeStarts(std::uint64_t node) {
    return Take(node, [](const pb::HeadToNode& m) { return m.has_start_actor() ? &m.start_actor() : nullptr; });
  }
  auto TakeStops(std::uint64_t node) {
    return Take(node, [](const pb::HeadToNode& m) { return m.has_stop_actor() ? &m.stop_actor() : nullptr; });
  }
  auto TakeUpdates(std::uint64_t node) {
    return Take(node,
                [](const pb::HeadToNode& m) { return m.has_actor_update() ? &m.actor_update().info() : nullptr; });
  }
  auto TakeRegistered(std::uint64_t node) {
    return Take(node,
                [](const pb::HeadToNode& m) { return m.has_actor_registered() ? &m.actor_registered() : nullptr; });
  }
  auto TakeJobs(std::uint64_t node) {
    return Take(node, [](const pb::HeadToNode& m) { return m.has_job_update() ? &m.job_update().job() : nullptr; });
  }
  auto TakeNodeChanges(std::uint64_t node) {
    return Take(node, [](const pb::HeadToNode& m) { return m.has_nodes_changed() ? &m.nodes_changed() : nullptr; });
  }

  // --- Jobs.
  pb::JobInfo StartJob(std::uint64_t process = 9, std::uint64_t node = 1) {
    pb::RegisterJobRequest request;
    *request.mutable_driver() = ToProto({Node(node), ProcessId{process}});
    request.mutable_program()->set_path("/bin/prog");
    return StartJob(request);
  }
  pb::JobInfo StartJob(const pb::RegisterJobRequest& request) {
    auto job = TryStartJob(request);
    EXPECT_TRUE(job.ok()) << job.status().ToString();
    return job.ok() ? *job : pb::JobInfo();
  }
  Result<pb::JobInfo> TryStartJob(const pb::RegisterJobRequest& request) {
    std::optional<Result<pb::JobInfo>> result;
    cluster_->jobs().Register(request, [&result](Result<pb::JobInfo> job) { result = std::move(job); });
    return result.value();
  }

  // --- Actors.
  pb::ActorSpec Spec(std::uint64_t number, const pb::JobInfo& job, double cpus = 1) {
    pb::ActorSpec spec;
    spec.set_id(ActorNumber(number).Bytes());
    spec.set_job(job.id());
    *spec.mutable_creator() = job.driver();
    spec.set_class_name("Counter");
    spec.set_name_space("ns");
    spec.set_arguments("arguments");
    *spec.mutable_resources() = Units(cpus);
    return spec;
  }
  Result<pb::ActorReply> TryRegister(const pb::ActorSpec& spec, bool get_if_exists = false) {
    pb::RegisterActorRequest request;
    *request.mutable_spec() = spec;
    request.set_get_if_exists(get_if_exists);
    std::optional<Result<pb::ActorReply>> result;
    cluster_->actors().Register(request, [&result](Result<pb::ActorReply> reply) { result = std::move(reply); });
    return result.value();
  }
  void Register(const pb::ActorSpec& spec) {
    auto reply = TryRegister(spec);
    EXPECT_TRUE(reply.ok()) << reply.status().ToString();
  }
  // As a raylet does for a client.
  void RegisterFrom(std::uint64_t node, const pb::ActorSpec& spec, std::uint64_t request) {
    pb::NodeToHead message;
    message.mutable_register_actor()->set_request(request);
    *message.mutable_register_actor()->mutable_actor()->mutable_spec() = spec;
    Deliver(node, message);
  }
  pb::ActorInfo Info(std::uint64_t number) {
    pb::FindActor request;
    request.set_id(ActorNumber(number).Bytes());
    auto info = cluster_->actors().Find(request);
    EXPECT_TRUE(info.ok()) << info.status().ToString();
    return info.ok() ? *info : pb::ActorInfo();
  }
  pb::ActorState State(std::uint64_t number) { return Info(number).state(); }
  void Started(std::uint64_t node, std::uint64_t number, std::uint64_t incarnation = 1, std::uint64_t process = 0) {
    pb::NodeToHead message;
    pb::ActorStarted& started = *message.mutable_actor_started();
    started.set_id(ActorNumber(number).Bytes());
    started.set_incarnation(incarnation);
    *started.mutable_address() = ToProto({Node(node), ProcessId{process == 0 ? 1000 + number : process}});
    started.set_pid(321);
    Deliver(node, message);
  }
  void StartFailed(std::uint64_t node, std::uint64_t number, pb::ActorStartFailed::Reason reason,
                   std::uint64_t incarnation = 1) {
    pb::NodeToHead message;
    pb::ActorStartFailed& failed = *message.mutable_actor_start_failed();
    failed.set_id(ActorNumber(number).Bytes());
    failed.set_incarnation(incarnation);
    failed.set_reason(reason);
    failed.mutable_error()->set_message("said the raylet");
    Deliver(node, message);
  }
  void ProcessDied(std::uint64_t node, std::uint64_t number, std::uint64_t incarnation, bool intended = false) {
    pb::NodeToHead message;
    pb::ActorProcessDied& died = *message.mutable_actor_process_died();
    died.set_id(ActorNumber(number).Bytes());
    died.set_incarnation(incarnation);
    died.set_intended(intended);
    died.mutable_error()->set_message("killed by signal 9 (SIGKILL)");
    Deliver(node, message);
  }
  void ProcessGone(std::uint64_t node, std::uint64_t process) {
    pb::NodeToHead message;
    message.mutable_worker_update()->set_gone(true);
    message.mutable_worker_update()->mutable_worker()->set_id(process);
    Deliver(node, message);
  }
  // The raylet that runs the actor's process, or starts it, says that it has ended. Nothing when there is none.
  void EndProcess(std::uint64_t number) {
    const Actor* actor = cluster_->actors().Get(ActorNumber(number));
    if (actor != nullptr && actor->has_process()) {
      ProcessDied(actor->node.low, number, actor->info.incarnation());
    }
  }
  // What Kill() is answered, once it is.
  using KillAnswer = std::shared_ptr<std::optional<Result<pb::ActorReply>>>;
  KillAnswer BeginKill(std::uint64_t number, bool no_restart = true) {
    pb::KillActorRequest request;
    request.set_id(ActorNumber(number).Bytes());
    request.set_no_restart(no_restart);
    auto answer = std::make_shared<std::optional<Result<pb::ActorReply>>>();
    cluster_->actors().Kill(request, [answer](Result<pb::ActorReply> reply) { *answer = std::move(reply); });
    return answer;
  }
  // The same, with the end of the process if that is awaited.
  Result<pb::ActorInfo> Kill(std::uint64_t number, bool no_restart = true) {
    const KillAnswer answer = BeginKill(number, no_restart);
    if (!*answer) EndProcess(number);
    if (!(*answer)->ok()) return (*answer)->status();
    return (**answer)->info();
  }
  void Watch(std::uint64_t node, std::uint64_t number, bool stop = false) {
    pb::NodeToHead message;
    message.mutable_watch_actor()->set_id(ActorNumber(number).Bytes());
    message.mutable_watch_actor()->set_stop(stop);
    Deliver(node, message);
  }

  ManualEventLoop loop_;
  RecordingSender sender_;
  HeldRegistry registry_;
  double random_ = 0;
  std::int64_t wall_ms_ = 1'700'000'000'000;
  std::uint64_t version_ = 0;
  ClusterOptions options_;
  std::unique_ptr<Cluster> cluster_;
};

}  // namespace troupe::head
