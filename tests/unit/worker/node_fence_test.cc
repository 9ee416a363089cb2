#include "worker/node_fence.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "ipc/node_lease_layout.h"
#include "tests/unit/ipc/test_region.h"

namespace troupe::worker {
namespace {

using namespace std::chrono_literals;

// What becomes of a process that runs `work` under the fence of `region`: its wait status.
int StatusUnderFence(const std::string& region, const std::function<void(NodeFence&)>& work) {
  const pid_t pid = fork();
  if (pid == 0) {
    auto fence = NodeFence::Start(region);
    if (!fence.ok()) _exit(3);
    work(**fence);
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return status;
}
// As the raylet would, whose mapping a forked child has not.
void Write(const std::string& region, ipc::BootTime until) {
  const auto memory = ipc::SharedRegion::Open(region, ipc::Access::kReadWrite);
  reinterpret_cast<ipc::NodeLeaseLayout*>(memory->data())->until_ns.store(until.count());
}

bool Killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }

class NodeFenceTest : public testing::Test {
 protected:
  ipc::TestName name_;
  ipc::NodeLeaseOwner lease_ = ipc::NodeLeaseOwner::Create(name_).value();
};

TEST_F(NodeFenceTest, KillsAProcessThatDoesNothingOnceTheLeaseIsOver) {
  const ipc::BootTime until = ipc::BootTimeNow() + 50ms;
  lease_.Set(until);
  EXPECT_TRUE(Killed(StatusUnderFence(name_, [](NodeFence&) { pause(); })));
  EXPECT_GE(ipc::BootTimeNow(), until);
}

TEST_F(NodeFenceTest, ALeaseThatIsRenewedInTimeHarmsNobody) {
  lease_.Set(ipc::BootTimeNow() + 30ms);
  const int status = StatusUnderFence(name_, [this](NodeFence& fence) {
    Write(name_, ipc::BootTimeNow() + 1h);
    usleep(60'000);
    fence.Check();
  });
  EXPECT_EQ(status, 0);
}

TEST_F(NodeFenceTest, ACheckSeesALeaseThatIsOverAtOnce) {
  lease_.Set(ipc::BootTimeNow() + 1h);
  const int status = StatusUnderFence(name_, [this](NodeFence& fence) {
    fence.Check();
    Write(name_, ipc::BootTimeNow());
    usleep(20'000);  // the thread still sleeps, and the coarse clock has moved on
    fence.Check();
  });
  EXPECT_TRUE(Killed(status));
}

TEST_F(NodeFenceTest, ItsThreadEndsWithIt) {
  lease_.Set(ipc::BootTimeNow() + 1h);
  EXPECT_TRUE(NodeFence::Start(name_).ok());
  EXPECT_EQ(NodeFence::Start("no-such-region").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace troupe::worker
