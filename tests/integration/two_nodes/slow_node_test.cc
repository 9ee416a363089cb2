// A node that takes nothing for a while: only those who send to it wait.
#include <signal.h>
#include <troupe/troupe.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/integration/cluster_fixture.h"
#include "tests/integration/wait.h"

namespace slow_node {

class Taker {
 public:
  std::size_t Take(const std::string& text) { return bytes_ += text.size(); }

 private:
  std::size_t bytes_ = 0;
};

}  // namespace slow_node

TROUPE_ACTOR(slow_node::Taker, Take);

namespace troupe::integration {
namespace {

using namespace std::chrono_literals;
using slow_node::Taker;

Scheduling At(std::size_t node) {
  return Scheduling::OnNode(NodeId::FromHex(DriverTest::cluster().node_id(node)).value(), /*soft=*/false);
}

class SlowNode : public DriverTest {
 protected:
  static void SetUpTestSuite() {
    Join({SmallNode(2), SmallNode(2)});
    ASSERT_TRUE(Eventually([] { return ClusterResources()["CPU"] == 4; }));
  }
};

TEST_F(SlowNode, HoldsUpOnlyThoseWhoSendToIt) {
  constexpr std::size_t kCalls = 4'000;  // 240 MB; a caller is held long before
  const std::string text(60'000, 'x');
  auto far = Spawn<Taker>({.scheduling = At(1)});
  auto near = Spawn<Taker>({.scheduling = At(0)});
  EXPECT_EQ(far.Take("1").Get(kDeadline), 1U);
  EXPECT_EQ(near.Take("1").Get(kDeadline), 1U);
  const pid_t raylet = cluster().session(1).node->pid;
  ASSERT_EQ(kill(raylet, SIGSTOP), 0);
  std::atomic<std::size_t> made = 0;
  std::vector<ObjectRef<std::size_t>> calls;
  std::thread flood([&] {
    for (; made < kCalls; ++made) calls.push_back(far.Take(text));
  });
  // It is held when it makes no more calls for a while.
  std::size_t before = 0;
  int looks = 0;
  EXPECT_TRUE(Eventually([&] {
    const std::size_t seen = made;
    looks = std::exchange(before, seen) == seen && seen > 0 ? looks + 1 : 0;
    return looks == 20;
  }));
  ASSERT_LT(made, kCalls);
  // These need the raylet of this node: to make the actor, and the channel to it.
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Spawn<Taker>({.scheduling = At(0)}).Take(text).Get(kDeadline), text.size());
  EXPECT_EQ(near.Take(text).Get(kDeadline), text.size() + 1);
  EXPECT_LT(made, kCalls) << "the other node went on meanwhile";
  ASSERT_EQ(kill(raylet, SIGCONT), 0);
  flood.join();
  EXPECT_EQ(calls.back().Get(kDeadline), kCalls * text.size() + 1) << "and nothing was lost";
}

}  // namespace
}  // namespace troupe::integration
