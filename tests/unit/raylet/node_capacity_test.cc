#include "raylet/leases/node_capacity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "raylet/session_files.h"

namespace troupe::raylet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Machine TestMachine() {
  return {.cpus = 8,
          .gpus = 2,
          .available_memory = 100ULL << 30,
          .shared_memory = 50ULL << 30,
          .free_shared_memory = 20ULL << 30};
}

TEST(NodeCapacityTest, TakesFromTheMachineWhatIsNotGiven) {
  const auto capacity = DecideCapacity({}, TestMachine());
  ASSERT_TRUE(capacity.ok());
  EXPECT_EQ(capacity->resources.Amount(kCpu), 8);
  EXPECT_EQ(capacity->resources.Amount(kGpu), 2);
  EXPECT_NEAR(capacity->resources.Amount(kMemory), 70.0 * (1ULL << 30), 100);
  EXPECT_EQ(capacity->store, (20ULL << 30) - (256ULL << 20)) << "no more than is free, less room for channels";
  Machine large = TestMachine();
  large.available_memory = 1ULL << 40;
  large.free_shared_memory = 1ULL << 40;
  EXPECT_EQ(DecideCapacity({}, large)->store, 64ULL << 30);
}

TEST(NodeCapacityTest, TakesNoMoreThanItsControlGroupHas) {
  Machine machine = TestMachine();
  machine.cgroup = {.memory = 4ULL << 30, .available_memory = 2ULL << 30, .cpus = 1.25};
  const auto capacity = DecideCapacity({}, machine);
  ASSERT_TRUE(capacity.ok());
  EXPECT_EQ(capacity->resources.Amount(kCpu), 2) << "rounded up, for tasks need whole ones";
  EXPECT_NEAR(capacity->resources.Amount(kMemory), 1.4 * (1ULL << 30), 100);
  EXPECT_NEAR(static_cast<double>(capacity->store), 0.6 * (1ULL << 30), 100);
  EXPECT_THAT(capacity->limits,
              UnorderedElementsAre("CPUs: 2, as its control group has the time of 1.25",
                                   "memory: 2048 MiB available of the 4096 MiB that its control group may use"));
  machine.cgroup.cpus = 7.5;
  EXPECT_THAT(DecideCapacity({}, machine)->limits, ElementsAre(HasSubstr("memory: "))) << "all eight, then";
  machine.cgroup.cpus = 0.05;
  EXPECT_EQ(DecideCapacity({}, machine)->resources.Amount(kCpu), 1);
  machine.cgroup = {.memory = 1ULL << 40, .available_memory = 1ULL << 40, .cpus = 64};
  EXPECT_EQ(DecideCapacity({}, machine)->resources.Amount(kCpu), 8) << "the machine has less";
  EXPECT_NEAR(DecideCapacity({}, machine)->resources.Amount(kMemory), 70.0 * (1ULL << 30), 100);
}

TEST(NodeCapacityTest, SaysNothingOfLimitsThatAFlagOverrides) {
  Machine machine = TestMachine();
  machine.online_cpus = 16;
  machine.cgroup = {.memory = 4ULL << 30, .available_memory = 2ULL << 30, .cpus = 1.25};
  CapacityFlags flags{.num_cpus = 3, .memory = 1 << 30, .object_store_memory = 1 << 30};
  EXPECT_THAT(DecideCapacity(flags, machine)->limits, IsEmpty());
  machine.cgroup = {};
  EXPECT_THAT(DecideCapacity({}, machine)->limits[0], HasSubstr("CPUs: 8 of 16"));
  flags.object_store_memory = 5ULL << 30;
  machine.cgroup.memory = 4ULL << 30;
  const Status refused = DecideCapacity(flags, machine).status();
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.message(), HasSubstr("the control group of this process allows it only 4294967296"));
}

TEST(NodeCapacityTest, ASmallSharedMemoryIsSharedWithChannels) {
  Machine container = TestMachine();
  container.shared_memory = container.free_shared_memory = 64ULL << 20;
  const auto capacity = DecideCapacity({}, container);
  ASSERT_TRUE(capacity.ok());
  EXPECT_EQ(capacity->store, 48ULL << 20);
  EXPECT_THAT(capacity->limits,
              ElementsAre(HasSubstr("object store: 48 MiB, as /dev/shm has 64 MiB free of 64 MiB (docker run")));
}

TEST(NodeCapacityTest, TakesWhatIsGiven) {
  CapacityFlags flags;
  flags.num_cpus = 0.5;
  flags.num_gpus = 0;
  flags.object_store_memory = 1 << 20;
  flags.resources = R"({"disk": 1.5})";
  flags.labels = R"({"zone": "a"})";
  const auto capacity = DecideCapacity(flags, TestMachine());
  ASSERT_TRUE(capacity.ok());
  EXPECT_EQ(capacity->resources.Amount(kCpu), 0.5);
  EXPECT_EQ(capacity->resources.Amount(kGpu), 0);
  EXPECT_EQ(capacity->resources.Amount("disk"), 1.5);
  EXPECT_EQ(capacity->store, 1U << 20);
  EXPECT_EQ(capacity->labels.at("zone"), "a");
}

TEST(NodeCapacityTest, NamesTheFlagThatMakesNoSense) {
  struct Case {
    CapacityFlags flags;
    const char* message;
  };
  const Case cases[] = {
      {{.num_cpus = -1}, "CPU"},
      {{.num_gpus = 1.5}, "--num-gpus"},
      {{.object_store_memory = 1}, "--object-store-memory"},
      {{.object_store_memory = 60ULL << 30}, "/dev/shm"},
      {{.resources = "[1]"}, "--resources"},
      {{.resources = "{"}, "--resources"},
      {{.resources = R"({"disk": "two"})"}, "--resources"},
      {{.resources = R"({"CPU": 2})"}, "--num-cpus"},
      {{.resources = R"({"a b": 2})"}, "a b"},
      {{.labels = R"({"zone": 1})"}, "--labels"},
  };
  for (const Case& test : cases) {
    const auto capacity = DecideCapacity(test.flags, TestMachine());
    ASSERT_FALSE(capacity.ok()) << test.message;
    EXPECT_EQ(capacity.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(capacity.status().message(), HasSubstr(test.message));
  }
}

TEST(NodeCapacityTest, ReadsThisMachine) {
  const auto machine = LookAtMachine();
  ASSERT_TRUE(machine.ok());
  EXPECT_GT(machine->cpus, 0U);
  EXPECT_GT(machine->available_memory, 0U);
  EXPECT_GT(machine->shared_memory, 0U);
}

class SessionFilesTest : public ::testing::Test {
 protected:
  SessionFilesTest() {
    char name[] = "/tmp/troupe-session-test-XXXXXX";
    dir_ = ::mkdtemp(name);
  }
  ~SessionFilesTest() override { std::filesystem::remove_all(dir_); }

  std::string dir_;
};

TEST_F(SessionFilesTest, OneRayletPerFolder) {
  {
    const auto lock = SessionLock::Take(dir_);
    ASSERT_TRUE(lock.ok());
    EXPECT_EQ(SessionLock::Take(dir_).status().code(), StatusCode::kAlreadyExists);
    EXPECT_TRUE(std::filesystem::is_directory(dir_ + "/logs"));
  }
  EXPECT_TRUE(SessionLock::Take(dir_).ok());
}

TEST_F(SessionFilesTest, WaitsForTheLockThatAKilledRayletsChildStillHolds) {
  auto first = SessionLock::Take(dir_);
  ASSERT_TRUE(first.ok());
  const pid_t child = ::fork();  // between fork and exec: it has a copy of the descriptor
  if (child == 0) {
    ::poll(nullptr, 0, 20);
    ::_exit(0);
  }
  first = NotFound("the raylet is gone");
  EXPECT_TRUE(SessionLock::Take(dir_).ok());
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST_F(SessionFilesTest, RefusesAFolderThatOthersMayEnter) {
  ::chmod(dir_.c_str(), 0755);
  const auto lock = SessionLock::Take(dir_);
  ASSERT_FALSE(lock.ok());
  EXPECT_THAT(lock.status().message(), HasSubstr("chmod 700"));
  EXPECT_FALSE(SessionLock::Take(dir_ + "/none").ok());
}

TEST_F(SessionFilesTest, WritesWhatReadSessionReads) {
  ASSERT_TRUE(WriteNodeFile(dir_, {.node_id = "ab",
                                   .address = "127.0.0.1:1",
                                   .head = "127.0.0.1:2",
                                   .pid = 3,
                                   .socket = dir_ + "/raylet.sock",
                                   .cluster_id = "cd",
                                   .version = "0.1.0",
                                   .limits = {"CPUs: 1"}})
                  .ok());
  const auto session = ReadSession(dir_);
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE(session->node);
  EXPECT_EQ(session->node->head, "127.0.0.1:2");
  EXPECT_EQ(session->node->pid, 3);
  EXPECT_THAT(session->node->limits, ElementsAre("CPUs: 1"));
  RemoveNodeFile(dir_);
  EXPECT_FALSE(ReadSession(dir_)->node);
}

}  // namespace
}  // namespace troupe::raylet
