#include "ipc/node_lease.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "tests/unit/ipc/test_region.h"

namespace troupe::ipc {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

TEST(NodeLeaseTest, ShowsWhatItsOwnerWrites) {
  const TestName name;
  auto owner = NodeLeaseOwner::Create(name);
  ASSERT_TRUE(owner.ok()) << owner.status().ToString();
  const auto view = NodeLeaseView::Open(name);
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  EXPECT_EQ(view->until(), 0ns) << "over from the beginning";
  owner->Set(7s);
  EXPECT_EQ(view->until(), 7s);
  owner->Set(BootTime::max());
  EXPECT_EQ(view->until(), BootTime::max());
}

TEST(NodeLeaseTest, ItsNameGoesWithItsOwner) {
  const TestName name;
  {
    auto made = NodeLeaseOwner::Create(name);
    ASSERT_TRUE(made.ok());
    const NodeLeaseOwner moved = std::move(*made);
    EXPECT_EQ(NodeLeaseOwner::Create(name).status().code(), StatusCode::kAlreadyExists);
  }
  EXPECT_EQ(NodeLeaseView::Open(name).status().code(), StatusCode::kNotFound);
}

TEST(NodeLeaseTest, SaysWhenItsOwnerHasLetGo) {
  const TestName name;
  std::optional<NodeLeaseOwner> owner = NodeLeaseOwner::Create(name).value();
  const auto view = NodeLeaseView::Open(name);
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  EXPECT_TRUE(view->raylet_lives());
  owner.reset();
  EXPECT_FALSE(view->raylet_lives());
}

// Without a wait for the process itself, whose end may be heard of by other ways first.
TEST(NodeLeaseTest, AKilledOwnerIsSeenAsSoonAsItsConnectionsClose) {
  for (int round = 0; round < 100; ++round) {
    const TestName name;
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t raylet = fork();
    if (raylet == 0) {
      const auto owner = NodeLeaseOwner::Create(name);
      (void)!write(ends[1], owner.ok() ? "y" : "n", 1);
      for (;;) pause();
    }
    close(ends[1]);
    char made = 0;
    ASSERT_EQ(read(ends[0], &made, 1), 1);
    ASSERT_EQ(made, 'y');
    const auto view = NodeLeaseView::Open(name);
    ASSERT_TRUE(view.ok()) << view.status().ToString();
    EXPECT_TRUE(view->raylet_lives());
    kill(raylet, SIGKILL);
    EXPECT_EQ(read(ends[0], &made, 1), 0) << "the end of the pipe";
    EXPECT_FALSE(view->raylet_lives());
    close(ends[0]);
    EXPECT_EQ(waitpid(raylet, nullptr, 0), raylet);
  }
}

TEST(NodeLeaseTest, RefusesWhatIsNoLease) {
  const TestName name;
  ASSERT_TRUE(SharedRegion::Create(name, 64).ok());
  EXPECT_THAT(NodeLeaseView::Open(name).status().message(), HasSubstr("holds no node lease"));
}

}  // namespace
}  // namespace troupe::ipc
