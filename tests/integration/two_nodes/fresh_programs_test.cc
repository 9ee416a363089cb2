// Programs that the cluster has never seen, many at once: the nodes that lack them get them, and nothing is lost on it.
#include <troupe/troupe.h>
#include <unistd.h>

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

}  // namespace
}  // namespace troupe::integration
