#include "ipc/node_lease.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(NodeLeaseTest, RefusesWhatIsNoLease) {
  const TestName name;
  ASSERT_TRUE(SharedRegion::Create(name, 64).ok());
  EXPECT_THAT(NodeLeaseView::Open(name).status().message(), HasSubstr("holds no node lease"));
}

}  // namespace
}  // namespace troupe::ipc
