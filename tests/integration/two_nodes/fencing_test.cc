// A node that is cut off from the head: nothing of it may answer once what it hosted has begun elsewhere.
#include <signal.h>
#include <time.h>
#include <troupe/troupe.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/cluster_fixture.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"
#include "tests/integration/wait.h"

namespace fencing {

// Writes "name holder time" for its birth and for each call that it answers. A holder is one process.
class Holder {
 public:
  Holder(std::string file, std::string name) : file_(std::move(file)), name_(std::move(name)) { Note(); }
  int Pid() const {
    Note();
    return getpid();
  }

 private:
  void Note() const {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    const std::int64_t time = now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
    std::ofstream(file_, std::ios::app) << name_ + " " + std::to_string(getpid()) + " " + std::to_string(time) + "\n";
  }

  std::string file_;
  std::string name_;
};

}  // namespace fencing

TROUPE_ACTOR(fencing::Holder, Pid);

namespace troupe::integration {
namespace {

using namespace std::chrono_literals;
using fencing::Holder;

constexpr const char* kNameSpace = "fencing";

Scheduling At(std::size_t node) {
  return Scheduling::OnNode(NodeId::FromHex(DriverTest::cluster().node_id(node)).value(), /*soft=*/true);
}

// A driver on the node that is cut off: calls the actors for as long as anybody answers, past raylet and head.
int CallForEver(const std::vector<std::string>& names) {
  Init();
  std::vector<ActorHandle<Holder>> actors;
  for (const std::string& name : names) actors.push_back(GetActor<Holder>(name, kNameSpace));
  for (auto& actor : actors) (void)actor.Pid().Get();
  std::printf("calling\n");
  std::fflush(stdout);
  for (;;) {
    for (auto& actor : actors) (void)actor.Pid().TryGet(1ms);
  }
}
const bool kCallForEver = RegisterRole("call for ever", CallForEver);

struct Note {
  std::string holder;
  std::int64_t time = 0;
};

std::map<std::string, std::vector<Note>> Read(const std::string& file) {
  std::map<std::string, std::vector<Note>> notes;
  std::ifstream lines(file);
  std::string name;
  for (Note note; lines >> name >> note.holder >> note.time;) notes[name].push_back(note);
  return notes;
}

// Each holder of `name` is born after the last answer of the one before.
void ExpectOneHolderAtATime(const std::string& name, const std::vector<Note>& notes) {
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> lives;
  for (const Note& note : notes) {
    auto [life, born] = lives.try_emplace(note.holder, note.time, note.time);
    life->second.first = std::min(life->second.first, note.time);
    life->second.second = std::max(life->second.second, note.time);
  }
  ASSERT_EQ(lives.size(), 2U) << name;
  for (const auto& [holder, life] : lives) {
    for (const auto& [other, later] : lives) {
      if (later.first <= life.first) continue;
      EXPECT_LT(life.second, later.first)
          << name << ": " << holder << " answered " << (life.second - later.first) / 1'000'000 << " ms after " << other
          << " was born";
    }
  }
}

class Fencing : public DriverTest {
 protected:
  static void SetUpTestSuite() {
    Join({SmallNode(2), SmallNode(2)});
    ASSERT_TRUE(Eventually([] { return ClusterResources()["CPU"] == 4; }));
  }
};

TEST_F(Fencing, ANodeWhoseRayletIsStoppedEndsItsActorsBeforeTheyBeginElsewhere) {
  const std::string file = cluster().NewFile();
  const auto spawn = [&](const std::string& name, std::size_t node) {
    return Spawn<Holder>({.name = name,
                          .name_space = kNameSpace,
                          .lifetime = Lifetime::kDetached,
                          .scheduling = At(node),
                          .max_restarts = name == "moves" ? -1 : 0},
                         file, name);
  };
  auto moves = spawn("moves", 1);
  auto killed = spawn("killed", 1);
  const int old_pids[] = {moves.Pid().Get(kDeadline), killed.Pid().Get(kDeadline)};
  Program caller =
      Program::OfRole("call for ever", {"moves", "killed"}, {{"TROUPE_ADDRESS", cluster().session(1).dir}});
  ASSERT_TRUE(caller.WaitForOutput("calling")) << caller.Errors();

  const pid_t raylet = cluster().session(1).node->pid;
  ASSERT_EQ(kill(raylet, SIGSTOP), 0);
  Kill(killed);
  std::optional<ActorHandle<Holder>> next;
  EXPECT_TRUE(Eventually([&] {
    try {
      next = spawn("killed", 0);
    } catch (const Error&) {  // the name is taken still
      return false;
    }
    return true;
  }));
  ASSERT_TRUE(next);
  EXPECT_NE(next->Pid().Get(kDeadline), old_pids[1]);
  EXPECT_TRUE(Eventually([&] {
    const auto answer = GetActor<Holder>("moves", kNameSpace).Pid().TryGet(1s);
    return answer.has_value() && *answer != old_pids[0];
  }));
  const auto gone = [](int pid) { return !IsRunning(pid); };
  EXPECT_TRUE(gone(old_pids[0]) && gone(old_pids[1])) << "without their raylet, which is stopped still";
  ASSERT_EQ(kill(raylet, SIGCONT), 0);
  EXPECT_TRUE(WaitGone(raylet)) << "it is told that it was declared dead";
  for (const auto& [name, notes] : Read(file)) ExpectOneHolderAtATime(name, notes);
}

}  // namespace
}  // namespace troupe::integration
