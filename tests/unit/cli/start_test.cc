#include <signal.h>

#include "cli_fixture.h"
#include "common/session_memory.h"

namespace troupe::cli {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

using StartTest = CliTest;

TEST_F(StartTest, StartsACluster_SaysWhatToDoNext_AndStopsIt) {
  ASSERT_EQ(Troupe({"start", "--head", "--num-cpus", "2", "--memory", "1GiB", "--resources", R"({"disk": 2})"}), kOk)
      << err_;
  const auto session = NewestSession();
  ASSERT_TRUE(session.ok());
  EXPECT_THAT(out_, HasSubstr("TROUPE_ADDRESS=" + session->head->address));
  EXPECT_THAT(out_, HasSubstr("troupe stop --session-dir " + session->dir));
  EXPECT_THAT(out_, HasSubstr(base_ + "/secret/token"));
  EXPECT_THAT(ReadText(session->dir + "/raylet.args"), HasSubstr("--memory\n1073741824\n"));
  ASSERT_EQ(Troupe({"stop"}), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("Stopped the cluster at " + session->head->address));
  EXPECT_FALSE(fs::exists(session->dir));
  ASSERT_EQ(Troupe({"stop"}), kOk) << "twice";
  EXPECT_THAT(out_, HasSubstr("nothing to stop"));
}

TEST_F(StartTest, PrintsJsonForPrograms) {
  ASSERT_EQ(Troupe({"start", "--head", "--json"}), kOk) << err_;
  EXPECT_EQ(Json()["address"], NewestSession()->head->address);
  EXPECT_EQ(Json()["head_pid"], NewestSession()->head->pid);
  const std::string dir = Json()["session_dir"];
  ASSERT_EQ(Troupe({"stop", "--session-dir", dir, "--keep", "--json"}), kOk);
  EXPECT_EQ(Json()["stopped"][0], dir);
  EXPECT_TRUE(fs::exists(dir));
}

TEST_F(StartTest, AddsANodeAndStopsEverything) {
  ASSERT_EQ(Troupe({"start", "--head"}), kOk) << err_;
  ASSERT_EQ(Troupe({"start", "--address", head_.address()}), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("has joined the cluster at " + head_.address()));
  ASSERT_EQ(AtHead({"start"}), kOk) << "TROUPE_ADDRESS names the head";
  ASSERT_EQ(Troupe({"stop", "--all", "--json"}), kOk) << err_;
  EXPECT_EQ(Json()["stopped"].size(), 3u);
  EXPECT_FALSE(NewestSession().ok());
}

TEST_F(StartTest, ChecksTheHeadBeforeItStartsANode) {
  EXPECT_EQ(Troupe({"start", "--address", "127.0.0.1:1"}), kUnreachable);
  EXPECT_THAT(err_, HasSubstr("cannot reach the head at 127.0.0.1:1"));
  const std::string other = WriteText(base_ + "/other", std::string(64, 'b'));
  fs::permissions(other, fs::perms(0600));
  EXPECT_EQ(Troupe({"start", "--address", head_.address(), "--token-file", other}), kRefused);
  test::FakeHead newer(rpc::kProtocolVersion + 1);
  EXPECT_EQ(Troupe({"start", "--address", newer.address()}), kRefused);
  EXPECT_THAT(err_, HasSubstr("protocol version"));
  EXPECT_TRUE(ListSessions(root_).empty());
}

TEST_F(StartTest, PassesOnWhyADaemonDidNotStart) {
  SetEnv("TROUPE_FAKE", "head-fails");
  EXPECT_EQ(Troupe({"start", "--head"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("troupe-head exited with status 1 before it was ready: port 6480 is in use"));
  SetEnv("TROUPE_FAKE", "raylet-fails");
  EXPECT_EQ(Troupe({"start", "--head"}), kFailed);
  SetEnv("TROUPE_FAKE", "head-refuses");
  EXPECT_EQ(Troupe({"start", "--head"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("no such host"));
  EXPECT_TRUE(ListSessions(root_).empty()) << "nothing is half started";
}

TEST_F(StartTest, ReusesAndCleansWithANote) {
  const std::string dir = base_ + "/own";
  ASSERT_EQ(Troupe({"start", "--head", "--session-dir", dir}), kOk) << err_;
  EXPECT_EQ(Troupe({"start", "--head", "--session-dir", dir}), kFailed);
  EXPECT_THAT(err_, HasSubstr("is in use"));
  const auto session = ReadSession(dir);
  kill(session->head->pid, SIGKILL);
  kill(session->node->pid, SIGKILL);
  WaitGone(session->head->pid, session->head_start, std::chrono::seconds(60));
  WaitGone(session->node->pid, session->node_start, std::chrono::seconds(60));
  ASSERT_EQ(Troupe({"start", "--head", "--session-dir", dir}), kOk) << err_;
  EXPECT_THAT(err_, HasSubstr("it is used again"));
  ASSERT_EQ(Troupe({"stop", "--session-dir", dir}), kOk);
  EXPECT_TRUE(fs::exists(dir));
  WriteText(root_ + "/session_dead/node.json", R"({"head":"h:1","pid":1})");
  ASSERT_EQ(Troupe({"start", "--head"}), kOk);
  EXPECT_THAT(err_, HasSubstr("removed " + root_ + "/session_dead"));
}

TEST_F(StartTest, StopRemovesTheSharedMemoryOfKilledNodes) {
  ASSERT_EQ(Troupe({"start", "--head"}), kOk) << err_;
  const auto session = NewestSession();
  ASSERT_TRUE(session.ok());
  kill(session->node->pid, SIGKILL);
  ASSERT_TRUE(WaitGone(session->node->pid, session->node_start, std::chrono::seconds(60)));
  WriteText(RayletLockPath(session->dir), "");
  const std::string name = WriteText("/dev/shm/" + RegionTag(session->dir) + "-ch-1", "x");
  ASSERT_EQ(Troupe({"stop"}), kOk) << err_;
  EXPECT_FALSE(fs::exists(name));

  const std::string dead = root_ + "/session_dead";
  WriteText(dead + "/node.json", R"({"head":"h:1","pid":1})");
  WriteText(RayletLockPath(dead), "");
  const std::string left = WriteText("/dev/shm/" + RegionTag(dead) + "-ch-1", "x");
  ASSERT_EQ(Troupe({"stop", "--session-dir", dead}), kOk) << err_;
  EXPECT_FALSE(fs::exists(left));
  WriteText(left, "x");
  ASSERT_EQ(Troupe({"stop"}), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("nothing to stop"));
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(StartTest, StaysInTheForegroundUntilASignal) {
  std::thread stops([] {
    Result<Session> session = NewestSession();
    while (!session.ok() || !session->node_alive()) {
      std::this_thread::yield();
      session = NewestSession();
    }
    kill(getpid(), SIGTERM);
  });
  EXPECT_EQ(Troupe({"start", "--head", "--block"}), kOk) << err_;
  stops.join();
  EXPECT_TRUE(ListSessions(root_).empty());
}

TEST_F(StartTest, SaysWhatIsWrongWithValues) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> cases = {
      {{}, "troupe start --head"},
      {{"--head", "--address", "h:1"}, "--address"},
      {{"--head", "--num-cpus", "-1"}, "CPU"},
      {{"--head", "--num-cpus", "many"}, "--num-cpus"},
      {{"--head", "--num-cpus", "1e300"}, "CPU"},
      {{"--head", "--resources", "{disk}"}, "not JSON"},
      {{"--head", "--resources", R"({"disk": -1})"}, "disk"},
      {{"--head", "--resources", R"({"disk": 1e300})"}, "disk"},
      {{"--head", "--labels", R"({"zone": 1})"}, "zone"},
      {{"--head", "--labels", R"({"a b": "x"})"}, "label 'a b'"},
      {{"--head", "--memory", "-5"}, "--memory"},
      {{"--head", "--object-store-memory", "9999999T"}, "--object-store-memory"},
      {{"--head", "--port", "70000"}, "70000 is not a port"},
      {{"--head", "--node-port", "x"}, "--node-port"},
      {{"--head", "--log-level", "loud"}, "--log-level"},
      {{"--address", "somewhere"}, "HOST:PORT"},
      {{"--address", "127.0.0.1:1", "--port", "5"}, "--node-port"},
  };
  for (const auto& [flags, part] : cases) {
    std::vector<std::string> arguments = {"start"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    EXPECT_EQ(Troupe(arguments), kUsage) << part;
    EXPECT_THAT(err_, HasSubstr(part));
  }
  EXPECT_TRUE(ListSessions(root_).empty());
  EXPECT_EQ(Troupe({"start", "--head", "--session-dir", "/proc/none"}), kFailed);
  EXPECT_EQ(Troupe({"stop", "--session-dir", base_ + "/none"}), kNotFound);
}

}  // namespace
}  // namespace troupe::cli
