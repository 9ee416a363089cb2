// What workers start ends with them, however they end; and what is left of a raylet that was killed.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <troupe/troupe.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "common/daemon.h"
#include "common/session.h"
#include "tests/integration/process/own_cluster.h"
#include "tests/integration/processes.h"
#include "tests/integration/wait.h"

namespace children {

// The id of a process that runs `body`, in a session of its own when it is to be a daemon.
int Bear(bool daemon, const std::function<void()>& body) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  const pid_t first = fork();
  if (first == 0) {
    if (daemon) {
      setsid();
      if (fork() != 0) _exit(0);
    }
    const int self = getpid();
    (void)!write(ends[1], &self, sizeof self);
    close(ends[1]);
    body();
    _exit(1);
  }
  close(ends[1]);
  int pid = 0;
  (void)!read(ends[0], &pid, sizeof pid);
  close(ends[0]);
  if (daemon) waitpid(first, nullptr, 0);
  return pid;
}

class Mother {
 public:
  // A fork and a program, each in the worker's process group and as a daemon; and one with children of its own.
  std::vector<int> BearAll() {
    const auto wait = [] {
      for (;;) pause();
    };
    const auto program = [] { execlp("sleep", "sleep", "4242", nullptr); };
    const auto family = [] { execlp("sh", "sh", "-c", "setsid sleep 4242 & wait", nullptr); };
    return {Bear(false, wait), Bear(true, wait), Bear(false, program), Bear(true, program), Bear(true, family)};
  }
  int BearFree() {
    return Bear(true, [] { execlp("env", "env", "-u", "TROUPE_OWNER", "sleep", "4242", nullptr); });
  }
  int Pid() { return getpid(); }
  void Leave() { troupe::ExitActor(); }
  void Exit() { std::exit(5); }
  void Crash() { raise(SIGSEGV); }
  void Note(const std::string& file) { std::ofstream(file) << "ran\n"; }
};

}  // namespace children

using children::Mother;
TROUPE_ACTOR(Mother, BearAll, BearFree, Pid, Leave, Exit, Crash, Note);

namespace troupe::integration {
namespace {

using namespace std::chrono_literals;

bool AllGone(const std::vector<int>& pids) {
  return Eventually(
      [&] {
        for (const int pid : pids) {
          if (IsRunning(pid)) return false;
        }
        return true;
      },
      10s);
}

// "10 11 12" after `label` on a line of `text`.
std::vector<int> PidsIn(const std::string& text, const std::string& label) {
  std::vector<int> pids;
  const std::size_t at = text.find(label);
  if (at == std::string::npos) return pids;
  std::istringstream line(text.substr(at + label.size(), text.find('\n', at) - at - label.size()));
  for (int pid = 0; line >> pid;) pids.push_back(pid);
  return pids;
}

void PrintPids(const char* label, const std::vector<int>& pids) {
  std::printf("%s", label);
  for (const int pid : pids) std::printf(" %d", pid);
  std::printf("\n");
  std::fflush(stdout);
}

int EndMothers(const std::vector<std::string>&) {
  Init();
  const std::vector<std::pair<const char*, std::function<void(ActorHandle<Mother>&, int)>>> ways = {
      {"kill", [](auto& mother, int) { Kill(mother); }},
      {"signal", [](auto&, int pid) { kill(pid, SIGKILL); }},
      {"crash", [](auto& mother, int) { (void)mother.Crash().TryGet(); }},
      {"exit", [](auto& mother, int) { (void)mother.Exit().TryGet(); }},
      {"leave", [](auto& mother, int) { (void)mother.Leave().TryGet(); }},
      {"drop", [](auto& mother, int) { mother = {}; }},
  };
  for (const auto& [name, end] : ways) {
    auto mother = Spawn<Mother>();
    const std::vector<int> pids = mother.BearAll().Get(20s);
    int alive = 0;
    for (const int pid : pids) alive += IsRunning(pid);
    end(mother, mother.Pid().Get(20s));
    std::printf("%s: %d, %s\n", name, alive, AllGone(pids) ? "all gone" : "left");
  }
  return 0;
}
const bool kEndMothers = RegisterRole("end-mothers", EndMothers);

TEST_F(OwnCluster, EndsTheChildrenOfAnActorHoweverItEnds) {
  Program driver = Drive("end-mothers");
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  EXPECT_EQ(driver.Output(),
            "kill: 5, all gone\nsignal: 5, all gone\ncrash: 5, all gone\nexit: 5, all gone\nleave: 5, all gone\n"
            "drop: 5, all gone\n");
}

// A worker that is not forked: threads before Init.
int EndMothersByExec(const std::vector<std::string>& arguments) {
  std::thread idle([] { pause(); });
  idle.detach();
  return EndMothers(arguments);
}
const bool kEndMothersByExec = RegisterRole("end-mothers-by-exec", EndMothersByExec, /*before_init=*/true);

TEST_F(OwnCluster, EndsTheChildrenOfAnActorInAWorkerOfItsOwnExec) {
  Program driver = Drive("end-mothers-by-exec");
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  EXPECT_NE(driver.Output().find("drop: 5, all gone"), std::string::npos) << driver.Output();
  EXPECT_EQ(driver.Output().find("left"), std::string::npos) << driver.Output();
}

int KeepMother(const std::vector<std::string>& arguments) {
  // The system sends it, and SIGCONT, to a stopped worker whose template is gone: it must end by itself.
  signal(SIGHUP, SIG_IGN);
  Init();
  auto mother = Spawn<Mother>();
  auto other = Spawn<Mother>();
  PrintPids("workers:", {mother.Pid().Get(20s), other.Pid().Get(20s)});
  PrintPids("children:", mother.BearAll().Get(20s));
  std::puts("ready");
  std::fflush(stdout);
  if (!arguments.empty()) {
    // Until the test has stopped both.
    while (access(arguments[0].c_str(), F_OK) != 0) usleep(1000);
    auto note = mother.Note(arguments[1]);
    std::puts("called");
    std::fflush(stdout);
    const auto result = note.TryGet();
    std::printf("over: %s\n", result ? "answered" : "failed");
    std::fflush(stdout);
  }
  pause();
  return 0;
}
const bool kKeepMother = RegisterRole("keep-mother", KeepMother, /*before_init=*/true);

Session OnlySession(const std::string& root) {
  const std::vector<Session> sessions = ListSessions(root + "/s");
  if (sessions.size() != 1 || !sessions[0].node) std::abort();
  return sessions[0];
}

pid_t GuardOf(const Session& session) {
  for (const auto& [pid, command] : AllProcesses()) {
    if (command.starts_with("troupe-guard " + session.node->node_id)) return pid;
  }
  return 0;
}

TEST_F(OwnCluster, EndsWorkersAndTheirChildrenWithADriverThatIsKilled) {
  Program driver = Drive("keep-mother");
  ASSERT_TRUE(driver.WaitForOutput("ready")) << driver.Errors();
  const std::vector<int> children = PidsIn(driver.Output(), "children:");
  ASSERT_EQ(children.size(), 5u);
  driver.Signal(SIGKILL);
  EXPECT_TRUE(AllGone(children));
}

TEST_F(OwnCluster, EndsStoppedWorkersAndChildrenWithARayletThatIsKilled) {
  Program driver = Drive("keep-mother");
  ASSERT_TRUE(driver.WaitForOutput("ready")) << driver.Errors();
  const std::vector<int> children = PidsIn(driver.Output(), "children:");
  const std::vector<int> workers = PidsIn(driver.Output(), "workers:");
  ASSERT_EQ(children.size(), 5u);
  ASSERT_EQ(workers.size(), 2u);
  ASSERT_EQ(kill(workers[0], SIGSTOP), 0);
  ASSERT_EQ(kill(OnlySession(root()).node->pid, SIGKILL), 0);
  EXPECT_TRUE(AllGone(children));
  EXPECT_TRUE(AllGone(workers));
}

// The guard is killed, too: nobody is left who could end the workers. The system continues them as soon as their
// template is gone, which ends because the raylet has.
TEST_F(OwnCluster, StoppedWorkersStartNoCallOnceTheRayletIsGoneAndStopEndsTheirChildren) {
  const std::string go = root() + "/go";
  const std::string ran = root() + "/ran";
  Program driver = Drive("keep-mother", {go, ran});
  ASSERT_TRUE(driver.WaitForOutput("ready")) << driver.Errors();
  const std::vector<int> workers = PidsIn(driver.Output(), "workers:");
  const std::vector<int> children = PidsIn(driver.Output(), "children:");
  ASSERT_EQ(workers.size(), 2u);
  const Session session = OnlySession(root());
  const pid_t guard = GuardOf(session);
  ASSERT_GT(guard, 0);
  for (const int worker : workers) ASSERT_EQ(kill(worker, SIGSTOP), 0);
  std::ofstream(go) << "";
  ASSERT_TRUE(driver.WaitForOutput("called")) << driver.Errors();
  kill(guard, SIGKILL);
  ASSERT_TRUE(WaitGone(guard));
  kill(session.node->pid, SIGKILL);
  ASSERT_TRUE(driver.WaitForOutput("over: failed")) << driver.Output() << driver.Errors();
  EXPECT_TRUE(AllGone(workers));
  EXPECT_NE(access(ran.c_str(), F_OK), 0) << "the call that waited ran";

  EXPECT_TRUE(IsRunning(children[1]));
  Program stop({*FindProgram("troupe"), "stop", "--all"}, {{"TROUPE_SESSION_ROOT", root() + "/s"}});
  EXPECT_EQ(stop.Wait(), 0) << stop.Errors();
  EXPECT_TRUE(AllGone(children));
}

int FreeChild(const std::vector<std::string>&) {
  Init();
  auto mother = Spawn<Mother>();
  const int child = mother.BearFree().Get(20s);
  // Until env(1), which takes the mark out, has executed the program.
  if (!Eventually([child] { return AllProcesses()[child].starts_with("sleep"); })) return 1;
  const int worker = mother.Pid().Get(20s);
  Kill(mother);
  AllGone({worker});
  std::printf("child: %d\n", child);
  return 0;
}
const bool kFreeChild = RegisterRole("free-child", FreeChild);

TEST_F(OwnCluster, LetsADaemonGoThatBearsNoMark) {
  Program driver = Drive("free-child");
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  const std::vector<int> child = PidsIn(driver.Output(), "child:");
  ASSERT_EQ(child.size(), 1u);
  EXPECT_TRUE(IsRunning(child[0]));
  kill(child[0], SIGKILL);
}

}  // namespace
}  // namespace troupe::integration
