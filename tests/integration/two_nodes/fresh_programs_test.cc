// Programs that the cluster has never seen: the nodes that lack them get them, many at once, and give them back.
#include <troupe/troupe.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/cluster_fixture.h"
#include "tests/integration/program.h"
#include "tests/integration/wait.h"

namespace fresh {

class Host {
 public:
  int Pid() const { return getpid(); }
};

}  // namespace fresh

TROUPE_ACTOR(fresh::Host, Pid);

namespace troupe::integration {
namespace {

namespace fs = std::filesystem;

int TaskPid() { return getpid(); }

// The first actors and tasks of a program, on every node.
int FirstSteps(const std::vector<std::string>&) {
  Init();
  std::vector<ActorHandle<fresh::Host>> actors;
  std::vector<ObjectRef<int>> pids;
  for (int i = 0; i < 3; ++i) actors.push_back(Spawn<fresh::Host>({.scheduling = Scheduling::Spread()}));
  for (int i = 0; i < 3; ++i) pids.push_back(troupe::Run<&TaskPid>({.scheduling = Scheduling::Spread()}));
  for (auto& actor : actors) pids.push_back(actor.Pid());
  for (int pid : Get(pids)) {
    if (pid <= 0) return 1;
  }
  return 0;
}
const bool kFirstSteps = RegisterRole("first steps", FirstSteps);

class FreshPrograms : public DriverTest {
 protected:
  static void SetUpTestSuite() {
    Join({SmallNode(), SmallNode(), SmallNode()});
    ASSERT_TRUE(Eventually([] { return ClusterResources()["CPU"] == 12; }));
  }
};

TEST_F(FreshPrograms, TheFirstActorsAndTasksOfEachAnswer) {
  const char* many = std::getenv("TROUPE_TEST_FRESH_PROGRAMS");
  const int count = many == nullptr ? 32 : std::atoi(many);
  constexpr std::size_t kAtOnce = 8;
  struct Copy {
    std::string path;
    Program program;
  };
  std::deque<Copy> running;
  int failed = 0;
  const auto finish_oldest = [&] {
    if (running.front().program.Wait() != 0) {
      ++failed;
      ADD_FAILURE() << running.front().path << ": " << running.front().program.Errors();
    }
    fs::remove(running.front().path);
    running.pop_front();
  };
  for (int i = 0; i < count; ++i) {
    if (running.size() == kAtOnce) finish_oldest();
    const std::string path = cluster().NewFile() + "-fresh";
    fs::copy_file("/proc/self/exe", path);
    running.push_back({path, Program({path, "--integration-role", "first steps"})});
  }
  while (!running.empty()) finish_oldest();
  EXPECT_EQ(failed, 0) << "of " << count;
}

std::uint64_t BytesIn(const std::string& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_regular_file(error)) bytes += it->file_size(error);
  }
  return error ? BytesIn(folder) : bytes;  // files went meanwhile
}

TEST(EndedPrograms, TakeNoMoreRoomThanTheyMayAndRunAgain) {
  const std::uint64_t kept = fs::file_size("/proc/self/exe") * 5 / 2;  // two of them
  setenv("TROUPE_KEEP_PROGRAM_BYTES", std::to_string(kept).c_str(), 1);
  Cluster cluster({SmallNode(), SmallNode()});
  unsetenv("TROUPE_KEEP_PROGRAM_BYTES");
  const auto run = [](const std::string& path) {
    Program program({path, "--integration-role", "first steps"});
    EXPECT_EQ(program.Wait(), 0) << path << ": " << program.Errors();
  };
  const std::string at_head = cluster.session(0).dir + "/packages";
  const std::string at_other_node = cluster.session(1).dir + "/programs";
  std::vector<std::string> paths;
  for (int i = 0; i < 6; ++i) {
    paths.push_back(cluster.NewFile() + "-fresh");
    fs::copy_file("/proc/self/exe", paths.back());
    run(paths.back());
    for (const std::string& folder : {at_head, at_other_node}) EXPECT_GT(BytesIn(folder), 0U) << folder;
  }
  for (const std::string& folder : {at_head, at_other_node}) {
    EXPECT_TRUE(Eventually([&] { return BytesIn(folder) <= kept; })) << BytesIn(folder) << " bytes in " << folder;
  }
  run(paths.front());
}

}  // namespace
}  // namespace troupe::integration
