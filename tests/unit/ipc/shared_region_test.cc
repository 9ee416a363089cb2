#include "ipc/shared_region.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/ipc/test_region.h"

namespace troupe::ipc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(SharedRegionTest, SharesWhatIsWrittenBetweenMappings) {
  TestName name;
  auto made = SharedRegion::Create(name, 10'000);
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_EQ(made->size(), 10'000u);
  EXPECT_EQ(made->data()[9'999], std::byte{0});
  auto opened = SharedRegion::Open(name, Access::kReadOnly, 10'000);
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  made->data()[9'999] = std::byte{42};
  EXPECT_EQ(opened->data()[9'999], std::byte{42});
}

TEST(SharedRegionTest, IsOfThisUserOnlyWhateverTheUmask) {
  TestName name;
  const mode_t umask_before = umask(0);
  auto made = SharedRegion::Create(name, 1);
  umask(umask_before);
  ASSERT_TRUE(made.ok());
  struct stat info {};
  ASSERT_EQ(stat(("/dev/shm/" + name.str()).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(SharedRegionTest, RefusesANameThatIsTaken) {
  TestName name;
  ASSERT_TRUE(SharedRegion::Create(name, 1).ok());
  EXPECT_EQ(SharedRegion::Create(name, 1).status().code(), StatusCode::kAlreadyExists);
}

TEST(SharedRegionTest, RefusesNamesThatAreNoneAndZeroBytes) {
  for (const char* bad : {"", "a/b", "/a"}) {
    EXPECT_EQ(SharedRegion::Create(bad, 1).status().code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ(SharedRegion::Open(bad, Access::kReadOnly).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(SharedRegion::Create(std::string(251, 'n'), 1).status().code(), StatusCode::kInvalidArgument);
  TestName name;
  EXPECT_EQ(SharedRegion::Create(name, 0).status().code(), StatusCode::kInvalidArgument);
}

TEST(SharedRegionTest, SaysResourceExhaustedAndLeavesNothingWhenTheMachineIsFull) {
  TestName name;
  for (const std::uint64_t size : {std::uint64_t{1} << 50, ~std::uint64_t{0}}) {
    const Status status = SharedRegion::Create(name, size).status();
    EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status.ToString();
    EXPECT_THAT(status.message(), HasSubstr(name.str()));
    EXPECT_THAT(ListRegions(name), IsEmpty());
  }
}

TEST(SharedRegionTest, SaysNotFoundWhenThereIsNoSuchName) {
  TestName name;
  EXPECT_EQ(SharedRegion::Open(name, Access::kReadWrite).status().code(), StatusCode::kNotFound);
}

TEST(SharedRegionTest, RefusesARegionSmallerThanPromised) {
  TestName name;
  ASSERT_TRUE(SharedRegion::Create(name, 4096).ok());
  ASSERT_TRUE(SharedRegion::Open(name, Access::kReadOnly, 4096).ok());
  EXPECT_EQ(SharedRegion::Open(name, Access::kReadOnly, 4097).status().code(), StatusCode::kFailedPrecondition);
  ASSERT_EQ(truncate(("/dev/shm/" + name.str()).c_str(), 0), 0);
  EXPECT_EQ(SharedRegion::Open(name, Access::kReadOnly).status().code(), StatusCode::kFailedPrecondition);
}

TEST(SharedRegionTest, ListsTheNamesThatBeginWithAPrefixUntilTheyAreUnlinked) {
  TestName name;
  ASSERT_TRUE(SharedRegion::Create(name.str() + "-b", 1).ok());
  ASSERT_TRUE(SharedRegion::Create(name.str() + "-a", 1).ok());
  EXPECT_THAT(ListRegions(name), ElementsAre(name.str() + "-a", name.str() + "-b"));
  for (const auto& stale : ListRegions(name)) SharedRegion::Unlink(stale);
  EXPECT_THAT(ListRegions(name), IsEmpty());
}

TEST(SharedRegionTest, StaysMappedAfterItsNameIsGone) {
  TestName name;
  auto region = SharedRegion::Create(name, 4096);
  ASSERT_TRUE(region.ok());
  SharedRegion::Unlink(name);
  SharedRegion moved = *std::move(region);
  moved.data()[0] = std::byte{1};
  EXPECT_EQ(moved.data()[0], std::byte{1});
}

TEST(SharedRegionTest, IsNotInheritedByAForkedChild) {
  TestName name;
  auto region = SharedRegion::Create(name, 4096);
  ASSERT_TRUE(region.ok());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    unsigned char resident;
    const bool mapped = mincore(region->data(), 4096, &resident) == 0;
    _exit(mapped ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace troupe::ipc
