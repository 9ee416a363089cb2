#include "common/local_cluster.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <unistd.h>

#include <limits>

#include "common/session_memory.h"
#include "session_fixture.h"
#include "troupe/ids.h"

namespace troupe {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class LocalClusterTest : public test::SessionTest {
 protected:
  // The folder of a session whose raylet was killed.
  std::string MakeDead(const std::string& dir) {
    WriteText(dir + "/node.json", R"({"head":"h:1","pid":1})");
    WriteText(RayletLockPath(dir), "");
    fs::permissions(dir, fs::perms(0700));
    return dir;
  }
  // A piece of shared memory of the session; its path.
  std::string MakeMemory(const std::string& dir) {
    return WriteText("/dev/shm/" + RegionTag(dir) + "-ch-" + Id64<struct TestTag>::Random().Hex(), "x");
  }
  int Entries(const std::string& dir) {
    return static_cast<int>(std::distance(fs::directory_iterator(dir), fs::directory_iterator()));
  }
};

TEST_F(LocalClusterTest, StartsAHeadWithANodeAndLeavesNothingAfterStop) {
  const auto cluster = StartCluster({.num_cpus = 2.5, .resources = {{"disk", 2}}, .labels = {{"zone", "a"}}});
  ASSERT_TRUE(cluster.ok()) << cluster.status().ToString();
  const Session& session = cluster->session;
  EXPECT_TRUE(session.head_alive() && session.node_alive());
  EXPECT_EQ(session.node->head, session.head->address);
  EXPECT_TRUE(cluster->chose_session_dir);
  const std::string args = ReadText(session.dir + "/raylet.args");
  EXPECT_THAT(args, HasSubstr("--num-cpus\n2.5\n"));
  EXPECT_THAT(args, HasSubstr("--resources\n{\"disk\":2.0}\n"));
  EXPECT_THAT(args, HasSubstr("--labels\n{\"zone\":\"a\"}\n"));
  EXPECT_THAT(args, HasSubstr("--head-node\n"));

  EXPECT_EQ(FindSession(session.head->address)->dir, session.dir);
  EXPECT_EQ(FindSession(session.dir)->dir, session.dir);
  EXPECT_EQ(NewestSession()->dir, session.dir);

  EXPECT_TRUE(cluster->Stop().ok());
  EXPECT_FALSE(fs::exists(session.dir));
  EXPECT_FALSE(ProcessStartTime(session.head->pid) == session.head_start);
  EXPECT_FALSE(ProcessStartTime(session.node->pid) == session.node_start);
  EXPECT_TRUE(cluster->Stop().ok()) << "stopping twice is fine";
}

TEST_F(LocalClusterTest, JoinsAHeadAndPrefersTheHeadsOwnNode) {
  const auto first = StartCluster({});
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  const std::string head = first->session.head->address;
  const auto second = StartCluster({.head_address = head});
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_FALSE(second->session.head);
  EXPECT_NE(second->session.dir, first->session.dir);
  EXPECT_THAT(ReadText(second->session.dir + "/raylet.args"), testing::Not(HasSubstr("--head-node")));
  EXPECT_EQ(FindSession(head)->dir, first->session.dir);
  EXPECT_TRUE(first->Stop().ok());
  EXPECT_EQ(FindSession(head)->dir, second->session.dir);
}

TEST_F(LocalClusterTest, StopsTheHeadWhenTheNodeDoesNotStart) {
  SetEnv("TROUPE_FAKE", "raylet-fails");
  const Status status = StartCluster({}).status();
  EXPECT_THAT(status.message(), HasSubstr("troupe-raylet exited with status 1 before it was ready: port 6480"));
  EXPECT_EQ(Entries(root_), 0);

  // In a folder that stays, so that the head can be looked for.
  const std::string dir = base_ + "/own";
  fs::create_directory(dir);
  fs::permissions(dir, fs::perms(0700));
  EXPECT_FALSE(StartCluster({.session_dir = dir}).ok());
  const auto session = ReadSession(dir);
  ASSERT_TRUE(session.ok());
  EXPECT_TRUE(session->head);
  EXPECT_FALSE(session->alive());
}

TEST_F(LocalClusterTest, StopsADaemonThatIsNotReadyInTime) {
  SetEnv("TROUPE_FAKE", "never-ready");
  const Status status = StartCluster({.ready_timeout = std::chrono::milliseconds(30)}).status();
  EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Entries(root_), 0);
}

TEST_F(LocalClusterTest, RefusesAFolderInUseAndReusesAStaleOne) {
  const std::string dir = base_ + "/own";
  const auto first = StartCluster({.session_dir = dir});
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(NewestSession()->dir, dir) << "a folder outside the root is found, too";
  const Status again = StartCluster({.session_dir = dir}).status();
  EXPECT_EQ(again.code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(again.message(), HasSubstr("troupe stop --session-dir " + dir));

  kill(first->session.head->pid, SIGKILL);
  kill(first->session.node->pid, SIGKILL);
  ASSERT_TRUE(WaitGone(first->session.head->pid, first->session.head_start, std::chrono::seconds(60)));
  ASSERT_TRUE(WaitGone(first->session.node->pid, first->session.node_start, std::chrono::seconds(60)));
  const auto second = StartCluster({.session_dir = dir});
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_TRUE(second->reused_stale_dir);
  EXPECT_FALSE(second->chose_session_dir);
  EXPECT_TRUE(second->Stop().ok());
  EXPECT_TRUE(fs::exists(dir));
}

TEST_F(LocalClusterTest, KeepsAFolderThatTheCallerNamed) {
  const std::string dir = base_ + "/new";
  const auto cluster = StartCluster({.session_dir = dir});
  ASSERT_TRUE(cluster.ok()) << cluster.status().ToString();
  EXPECT_TRUE(cluster->Stop().ok());
  EXPECT_TRUE(fs::exists(dir + "/logs")) << "the logs that a supervisor looks for";
}

TEST_F(LocalClusterTest, RefusesAValueThatADaemonRefuses) {
  SetEnv("TROUPE_FAKE", "head-refuses");
  const Status status = StartCluster({}).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("troupe-head exited with status 2 before it was ready: no such host"));
}

TEST_F(LocalClusterTest, RefusesANodeThatOtherMachinesCannotReach) {
  for (const char* bind : {"127.0.0.1", "localhost", "[::1]"}) {
    const Status status = StartCluster({.head_address = "10.0.0.1:6480", .bind = bind}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << bind;
    EXPECT_THAT(status.message(), HasSubstr("which the other machines of its cluster cannot reach"));
  }
}

TEST_F(LocalClusterTest, RemovesDeadSessionsAndNoOthers) {
  const auto alive = StartCluster({});
  ASSERT_TRUE(alive.ok()) << alive.status().ToString();
  WriteText(root_ + "/session_dead/node.json", R"({"head":"h:1","pid":1})");
  WriteText(base_ + "/own/node.json", R"({"head":"h:1","pid":1})");
  ASSERT_TRUE(LinkSession(root_, base_ + "/own").ok());
  fs::create_directory(root_ + "/session_starting");
  EXPECT_THAT(RemoveDeadSessions(root_), testing::ElementsAre(root_ + "/session_dead"));
  EXPECT_TRUE(fs::exists(alive->session.dir));
  EXPECT_TRUE(fs::exists(base_ + "/own"));
  EXPECT_TRUE(fs::exists(root_ + "/session_starting"));
}

TEST_F(LocalClusterTest, RemovesTheSharedMemoryOfADeadSessionAndNoOther) {
  const std::string named = MakeMemory(MakeDead(root_ + "/session_dead"));
  const std::string linked = MakeMemory(MakeDead(base_ + "/own"));
  ASSERT_TRUE(LinkSession(root_, base_ + "/own").ok());
  const std::string other = RegionTag(root_ + "/session_dead") + "0-store-1";
  WriteText("/dev/shm/" + other, "x");
  EXPECT_THAT(RemoveDeadSessions(root_), testing::ElementsAre(root_ + "/session_dead"));
  EXPECT_FALSE(fs::exists(named));
  EXPECT_FALSE(fs::exists(linked));
  EXPECT_TRUE(fs::exists(base_ + "/own"));
  EXPECT_TRUE(fs::remove("/dev/shm/" + other));
}

TEST_F(LocalClusterTest, StopAndStartRemoveTheSharedMemoryOfAKilledRayletButNotOfOneThatRuns) {
  const std::string dir = MakeDead(base_ + "/own");
  std::string name = MakeMemory(dir);
  EXPECT_TRUE(StopSession(*ReadSession(dir), std::chrono::seconds(60)).ok());
  EXPECT_FALSE(fs::exists(name));

  name = MakeMemory(dir);
  const auto started = StartCluster({.session_dir = dir});
  ASSERT_TRUE(started.ok()) << started.status().ToString();
  EXPECT_FALSE(fs::exists(name));
  EXPECT_TRUE(started->Stop().ok());

  name = MakeMemory(dir);
  const int lock = open(RayletLockPath(dir).c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(lock, LOCK_EX | LOCK_NB), 0);
  RemoveSessionMemory(dir);
  EXPECT_TRUE(fs::exists(name)) << "the raylet that holds the lock uses it";
  close(lock);
  RemoveSessionMemory(dir);
  EXPECT_FALSE(fs::exists(name));
}

TEST(RegionTagTest, IsTheSameForTheSameFolderOnly) {
  EXPECT_EQ(RegionTag("/a"), RegionTag("/a"));
  EXPECT_NE(RegionTag("/a"), RegionTag("/b"));
  EXPECT_EQ(RegionTag("/a").size(), std::string("troupe-").size() + 12);
}

TEST_F(LocalClusterTest, RefusesImpossibleValuesBeforeAnythingIsMade) {
  const double huge = 1e300;
  const std::vector<std::pair<ClusterOptions, const char*>> cases = {
      {{.num_cpus = -1}, "CPU"},
      {{.num_gpus = std::numeric_limits<double>::infinity()}, "GPU"},
      {{.resources = {{"disk", -2}}}, "disk"},
      {{.resources = {{"disk", huge}}}, "disk"},
      {{.resources = {{"", 1}}}, "resource"},
      {{.resources = {{"CPU", 1}}}, "option of its own"},
      {{.head_port = 70'000}, "70000"},
      {{.node_port = -1}, "-1"},
      {{.head_address = "somewhere"}, "HOST:PORT"},
  };
  for (const auto& [options, part] : cases) {
    const Status status = StartCluster(options).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << part;
    EXPECT_THAT(status.message(), HasSubstr(part));
  }
  EXPECT_FALSE(fs::exists(root_));
}

TEST_F(LocalClusterTest, DoesNotMakeATokenToJoinWith) {
  const Status status = StartCluster({.head_address = "127.0.0.1:1"}).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("copy it from the machine of the head"));
}

TEST_F(LocalClusterTest, SaysWhyASessionFolderCannotBeUsed) {
  fs::create_directory(base_ + "/open");
  fs::permissions(base_ + "/open", fs::perms(0755));
  EXPECT_THAT(StartCluster({.session_dir = base_ + "/open"}).status().message(), HasSubstr("chmod 700"));
  const std::string file = WriteText(base_ + "/file", "");
  EXPECT_FALSE(StartCluster({.session_dir = file + "/below"}).ok());
  EXPECT_FALSE(StartCluster({.session_dir = "/proc/no-such"}).ok());
}

}  // namespace
}  // namespace troupe
