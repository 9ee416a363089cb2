// What a program learns about the cluster and about itself; resources, GPUs, and what cannot be placed.
#include <troupe/troupe.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/program.h"
#include "tests/integration/programming_model/suite.h"

namespace cluster_info {

class Informer {
 public:
  std::vector<std::string> Ids() const {
    const troupe::RuntimeContext context = troupe::GetRuntimeContext();
    return {context.job.Hex(), context.node.Hex(), context.actor.Hex(), context.is_driver ? "driver" : "worker"};
  }
  std::string VisibleGpus() const {
    const char* list = std::getenv("CUDA_VISIBLE_DEVICES");
    return list ? list : "unset";
  }
  std::vector<int> GpuIds() const { return troupe::GetRuntimeContext().gpu_ids; }
  int Pid() const { return getpid(); }
};

}  // namespace cluster_info

TROUPE_ACTOR(cluster_info::Informer, Ids, VisibleGpus, GpuIds, Pid);

namespace troupe::integration {
namespace {

using cluster_info::Informer;
class ClusterInfo : public ModelTest {};

TEST_F(ClusterInfo, NodesAreListedWithWhatTheyHave) {
  const std::vector<NodeInfo> nodes = Nodes();
  ASSERT_EQ(nodes.size(), 1U);
  EXPECT_TRUE(nodes[0].alive);
  EXPECT_TRUE(nodes[0].is_head_node);
  EXPECT_EQ(nodes[0].id.Hex(), cluster().node_id(0));
  EXPECT_EQ(nodes[0].resources.at("CPU"), 4);
  EXPECT_EQ(nodes[0].resources.at("GPU"), 2);
  EXPECT_EQ(nodes[0].resources.at("disk"), 2);
  EXPECT_EQ(nodes[0].labels.at("zone"), "a");
}

double Available(const std::string& name) {
  const auto available = AvailableResources();
  const auto it = available.find(name);
  return it == available.end() ? 0 : it->second;
}

TEST_F(ClusterInfo, ResourcesOfAnActorAreTakenAndGivenBack) {
  EXPECT_EQ(ClusterResources().at("CPU"), 4);
  ASSERT_TRUE(Eventually([] { return Available("CPU") == 4; })) << Available("CPU");
  auto actor = Spawn<Informer>({.num_cpus = 1.5, .resources = {{"disk", 2}}});
  WaitAlive(actor, kDeadline);
  EXPECT_TRUE(Eventually([] { return Available("CPU") == 2.5 && Available("disk") == 0; }));
  actor = {};
  EXPECT_TRUE(Eventually([] { return Available("CPU") == 4 && Available("disk") == 2; }));
}

TEST_F(ClusterInfo, AProgramKnowsWhereItRuns) {
  const RuntimeContext here = GetRuntimeContext();
  EXPECT_TRUE(here.is_driver);
  EXPECT_FALSE(here.actor);
  EXPECT_FALSE(here.task);
  EXPECT_EQ(here.session_dir, cluster().session(0).dir);
  auto actor = Spawn<Informer>();
  const std::vector<std::string> there = actor.Ids().Get(kDeadline);
  EXPECT_EQ(there, (std::vector<std::string>{here.job.Hex(), cluster().node_id(0), actor.id().Hex(), "worker"}));
  EXPECT_TRUE(troupe::Run([] { return bool{GetRuntimeContext().task}; }).Get(kDeadline));
}

TEST_F(ClusterInfo, GpusGoToOneActorEachAndAreTheOnlyOnesItSees) {
  auto one = Spawn<Informer>({.num_gpus = 1});
  auto two = Spawn<Informer>({.num_gpus = 1});
  auto none = Spawn<Informer>();
  std::set<std::string> seen = {one.VisibleGpus().Get(kDeadline), two.VisibleGpus().Get(kDeadline)};
  EXPECT_EQ(seen, (std::set<std::string>{"0", "1"}));
  EXPECT_EQ(std::to_string(one.GpuIds().Get(kDeadline).at(0)), one.VisibleGpus().Get(kDeadline));
  EXPECT_EQ(none.VisibleGpus().Get(kDeadline), "");
}

struct Seen {
  std::string visible;
  std::vector<int> ids;
  int pid = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(visible, ids, pid);
  }
};
Seen SeeGpus() {
  const char* list = std::getenv("CUDA_VISIBLE_DEVICES");
  return {list ? list : "unset", GetRuntimeContext().gpu_ids, getpid()};
}

TEST_F(ClusterInfo, EachTaskSeesItsOwnGpusInAWorkerThatNeverHadOthers) {
  std::map<int, std::string> lists;  // by pid
  for (int i = 0; i < 30; ++i) {
    const int gpus = i % 3;
    const Seen seen = troupe::Run<&SeeGpus>({.num_gpus = gpus}).Get(kDeadline);
    ASSERT_EQ(seen.ids.size(), static_cast<std::size_t>(gpus));
    std::string list;
    for (const int id : seen.ids) list += (list.empty() ? "" : ",") + std::to_string(id);
    EXPECT_EQ(seen.visible, list);
    if (gpus == 0) continue;
    EXPECT_EQ(lists.emplace(seen.pid, list).first->second, list) << "CUDA would still use the first";
  }
  std::set<int> without;
  for (int i = 0; i < 10; ++i) {
    without.insert(troupe::Run<&SeeGpus>({.num_gpus = 0}).Get(kDeadline).pid);
    ASSERT_TRUE(i % 3 != 0 || Eventually([] { return Available("CPU") == 4; })) << "the lease is not given back";
  }
  EXPECT_LT(without.size(), 10U) << "no worker was used again";
}

TEST_F(ClusterInfo, FractionsOfAGpuShareOne) {
  auto a = Spawn<Informer>({.num_gpus = 0.5});
  auto b = Spawn<Informer>({.num_gpus = 0.5});
  auto whole = Spawn<Informer>({.num_gpus = 1});
  EXPECT_EQ(a.VisibleGpus().Get(kDeadline), b.VisibleGpus().Get(kDeadline));
  EXPECT_NE(whole.VisibleGpus().Get(kDeadline), a.VisibleGpus().Get(kDeadline));
}

// Its own argument, as a worker was started with it.
int PassBytes(const std::vector<std::string>& arguments) {
  Init();
  const auto there = troupe::Run([] {
    std::ifstream file("/proc/self/cmdline");
    return std::string(std::istreambuf_iterator<char>(file), {});
  });
  return there.Get().find('\0' + arguments.at(0) + '\0') == std::string::npos ? 1 : 0;
}
const bool kPassBytes = RegisterRole("pass bytes", PassBytes);

TEST_F(ClusterInfo, AProgramsArgumentsMayBeAnyBytes) {
  Program program = Program::OfRole("pass bytes", {"caf\xe9"});
  EXPECT_EQ(program.Wait(), 0) << program.Errors();
}

int AskTooMuch(const std::vector<std::string>&) {
  Init();
  auto task = troupe::Run({.name = "Greedy", .num_cpus = 64}, [] { return 1; });
  auto actor = Spawn<Informer>({.resources = {{"unobtainium", 1}}});
  auto call = actor.Pid();
  Wait(std::vector{call});
  return 0;
}
const bool kAskTooMuch = RegisterRole("ask too much", AskTooMuch);

TEST_F(ClusterInfo, WhatNoNodeCanRunIsSaidAtOnce) {
  Program greedy = Program::OfRole("ask too much");
  EXPECT_TRUE(greedy.WaitForErrors("cannot be placed")) << greedy.Errors();
  EXPECT_TRUE(greedy.WaitForErrors("CPU")) << greedy.Errors();
  EXPECT_TRUE(greedy.WaitForErrors("unobtainium")) << greedy.Errors();
}

TEST_F(ClusterInfo, WaitingForAnActorThatNoNodeCanHoldFailsAndSaysWhatIsMissing) {
  auto actor = Spawn<Informer>({.resources = {{"unobtainium", 1}}});
  auto call = actor.Pid();
  for (const auto wait : {+[](const ActorHandle<Informer>& handle) { WaitAlive(handle); },
                          +[](const ActorHandle<Informer>& handle) { WaitAlive(handle, std::chrono::seconds(1)); }}) {
    try {
      wait(actor);
      FAIL() << "no exception";
    } catch (const UnschedulableError& error) {
      EXPECT_EQ(error.outcome(), Outcome::kNotExecuted);
      EXPECT_NE(std::string(error.what()).find("unobtainium"), std::string::npos) << error.what();
    }
  }
  const auto pending = call.TryGet(std::chrono::milliseconds(1));
  ASSERT_FALSE(pending.has_value());
  EXPECT_EQ(pending.error().kind, ErrorKind::kTimeout);
  EXPECT_NE(pending.error().message.find("unobtainium"), std::string::npos) << pending.error().message;
  Kill(actor);
  EXPECT_EQ(call.TryGet(kDeadline).error().kind, ErrorKind::kActorDied);
}

TEST_F(ClusterInfo, InitTwiceIsAMistakeUnlessAllowed) {
  EXPECT_THROW(Init(), UsageError);
  Init({.ignore_reinit = true});
  EXPECT_TRUE(IsInitialized());
}

}  // namespace
}  // namespace troupe::integration
