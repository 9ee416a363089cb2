// Two nodes: placement, calls and objects between them, and the end of one of them.
#include <signal.h>
#include <troupe/troupe.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/cluster_fixture.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"
#include "tests/integration/wait.h"

namespace two_nodes {

class Host {
 public:
  Host() = default;
  explicit Host(std::size_t start) : count_(static_cast<int>(start)) {}
  std::string Node() const { return troupe::GetRuntimeContext().node.Hex(); }
  int Pid() const { return getpid(); }
  int Count() { return ++count_; }
  bool Next(int number) { return number == count_++; }
  std::uint64_t Incarnation() const { return troupe::GetRuntimeContext().incarnation; }
  std::string Blob(std::size_t size, char fill) const { return std::string(size, fill); }
  std::size_t Size(const std::string& bytes) const { return bytes.size(); }
  troupe::ObjectRef<std::string> PutBlob(std::size_t size) const { return troupe::Put(std::string(size, 'p')); }
  int CountOf(troupe::ActorHandle<Host> other) const;

 private:
  int count_ = 0;
};

// Made from more than a message holds.
class Heir {
 public:
  explicit Heir(std::string estate) : estate_(std::move(estate)) {}
  std::string Estate() const { return estate_; }
  std::string Node() const { return troupe::GetRuntimeContext().node.Hex(); }
  int Pid() const { return getpid(); }
  std::uint64_t Incarnation() const { return troupe::GetRuntimeContext().incarnation; }

 private:
  std::string estate_;
};

}  // namespace two_nodes

TROUPE_ACTOR(two_nodes::Heir, Estate, Node, Pid, Incarnation);
TROUPE_ACTOR(two_nodes::Host, Node, Pid, Count, Next, Incarnation, Blob, Size, PutBlob, CountOf);

int two_nodes::Host::CountOf(troupe::ActorHandle<Host> other) const { return other.Count().Get(); }

namespace troupe::integration {
namespace {

using namespace std::chrono_literals;
using two_nodes::Heir;
using two_nodes::Host;
namespace fs = std::filesystem;

std::string NodeOfTask() { return GetRuntimeContext().node.Hex(); }
std::size_t SizeOf(const std::string& bytes) { return bytes.size(); }

std::vector<ClusterOptions> TwoNodes() {
  ClusterOptions a = SmallNode(2);
  a.resources = {{"a", 1}};
  ClusterOptions b = SmallNode(2);
  b.resources = {{"b", 1}};
  b.labels = {{"zone", "b"}};
  return {a, b};
}

Scheduling On(std::size_t node, bool soft = false) {
  return Scheduling::OnNode(NodeId::FromHex(DriverTest::cluster().node_id(node)).value(), soft);
}

class TwoNodeCluster : public DriverTest {
 protected:
  static void SetUpTestSuite() {
    Join(TwoNodes());
    ASSERT_TRUE(Eventually([] { return ClusterResources()["CPU"] == 4; }));
  }
};

// Runs until `count` of it run at once: one worker cannot take them all.
std::string Meet(const std::string& folder, int count) {
  std::ofstream{folder + "/" + std::to_string(getpid())};
  const auto present = [&] { return std::distance(fs::directory_iterator(folder), fs::directory_iterator()) >= count; };
  return Eventually(present) ? NodeOfTask() : "alone";
}

TEST_F(TwoNodeCluster, SpreadUsesBoth) {
  const std::string folder = cluster().NewFile();
  fs::create_directory(folder);
  std::vector<ObjectRef<std::string>> refs;
  for (int i = 0; i < 4; ++i) refs.push_back(troupe::Run<&Meet>({.scheduling = Scheduling::Spread()}, folder, 4));
  std::set<std::string> nodes;
  for (const std::string& node : Get(refs, kDeadline)) nodes.insert(node);
  EXPECT_EQ(nodes, (std::set<std::string>{cluster().node_id(0), cluster().node_id(1)}));

  std::vector<ActorHandle<Host>> actors;
  std::set<std::string> hosts;
  for (int i = 0; i < 4; ++i) actors.push_back(Spawn<Host>({.scheduling = Scheduling::Spread()}));
  for (auto& actor : actors) hosts.insert(actor.Node().Get(kDeadline));
  EXPECT_EQ(hosts, nodes);
}

TEST_F(TwoNodeCluster, AffinityResourcesAndLabelsChooseTheNode) {
  for (std::size_t node : {0, 1}) {
    EXPECT_EQ(troupe::Run<&NodeOfTask>({.scheduling = On(node)}).Get(kDeadline), cluster().node_id(node));
    EXPECT_EQ(Spawn<Host>({.scheduling = On(node)}).Node().Get(kDeadline), cluster().node_id(node));
    EXPECT_EQ(troupe::Run<&NodeOfTask>({.scheduling = On(node, true)}).Get(kDeadline), cluster().node_id(node));
  }
  EXPECT_EQ(troupe::Run<&NodeOfTask>({.resources = {{"a", 1}}}).Get(kDeadline), cluster().node_id(0));
  EXPECT_EQ(Spawn<Host>({.resources = {{"b", 1}}}).Node().Get(kDeadline), cluster().node_id(1));
  EXPECT_EQ(troupe::Run<&NodeOfTask>({.scheduling = Scheduling::WithLabels({{"zone", "b"}})}).Get(kDeadline),
            cluster().node_id(1));
}

TEST_F(TwoNodeCluster, SoftAffinityGoesElsewhereWhenTheNodeIsTooSmall) {
  EXPECT_EQ(troupe::Run<&NodeOfTask>({.resources = {{"a", 1}}, .scheduling = On(1, true)}).Get(kDeadline),
            cluster().node_id(0));
}

TEST_F(TwoNodeCluster, CallsBetweenNodesKeepTheirOrder) {
  auto actor = Spawn<Host>({.scheduling = On(1)});
  std::vector<ObjectRef<bool>> refs;
  for (int i = 0; i < 2'000; ++i) refs.push_back(actor.Next(i));
  int wrong = 0;
  for (bool in_order : Get(refs, kDeadline)) wrong += !in_order;
  EXPECT_EQ(wrong, 0);
}

TEST_F(TwoNodeCluster, ActorsOfDifferentNodesCallEachOther) {
  auto a = Spawn<Host>({.scheduling = On(0)});
  auto b = Spawn<Host>({.scheduling = On(1)});
  EXPECT_EQ(a.CountOf(b).Get(kDeadline), 1);
  EXPECT_EQ(b.CountOf(a).Get(kDeadline), 1);
  EXPECT_EQ(b.CountOf(b.Count().Get(kDeadline) == 2 ? a : b).Get(kDeadline), 2);
}

std::size_t Slowly(std::size_t value) {
  std::this_thread::sleep_for(200ms);  // what the test is about is a value that comes late
  return value;
}

TEST_F(TwoNodeCluster, AHandleMayBePassedOnBeforeItsActorCanBeMade) {
  auto a = Spawn<Host>({.scheduling = On(0)});
  WaitAlive(a);
  auto late = Spawn<Host>({.scheduling = On(1)}, troupe::Run<&Slowly>(std::size_t{5}));
  EXPECT_EQ(a.CountOf(late).Get(kDeadline), 6);
}

TEST_F(TwoNodeCluster, LargeObjectsCrossInBothDirections) {
  constexpr std::size_t kSize = 24 << 20;
  auto b = Spawn<Host>({.scheduling = On(1)});
  auto from_b = b.Blob(kSize, 'b');
  EXPECT_TRUE(from_b.Get(kDeadline) == std::string(kSize, 'b'));
  EXPECT_EQ(b.Size(Put(std::string(kSize, 'a'))).Get(kDeadline), kSize);
  EXPECT_EQ(b.Size(from_b).Get(kDeadline), kSize);
  EXPECT_EQ(troupe::Run<&SizeOf>({.scheduling = On(0)}, from_b).Get(kDeadline), kSize);
  auto owned_by_b = b.PutBlob(kSize).Get(kDeadline);
  EXPECT_EQ(owned_by_b.Get(kDeadline).size(), kSize);
}

TEST_F(TwoNodeCluster, SpreadTasksUseEveryNodeHoweverShortTheyAre) {
  std::map<std::string, int> counts;
  for (int i = 0; i < 12; ++i) ++counts[troupe::Run<&NodeOfTask>({.scheduling = Scheduling::Spread()}).Get(kDeadline)];
  for (std::size_t node : {0, 1}) EXPECT_GE(counts[cluster().node_id(node)], 2) << "node " << node;
}

void PrintLine(int number) { std::printf("line %d of this job\n", number); }

// Prints on every node, and is gone as soon as the tasks are done.
int PrintAndLeave(const std::vector<std::string>&) {
  Init();
  std::vector<ObjectRef<void>> tasks;
  for (int i = 0; i < 12; ++i) {
    tasks.push_back(troupe::Run<&PrintLine>({.num_cpus = 0.1, .scheduling = Scheduling::Spread()}, i));
  }
  Get(tasks);
  return 0;
}
const bool kPrintAndLeave = RegisterRole("print and leave", PrintAndLeave);

TEST_F(TwoNodeCluster, ADriverThatLeavesHasSeenWhatItsWorkersPrinted) {
  for (int round = 0; round < 3; ++round) {
    Program driver = Program::OfRole("print and leave");
    ASSERT_EQ(driver.Wait(), 0) << driver.Errors();
    const std::string output = driver.Output();
    for (int i = 0; i < 12; ++i) {
      EXPECT_NE(output.find("line " + std::to_string(i) + " of"), std::string::npos) << i << " is missing:\n" << output;
    }
  }
}

// More than any queue on the way holds: the caller must be slowed down, and nothing lost.
TEST_F(TwoNodeCluster, AFloodOfCallsAndResultsArrivesWhole) {
  constexpr std::size_t kSize = 60'000, kCalls = 6'000;
  auto b = Spawn<Host>({.scheduling = On(1)});
  WaitAlive(b, kDeadline);
  std::vector<ObjectRef<std::size_t>> sizes;
  for (std::size_t i = 0; i < kCalls; ++i) sizes.push_back(b.Size(std::string(kSize, 'a')));
  for (std::size_t size : Get(sizes, kDeadline)) EXPECT_EQ(size, kSize);
  std::vector<ObjectRef<std::string>> blobs;
  for (std::size_t i = 0; i < kCalls; ++i) blobs.push_back(b.Blob(kSize, 'b'));
  for (const auto& blob : blobs) ASSERT_EQ(blob.Get(kDeadline).size(), kSize);
}

TEST_F(TwoNodeCluster, AKilledWorkerOfTheOtherNodeComesBack) {
  auto actor = Spawn<Host>({.scheduling = On(1), .max_restarts = 1, .max_task_retries = -1});
  const int pid = actor.Pid().Get(kDeadline);
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  EXPECT_NE(actor.With({.max_task_retries = -1}).Pid().Get(kDeadline), pid);
  EXPECT_EQ(actor.Incarnation().Get(kDeadline), 2U);
  EXPECT_EQ(actor.Node().Get(kDeadline), cluster().node_id(1));
}

class NodeLoss : public DriverTest {
 protected:
  static void SetUpTestSuite() {
    Join(TwoNodes());
    ASSERT_TRUE(Eventually([] { return ClusterResources()["CPU"] == 4; }));
  }
};

int SleepUntilKilledOnce(const std::string& first_node) {
  if (GetRuntimeContext().node.Hex() == first_node) Eventually([] { return false; }, 60s);
  return 17;
}

TEST_F(NodeLoss, ActorsAndTasksOfAKilledRayletGoOnElsewhere) {
  auto moves = Spawn<Host>({.scheduling = On(1, true), .max_restarts = -1, .max_task_retries = -1});
  auto stays = Spawn<Host>({.scheduling = On(1)});
  EXPECT_EQ(moves.Node().Get(kDeadline), cluster().node_id(1));
  const int pid = stays.Pid().Get(kDeadline);
  auto task = troupe::Run<&SleepUntilKilledOnce>({.scheduling = On(1, true), .max_retries = 1}, cluster().node_id(1));
  EXPECT_EQ(Wait(std::vector{task}, {.timeout = 300ms}).ready.size(), 0U);

  cluster().KillRaylet(1);

  EXPECT_TRUE(WaitGone(pid)) << "a worker without a raylet";
  EXPECT_EQ(moves.Node().Get(kDeadline), cluster().node_id(0));
  EXPECT_EQ(moves.Incarnation().Get(kDeadline), 2U);
  EXPECT_EQ(task.Get(kDeadline), 17);
  const auto lost = stays.Count().TryGet(kDeadline);
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().kind, ErrorKind::kActorDied) << lost.error().message;
  const std::vector<NodeInfo> nodes = Nodes();
  const auto dead = std::find_if(nodes.begin(), nodes.end(), [](const NodeInfo& node) { return !node.alive; });
  ASSERT_NE(dead, nodes.end());
  EXPECT_EQ(dead->id.Hex(), cluster().node_id(1));
  EXPECT_EQ(ClusterResources()["CPU"], 2);
}

TEST_F(NodeLoss, ANodeThatJoinsLaterIsUsed) {
  ClusterOptions node = SmallNode(1);
  node.resources = {{"late", 2}};
  auto waiting = troupe::Run<&NodeOfTask>({.resources = {{"late", 1}}});
  auto actor = Spawn<Host>({.resources = {{"late", 1}}});
  EXPECT_THROW(WaitAlive(actor), UnschedulableError);
  const std::size_t late = cluster().AddNode(node);
  EXPECT_EQ(waiting.Get(kDeadline), cluster().node_id(late));
  WaitAlive(actor, kDeadline);
  EXPECT_EQ(actor.Node().Get(kDeadline), cluster().node_id(late));
}

constexpr const char* kHeirs = "heirs";

std::string Estate() { return std::string(1'000'000, 'e'); }

// On its own node, if that is there.
int MakeHeir(const std::vector<std::string>&) {
  Init();
  auto heir = Spawn<Heir>({.name = "heir",
                           .name_space = kHeirs,
                           .lifetime = Lifetime::kDetached,
                           .scheduling = Scheduling::OnNode(GetRuntimeContext().node, /*soft=*/true),
                           .max_restarts = 1},
                          Estate());
  return heir.Incarnation().Get() == 1 ? 0 : 1;
}
const bool kMakeHeir = RegisterRole("make heir", MakeHeir);

TEST_F(NodeLoss, ADetachedActorOutlivesItsMakersJobAndThenItsNodeWithALargeArgument) {
  const std::size_t node = cluster().AddNode(SmallNode(1));
  Program maker = Program::OfRole("make heir", {}, {{"TROUPE_ADDRESS", cluster().session(node).dir}});
  ASSERT_EQ(maker.Wait(), 0) << maker.Errors();
  auto heir = GetActor<Heir>("heir", kHeirs);
  ASSERT_EQ(heir.Node().Get(kDeadline), cluster().node_id(node));
  const int pid = heir.Pid().Get(kDeadline);

  cluster().KillRaylet(node);

  EXPECT_TRUE(WaitGone(pid)) << "a worker without a raylet";
  EXPECT_EQ(heir.With({.max_task_retries = -1}).Node().Get(kDeadline), cluster().node_id(0));
  EXPECT_EQ(heir.Incarnation().Get(kDeadline), 2U);
  EXPECT_TRUE(heir.Estate().Get(kDeadline) == Estate());
  EXPECT_EQ(GetActor<Heir>("heir", kHeirs), heir);
}

}  // namespace
}  // namespace troupe::integration
