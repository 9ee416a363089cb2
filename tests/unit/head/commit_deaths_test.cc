// A head that dies at any of its commits.
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/head/cluster_fixture.h"

namespace troupe::head {
namespace {

// Raylets that do as they are told and come back to every head, requests that are repeated until they are answered, and
// what must be so whenever a head has died: whatever was answered or told is known to the next, no incarnation is given
// twice, and no actor starts more often than its budget allows.
class Scenario : public ClusterTest {
 public:
  // The head dies at its commit of that number, with that row written or not; 0: never.
  Scenario(std::uint64_t dies_at, bool after_writing) {
    registry_.dies_at = dies_at;
    registry_.dies_after_writing = after_writing;
  }
  void TestBody() override {}

  std::uint64_t commits() const { return commits_; }  // before the last restart
  int deaths() const { return deaths_; }

  void Run() {
    for (const std::uint64_t node : {1, 2}) {
      raylets_[node].up = true;
      Step([=, this] { Rejoin(node); });
    }
    BeginJob();
    pb::ActorSpec mobile = Wanted(2, -1);
    mobile.set_detached(true);
    mobile.mutable_placement()->set_strategy(pb::Placement::NODE_AFFINITY);
    mobile.mutable_placement()->set_node(Node(2).Bytes());
    mobile.mutable_placement()->set_soft(true);
    for (const pb::ActorSpec& spec :
         {Wanted(1, 2, "a"), mobile, Wanted(3, 0), Wanted(4, 0), Wanted(5, 0, "b"), Wanted(6, 0, "", 64)}) {
      Step([=, this] { RegisterFrom(1, spec, 1); });
    }
    AnswerStarts();
    Crash(1);
    Wait(1s);
    AnswerStarts();
    KillNow(4, true);
    KillNow(1, false);
    Wait(1s);
    AnswerStarts();
    Crash(1);  // its budget is used: the name is free
    Step([this] { RegisterFrom(1, Wanted(7, 0, "a"), 2); });
    AnswerStarts();
    pb::NodeToHead release;
    release.mutable_release_actor()->set_id(ActorNumber(3).Bytes());
    Step([=, this] { Deliver(1, release); });
    EndStopped();
    RunSubmission();
    raylets_[2].up = false;
    raylets_[2].hosted.clear();
    Step([this, deaths = deaths_] {
      if (deaths_ != deaths) return;  // its stream ended with the head
      pb::NodeToHead leaving;
      leaving.mutable_leaving();
      Deliver(2, leaving);
      Lose(raylets_[2].joined);
    });
    Wait(7s);
    AnswerStarts();
    Step([this] { ASSERT_TRUE(cluster_->jobs().Finish(JobId{job_.id()}, "").ok()); });
    EndStopped();
    KillNow(2, true);
    ExpectRowsAreCurrent();
    commits_ = registry_.commits();
    Restart();
    for (std::uint64_t number = 1; number <= 7; ++number) EXPECT_EQ(State(number), pb::DEAD) << number;
    EXPECT_EQ(cluster_->jobs().Find(JobId{job_.id()})->state(), pb::JobInfo::SUCCEEDED);
    const pb::ListJobsReply jobs = cluster_->jobs().List({});
    for (const pb::JobInfo& job : jobs.jobs()) EXPECT_EQ(job.state(), pb::JobInfo::SUCCEEDED);
  }

 private:
  using Incarnation = std::pair<ActorId, std::uint64_t>;
  struct Raylet {
    bool up = false;
    NodeTable::Joined joined;
    std::map<Incarnation, bool> hosted;  // whether the constructor has returned
    std::map<Incarnation, bool> stops;   // what it has been told to end, and whether gracefully
  };

  // Whoever wants something of the head asks again when it has died.
  void Step(const std::function<void()>& step) {
    step();
    Hear();
    if (!registry_.dead()) return;
    Restart();
    step();
    Hear();
    ASSERT_FALSE(registry_.dead());
  }
  void Restart() {
    Hear();
    ++deaths_;
    RestartHead();
    CheckWhatIsKnown();
    for (auto& [node, raylet] : raylets_) {
      if (raylet.up) Rejoin(node);
    }
    Hear();
  }
  void Rejoin(std::uint64_t node) {
    Raylet& raylet = raylets_[node];
    pb::NodeHello hello = Hello(node);
    for (const auto& [incarnation, running] : raylet.hosted) {
      if (running) {
        *hello.add_actors() = StartedOf(node, incarnation);
      } else {
        pb::ActorStarting& starting = *hello.add_starting();
        starting.set_id(incarnation.first.Bytes());
        starting.set_incarnation(incarnation.second);
      }
    }
    raylet.joined = Join(hello);
    for (const auto& [id, info] : told_) Watch(node, id.low);
    Report(node, 4);
  }
  static pb::ActorStarted StartedOf(std::uint64_t node, const Incarnation& incarnation) {
    pb::ActorStarted started;
    started.set_id(incarnation.first.Bytes());
    started.set_incarnation(incarnation.second);
    const ProcessId process{1000 * incarnation.second + incarnation.first.low};
    *started.mutable_address() = ToProto({Node(node), process});
    return started;
  }

  // --- What is asked and what happens.
  template <class T>
  Reply<T> Held(std::function<void(const T&)> take) {
    return cluster_->commits().Held<T>([take](const Result<T>& result) {
      EXPECT_TRUE(result.ok()) << result.status().ToString();
      if (result.ok()) take(*result);
    });
  }
  void BeginJob() {
    pb::RegisterJobRequest driver;
    *driver.mutable_driver() = ToProto({Node(1), ProcessId{9}});
    Step([=, this] {
      cluster_->jobs().Register(driver, Held<pb::JobInfo>([this](const pb::JobInfo& job) { job_ = job; }));
    });
    ASSERT_NE(job_.id(), 0u);
  }
  pb::ActorSpec Wanted(std::uint64_t number, std::int64_t restarts, const std::string& name = "", double cpus = 1) {
    pb::ActorSpec spec = Spec(number, job_, cpus);
    spec.set_max_restarts(restarts);
    spec.set_name(name);
    return spec;
  }
  void AnswerStarts() {
    for (auto& [node, raylet] : raylets_) {
      for (auto& [incarnation, running] : raylet.hosted) {
        if (std::exchange(running, true)) continue;
        pb::NodeToHead message;
        *message.mutable_actor_started() = StartedOf(node, incarnation);
        Step([=, this, node = node] { Deliver(node, message); });
      }
    }
  }
  // The raylet knows it, so no hello lists it any more; its event is sent until a head has it.
  void End(std::uint64_t node, const Incarnation& incarnation, bool intended) {
    raylets_[node].hosted.erase(incarnation);
    Step([=, this] { ProcessDied(node, incarnation.first.low, incarnation.second, intended); });
  }
  void Crash(std::uint64_t number) {
    for (auto& [node, raylet] : raylets_) {
      auto it = raylet.hosted.lower_bound({ActorNumber(number), 0});
      if (it != raylet.hosted.end() && it->first.first == ActorNumber(number))
        return End(node, Incarnation(it->first), false);
    }
    FAIL() << "actor " << number << " runs nowhere";
  }
  void EndStopped() {
    for (auto& [node, raylet] : raylets_) {
      for (const auto& [incarnation, graceful] : std::exchange(raylet.stops, {})) {
        End(node, incarnation, graceful || !raylet.hosted.contains(incarnation));
      }
    }
  }
  void KillNow(std::uint64_t number, bool no_restart) {
    pb::KillActorRequest kill;
    kill.set_id(ActorNumber(number).Bytes());
    kill.set_no_restart(no_restart);
    bool answered = false;
    Step([&] {
      cluster_->actors().Kill(kill, Held<pb::ActorReply>([&](const pb::ActorReply& reply) {
                                answered = true;
                                Told(reply.info());
                              }));
    });
    EndStopped();
    if (answered) return;  // by a head that has died meanwhile, if not
    Step([&] {
      cluster_->actors().Kill(kill, Held<pb::ActorReply>([&](const pb::ActorReply& reply) { Told(reply.info()); }));
    });
  }
  void RunSubmission() {
    pb::SubmitJobRequest submit;
    submit.set_submission("job-1");
    submit.add_argv("prog");
    Step([=, this] { cluster_->jobs().Submit(submit, Held<pb::JobInfo>([](const pb::JobInfo&) {})); });
    for (const bool ended : {false, true}) {
      pb::NodeToHead update;
      update.mutable_driver_update()->set_submission("job-1");
      update.mutable_driver_update()->set_ended(ended);
      ASSERT_TRUE(driver_node_.has_value());
      Step([=, this] { Deliver(driver_node_->low, update); });
    }
  }
  void Wait(std::chrono::milliseconds time) {
    std::vector<std::uint64_t> up;
    for (const auto& [node, raylet] : raylets_) {
      if (raylet.up) up.push_back(node);
    }
    Step([=, this] { Pass(time, up); });
  }

  // --- What the head says.
  void Hear() {
    loop_.RunPosted();
    for (auto& [node, raylet] : raylets_) {
      for (const pb::HeadToNode& message : std::exchange(sender_.sent[Node(node)], {})) {
        OnMessage(node, &raylet, message);
      }
    }
  }
  void OnMessage(std::uint64_t node, Raylet* raylet, const pb::HeadToNode& message) {
    if (message.has_actor_registered()) {
      EXPECT_EQ(message.actor_registered().code(), 0) << message.actor_registered().message();
      Told(message.actor_registered().reply().info());
    } else if (message.has_actor_update()) {
      Told(message.actor_update().info());
    } else if (message.has_start_actor()) {
      const pb::StartActor& start = message.start_actor();
      const Incarnation incarnation{ActorIdOrNone(start.spec().id()), start.incarnation()};
      EXPECT_EQ(ordered_.try_emplace(incarnation, node).first->second, node) << "given twice";
      const auto budget = static_cast<std::uint64_t>(start.spec().max_restarts());
      if (start.spec().max_restarts() >= 0) {
        EXPECT_LE(start.incarnation(), budget + 1);
      }
      if (raylet->up) raylet->hosted.try_emplace(incarnation, false);
    } else if (message.has_stop_actor()) {
      const pb::StopActor& stop = message.stop_actor();
      raylet->stops[{ActorIdOrNone(stop.id()), stop.incarnation()}] = stop.graceful();
    } else if (message.has_job_update()) {
      if (HasEnded(message.job_update().job())) over_[message.job_update().job().id()] = message.job_update().job();
    } else if (message.has_run_driver()) {
      EXPECT_EQ(driver_node_.value_or(Node(node)), Node(node)) << "a driver runs once";
      driver_node_ = Node(node);
    } else if (message.has_nodes_changed()) {
      for (const pb::NodeInfo& info : message.nodes_changed().nodes()) {
        if (!info.alive()) dead_nodes_.insert(NodeIdOrNone(info.id()));
      }
    }
  }
  void Told(const pb::ActorInfo& info) {
    pb::ActorInfo& before = told_[ActorIdOrNone(info.id())];
    const bool newer = std::pair(info.epoch(), info.version()) >= std::pair(before.epoch(), before.version());
    if (before.state() == pb::DEAD) {
      EXPECT_EQ(info.state(), pb::DEAD);
    }
    if (newer) before = info;
  }
  void CheckWhatIsKnown() {
    for (const auto& [id, info] : told_) {
      const Actor* actor = cluster_->actors().Get(id);
      ASSERT_NE(actor, nullptr);
      EXPECT_GE(actor->info.incarnation(), info.incarnation());
      EXPECT_GE(actor->info.restarts(), info.restarts());
      EXPECT_GE(actor->info.version(), info.version());
      EXPECT_GT(actor->info.epoch(), info.epoch());
      if (info.state() == pb::DEAD) {
        EXPECT_TRUE(actor->dead());
      }
      if (!info.ending().empty()) {
        EXPECT_TRUE(actor->dead() || actor->ending());
      }
      const bool same_process = actor->info.state() == pb::ALIVE && actor->info.incarnation() == info.incarnation();
      if (info.state() == pb::ALIVE && same_process) {
        EXPECT_EQ(actor->info.address().process(), info.address().process());
      }
      if (info.name().empty() || actor->dead() || actor->ending()) continue;
      pb::FindActor find;
      find.set_name(info.name());
      find.set_name_space(info.name_space());
      const auto found = cluster_->actors().Find(find);
      EXPECT_TRUE(found.ok() && found->id() == info.id()) << info.name();
    }
    for (const auto& [incarnation, node] : ordered_) {
      EXPECT_GE(cluster_->actors().Get(incarnation.first)->info.incarnation(), incarnation.second);
    }
    if (job_.id() != 0) {
      EXPECT_NE(cluster_->jobs().Find(JobId{job_.id()}), nullptr);
    }
    for (const auto& [id, job] : over_) EXPECT_TRUE(cluster_->jobs().IsOver(JobId{id}));
    if (driver_node_) {
      EXPECT_EQ(cluster_->jobs().NodeOf("job-1").value(), *driver_node_);
    }
    for (const NodeId& node : dead_nodes_) {
      EXPECT_EQ(cluster_->Join(Hello(node.low)).status().code(), StatusCode::kFailedPrecondition);
    }
  }

  pb::JobInfo job_;
  std::map<std::uint64_t, Raylet> raylets_;
  std::map<ActorId, pb::ActorInfo> told_;  // the latest word of each
  std::map<Incarnation, std::uint64_t> ordered_;
  std::map<std::uint64_t, pb::JobInfo> over_;
  std::optional<NodeId> driver_node_;
  std::set<NodeId> dead_nodes_;
  int deaths_ = 0;
  std::uint64_t commits_ = 0;
};

TEST(DeathAtEachCommitTest, LosesNothingThatWasSaid) {
  Scenario undisturbed(0, false);
  undisturbed.Run();
  ASSERT_EQ(undisturbed.deaths(), 1) << "at its end";
  ASSERT_GE(undisturbed.commits(), 30u);
  for (std::uint64_t dies_at = 2; dies_at <= undisturbed.commits(); ++dies_at) {
    for (const bool after_writing : {false, true}) {
      SCOPED_TRACE("dies at commit " + std::to_string(dies_at) + (after_writing ? ", which is written" : ""));
      Scenario scenario(dies_at, after_writing);
      scenario.Run();
      EXPECT_EQ(scenario.deaths(), 2);
    }
  }
}

}  // namespace
}  // namespace troupe::head
