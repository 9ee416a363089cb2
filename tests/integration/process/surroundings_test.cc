// What a program may have done to its process before and after Init: threads, signals, descriptors, locale, forks.
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <troupe/troupe.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/process/own_cluster.h"
#include "tests/integration/processes.h"
#include "tests/integration/wait.h"

namespace surroundings {

using namespace std::chrono_literals;

// For each thread of this process but the calling one, whether it blocks `signal`; from /proc.
std::vector<bool> OthersBlock(int signal) {
  std::vector<bool> blocks;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == std::to_string(gettid())) continue;
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (!line.starts_with("SigBlk:")) continue;
      blocks.push_back((std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0);
    }
  }
  return blocks;
}

std::string ThreadsThatTake(const std::vector<int>& signals) {
  std::string text;
  for (const int signal : signals) {
    const std::vector<bool> blocks = OthersBlock(signal);
    if (blocks.size() < 2) text += "no threads of the library; ";
    for (const bool blocked : blocks) {
      if (!blocked) text += strsignal(signal) + std::string(" can go to a thread of the library; ");
    }
  }
  return text;
}

class Probe {
 public:
  int One() { return 1; }
  std::string Big(int size) { return std::string(static_cast<std::size_t>(size), 'b'); }
  std::string Threads() { return ThreadsThatTake({SIGTERM, SIGCHLD, SIGUSR1, SIGRTMIN + 1}); }
  int System(const std::string& command) {
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : status;
  }
  void Die(int signal) {
    kill(getpid(), signal);
    pause();
  }
  // As event loops do that watch children.
  int ChildrenSeen(int count) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, nullptr);
    const int fd = signalfd(-1, &child, SFD_CLOEXEC);
    int seen = 0;
    for (int i = 0; i < count; ++i) {
      const pid_t pid = fork();
      if (pid == 0) _exit(0);
      signalfd_siginfo info;
      if (read(fd, &info, sizeof info) == sizeof info) ++seen;
      waitpid(pid, nullptr, 0);
    }
    close(fd);
    return seen;
  }
  void Print(const std::string& text) { (void)!write(STDOUT_FILENO, text.data(), text.size()); }
  // A fork that comes back from the method.
  int ForkAndReturn() {
    const pid_t pid = fork();
    if (pid == 0) return -1;
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
  }
};

// What the child that `body` runs in exits with; -1 when it does not end, -2 when a signal ends it.
template <class Body>
int InFork(const Body& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    body();
    std::exit(0);
  }
  int status = 0;
  if (!troupe::integration::Eventually([&] { return waitpid(pid, &status, WNOHANG) == pid; }, 10s)) {
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

}  // namespace surroundings

using surroundings::Probe;
TROUPE_ACTOR(Probe, One, Big, Threads, System, Die, ChildrenSeen, Print, ForkAndReturn);

namespace troupe::integration {
namespace {

using namespace std::chrono_literals;
using surroundings::InFork;

// --- Threads and signals ---------------------------------------------------------------------------------------------

int InitInAThread(const std::vector<std::string>&) {
  std::thread([] { Init(); }).join();
  std::this_thread::sleep_for(300ms);  // as long as daemons that end with the thread need for it
  std::printf("one: %d\n", Spawn<Probe>({.name = "probe"}).One().Get(20s));  // a name needs the head
  return 0;
}
const bool kInitInAThread = RegisterRole("init-in-a-thread", InitInAThread);

TEST_F(OwnCluster, OutlivesTheThreadThatCalledInit) {
  Program driver = Drive("init-in-a-thread");
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  EXPECT_EQ(driver.Output(), "one: 1\n");
}

int WaitToBeKilled(const std::vector<std::string>&) {
  Init();
  Spawn<Probe>().One().Get(20s);
  std::puts("ready");
  std::fflush(stdout);
  pause();
  return 0;
}
const bool kWaitToBeKilled = RegisterRole("wait-to-be-killed", WaitToBeKilled);

// That nothing is left is checked at the end of every test.
TEST_F(OwnCluster, EndsWithADriverThatIsKilled) {
  Program driver = Drive("wait-to-be-killed");
  ASSERT_TRUE(driver.WaitForOutput("ready")) << driver.Errors();
  driver.Signal(SIGKILL);
  EXPECT_EQ(driver.Wait(), 128 + SIGKILL);
}

int TakeSignals(const std::vector<std::string>&) {
  Init();
  auto probe = Spawn<Probe>();
  std::printf("worker: %s\n", probe.Threads().Get(20s).c_str());
  std::printf("driver: %s\n", surroundings::ThreadsThatTake({SIGTERM, SIGCHLD, SIGUSR1, SIGRTMIN + 1}).c_str());
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, nullptr);
  kill(getpid(), SIGTERM);
  const timespec limit{.tv_sec = 10, .tv_nsec = 0};
  std::printf("sigwait: %d\n", sigtimedwait(&term, nullptr, &limit));
  std::printf("children seen: %d\n", probe.ChildrenSeen(20).Get(20s));
  return 0;
}
const bool kTakeSignals = RegisterRole("take-signals", TakeSignals);

TEST_F(OwnCluster, LeavesSignalsToTheThreadsOfTheProgram) {
  Program driver = Drive("take-signals");
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  EXPECT_EQ(driver.Output(), "worker: \ndriver: \nsigwait: 15\nchildren seen: 20\n");
}

void TellDeaths(ActorHandle<Probe>& probe) {
  for (const int signal : {SIGKILL, SIGSEGV}) {
    const auto died = probe.Die(signal).TryGet();
    std::printf("%s\n", died ? "lives" : died.error().message.c_str());
  }
}

int IgnoreChildren(const std::vector<std::string>&) {
  signal(SIGCHLD, SIG_IGN);
  Init();
  auto probe = Spawn<Probe>({.max_restarts = 2});
  TellDeaths(probe);
  return 0;
}
const bool kIgnoreChildren = RegisterRole("ignore-children", IgnoreChildren, /*before_init=*/true);

TEST_F(OwnCluster, KnowsHowAWorkerDiedOfAProgramThatIgnoresSigchld) {
  Program driver = Drive("ignore-children");
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  EXPECT_NE(driver.Output().find("killed by signal 9 (SIGKILL)"), std::string::npos) << driver.Output();
  EXPECT_NE(driver.Output().find("killed by signal 11 (SIGSEGV)"), std::string::npos) << driver.Output();
}

void ReapAll(int) {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

int ReapChildren(const std::vector<std::string>&) {
  signal(SIGCHLD, ReapAll);
  Init();
  auto probe = Spawn<Probe>({.max_restarts = 2});
  int wrong = 0;
  for (int i = 0; i < 30; ++i) wrong += probe.System("exit 3").Get(20s) != 3;
  std::printf("wrong: %d\n", wrong);
  TellDeaths(probe);
  return 0;
}
const bool kReapChildren = RegisterRole("reap-children", ReapChildren, /*before_init=*/true);

TEST_F(OwnCluster, RunsCommandsInAProgramWhoseHandlerReapsAllChildren) {
  Program driver = Drive("reap-children");
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  EXPECT_NE(driver.Output().find("wrong: 0"), std::string::npos) << driver.Output();
  EXPECT_NE(driver.Output().find("killed by signal 9 (SIGKILL)"), std::string::npos) << driver.Output();
}

// --- Descriptors -----------------------------------------------------------------------------------------------------

int PrintToNowhere(const std::vector<std::string>&) {
  Init();
  auto probe = Spawn<Probe>();
  for (int i = 0; i < 200; ++i) {
    std::printf("into the protocol? %d\n", i);
    std::fflush(stdout);
    probe.One().Get(20s);
  }
  std::string open;
  for (int fd = 0; fd <= 2; ++fd) {
    std::error_code error;
    open += std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error).string() + " ";
  }
  std::ofstream("/proc/self/fd/2") << "done, with " << open << "\n";
  return write(STDOUT_FILENO, "x", 1) == -1 && errno == EBADF ? 0 : 1;
}
const bool kPrintToNowhere = RegisterRole("print-to-nowhere", PrintToNowhere);

TEST_F(OwnCluster, KeepsItsDescriptorsAboveThoseOfStandardOutput) {
  Program driver = DriveBy("exec \"$@\" >&-", "print-to-nowhere");
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  EXPECT_NE(driver.Errors().find("done, with /dev/null /dev/null "), std::string::npos) << driver.Errors();
}

template <class Tell>
void SpawnMany(int count, const Tell& tell) {
  std::vector<ActorHandle<Probe>> probes;
  std::vector<ObjectRef<int>> results;
  for (int i = 0; i < count; ++i) probes.push_back(Spawn<Probe>());
  for (auto& probe : probes) results.push_back(probe.One());
  for (auto& result : results) tell(result.TryGet());
}

int ManyActors(const std::vector<std::string>& arguments) {
  const auto begin = std::chrono::steady_clock::now();
  Init();
  int works = 0;
  std::string why;
  SpawnMany(std::stoi(arguments.at(0)), [&](const Expected<int>& result) {
    if (result) ++works;
    if (!result) why = result.error().message;
  });
  const auto took = std::chrono::steady_clock::now() - begin;
  std::printf("%d work; %s; %s\n", works, why.c_str(), took < 30s ? "soon" : "late");
  return 0;
}
const bool kManyActors = RegisterRole("many-actors", ManyActors);

TEST_F(OwnCluster, UsesAllDescriptorsThatTheHardLimitAllows) {
  Program driver = DriveBy("ulimit -Sn 160; exec \"$@\"", "many-actors", {"60"});
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  EXPECT_NE(driver.Output().find("60 work; "), std::string::npos) << driver.Output();
}

TEST_F(OwnCluster, SaysAtOnceThatThereAreNoDescriptorsLeftForAWorker) {
  Program driver = DriveBy("ulimit -n 160; exec \"$@\"", "many-actors", {"60"});
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  EXPECT_NE(driver.Output().find("descriptors open and may have 160"), std::string::npos) << driver.Output();
  EXPECT_NE(driver.Output().find("soon"), std::string::npos) << driver.Output();
}

// --- Locale ----------------------------------------------------------------------------------------------------------

int UseLocale(const std::vector<std::string>& arguments) {
  std::printf("%s\n", std::setlocale(LC_ALL, arguments.at(0).c_str()) ? "locale" : "no locale");
  char text[16];
  std::snprintf(text, sizeof text, "%.1f", 1.5);
  std::printf("a number: %s\n", text);
  Init({.num_cpus = 1.5, .resources = {{"disk", 2.5}, {"many", 12345678}}});
  const auto all = ClusterResources();
  std::printf("%d %d %d\n", all.at("CPU") == 1.5, all.at("disk") == 2.5, all.at("many") == 12345678);
  return 0;
}
const bool kUseLocale = RegisterRole("use-locale", UseLocale);

TEST_F(OwnCluster, ReadsNumbersWhereTheProgramWritesACommaInThem) {
  const std::string make = "localedef -i de_DE -f UTF-8 " + root() + "/de_DE.UTF-8 >" + root() + "/localedef 2>&1";
  if (std::system(make.c_str()) != 0) GTEST_SKIP() << "no locale can be made here: install the package locales";
  Program driver = Drive("use-locale", {"de_DE.UTF-8"}, {{"LOCPATH", root()}});
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  EXPECT_EQ(driver.Output(), "locale\na number: 1,5\n1 1 1\n");
}

// --- Output ----------------------------------------------------------------------------------------------------------

int PrintNul(const std::vector<std::string>&) {
  Init();
  Spawn<Probe>().Print(std::string("before\0after\n", 13)).Get(20s);
  return 0;
}
const bool kPrintNul = RegisterRole("print-nul", PrintNul);

TEST_F(OwnCluster, ShowsWhatFollowsANulInALine) {
  Program driver = Drive("print-nul");
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  EXPECT_NE(driver.Output().find(std::string("before\0after", 12)), std::string::npos) << driver.Output();
}

// --- Forks -----------------------------------------------------------------------------------------------------------

template <class Use>
void UseInFork(const char* what, const Use& use) {
  std::fflush(stdout);
  const int status = InFork([&] {
    try {
      use();
      std::printf("%s: works\n", what);
    } catch (const UsageError& error) {
      std::printf("%s: %s\n", what, error.what());
    }
  });
  if (status != 0) std::printf("%s: the fork ended with %d\n", what, status);
}

int ForkDriver(const std::vector<std::string>&) {
  Init();
  auto probe = Spawn<Probe>();
  auto big = probe.Big(500'000);
  big.Get(20s);
  std::printf("exit: %d\n", InFork([] {}));
  UseInFork("call", [&] { probe.One().Get(5s); });
  UseInFork("get", [&] { big.Get(5s); });
  UseInFork("put", [&] { Put(5); });
  UseInFork("spawn", [&] { Spawn<Probe>(); });
  UseInFork("init", [&] { Init(); });
  UseInFork("context", [&] { (void)GetRuntimeContext(); });
  std::printf("initialized: %d\n", InFork([] { std::_Exit(IsInitialized()); }));
  std::printf("shutdown: %d\n", InFork([] { Shutdown(); }));
  std::printf("worker's fork: %d\n", probe.ForkAndReturn().Get(20s));
  std::printf("after: %d %zu\n", probe.One().Get(20s), big.Get(20s).size());
  return 0;
}
const bool kForkDriver = RegisterRole("fork-driver", ForkDriver);

TEST_F(OwnCluster, TellsAForkThatItHasNoPartInTheJobAndGoesOnItself) {
  Program driver = Drive("fork-driver");
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  const std::string output = driver.Output();
  for (const char* what : {"call", "get", "put", "spawn", "init", "context"}) {
    EXPECT_NE(output.find(std::string(what) + ": process "), std::string::npos) << what << " in:\n" << output;
  }
  EXPECT_NE(output.find("is a fork of process " + std::to_string(driver.pid()) + ","), std::string::npos) << output;
  for (const char* line :
       {"exit: 0\n", "initialized: 0\n", "shutdown: 0\n", "worker's fork: 1\n", "after: 1 500000\n"}) {
    EXPECT_NE(output.find(line), std::string::npos) << line << " in:\n" << output;
  }
}

// Forks while other threads hold the library's locks, and drops refs in the child.
int ForkUnderLoad(const std::vector<std::string>&) {
  Init();
  auto probe = Spawn<Probe>();
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        auto result = probe.One();
        auto value = Put(5);
        result.Get(20s);
      }
    });
  }
  int wrong = 0;
  for (int i = 0; i < 100; ++i) {
    auto result = probe.One();
    wrong += InFork([&result] { result = {}; }) != 0;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  std::printf("wrong: %d, after: %d\n", wrong, probe.One().Get(20s));
  return 0;
}
const bool kForkUnderLoad = RegisterRole("fork-under-load", ForkUnderLoad);

TEST_F(OwnCluster, LetsForksDropRefsAndExitWhateverOtherThreadsDo) {
  Program driver = Drive("fork-under-load");
  EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
  EXPECT_EQ(driver.Output(), "wrong: 0, after: 1\n");
}

}  // namespace
}  // namespace troupe::integration
