// Processes that die: what callers get, what goes on, and what the user is told.
#include <signal.h>
#include <sys/wait.h>
#include <troupe/troupe.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/cluster_fixture.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"
#include "tests/integration/wait.h"

namespace failure {

// Writes "incarnation number" for each call it runs, and stops in call `stop_at` of its first incarnation.
class Victim {
 public:
  explicit Victim(std::string file = "", int stop_at = -1) : file_(std::move(file)), stop_at_(stop_at) {}
  int Pid() const { return getpid(); }
  int Do(int number) {
    const troupe::RuntimeContext context = troupe::GetRuntimeContext();
    std::ofstream(file_, std::ios::app) << context.incarnation << " " << number << std::endl;
    if (number == stop_at_ && !context.was_restarted) pause();
    return number;
  }
  void Die(const std::string& how) {
    if (how == "exit 0") std::exit(0);
    if (how == "exit 1") std::exit(1);
    if (how == "abort") std::abort();
    if (how == "uncaught") Uncaught();
    if (how == "segv") Crash();
    kill(getpid(), SIGKILL);
    pause();
  }

 private:
  // In a thread, where no executor can catch it.
  static void Uncaught() {
    std::thread([] { throw std::logic_error("nobody catches this"); }).join();
  }
  // Volatile twice: a compiler that knows the pointer to be null, or what it points to to be nobody's, may leave out
  // the store, and the call with it.
  [[gnu::noinline]] static void Crash() {
    volatile int* volatile nowhere = nullptr;
    *nowhere = 1;  // NOLINT: the point of it
  }

  std::string file_;
  int stop_at_;
};

void DieInATask(const std::string& how) { Victim().Die(how); }
// Dies as often as there are no lines in the file.
int DieAtFirst(const std::string& file, int times) {
  std::ifstream in(file);
  int lines = 0;
  for (std::string line; std::getline(in, line);) ++lines;
  std::ofstream(file, std::ios::app) << "ran" << std::endl;
  if (lines < times) kill(getpid(), SIGKILL), pause();
  return lines;
}

}  // namespace failure

TROUPE_ACTOR(failure::Victim, Pid, Do, Die);

namespace troupe::integration {
namespace {

using namespace std::chrono_literals;
using failure::Victim;

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string NewFile() { return DriverTest::cluster().NewFile(); }

struct Execution {
  int incarnation = 0;
  int number = 0;
};
std::vector<Execution> Executions(const std::string& path) {
  std::ifstream file(path);
  std::vector<Execution> result;
  for (Execution e; file >> e.incarnation >> e.number;) result.push_back(e);
  return result;
}

class Deaths : public DriverTest {};

constexpr int kCalls = 200;
constexpr int kStopAt = 70;

// 200 calls are queued, the worker is killed in number 70.
std::vector<ObjectRef<int>> QueueAndKill(const ActorHandle<Victim>& actor, const std::string& file) {
  const int pid = actor.Pid().Get(kDeadline);
  std::vector<ObjectRef<int>> refs;
  for (int i = 0; i < kCalls; ++i) refs.push_back(actor.Do(i));
  const std::string last = "1 " + std::to_string(kStopAt) + "\n";
  EXPECT_TRUE(Eventually([&] { return Read(file).ends_with(last); }));
  kill(pid, SIGKILL);
  return refs;
}

TEST_F(Deaths, WithoutRetriesNoCallRunsTwiceAndEachSaysWhatBecameOfIt) {
  const std::string file = NewFile();
  auto actor = Spawn<Victim>({.max_restarts = 1}, file, kStopAt);
  const std::vector<ObjectRef<int>> refs = QueueAndKill(actor, file);
  std::vector<int> times(kCalls);
  std::vector<Expected<int>> results;
  for (const auto& ref : refs) results.push_back(ref.TryGet(kDeadline));
  int before = -1;
  for (const Execution& execution : Executions(file)) {
    ++times.at(static_cast<std::size_t>(execution.number));
    EXPECT_GT(execution.number, before) << "out of order";
    before = execution.number;
  }
  for (int i = 0; i < kCalls; ++i) {
    const auto& result = results[static_cast<std::size_t>(i)];
    const int ran = times[static_cast<std::size_t>(i)];
    ASSERT_LE(ran, 1) << "call " << i;
    if (i < kStopAt) {
      ASSERT_TRUE(result.has_value() ? *result == i : result.error().outcome == Outcome::kUnknown) << "call " << i;
      ASSERT_EQ(ran, 1) << "call " << i;
    } else if (i == kStopAt) {
      ASSERT_FALSE(result.has_value());
      EXPECT_EQ(result.error().kind, ErrorKind::kActorDied);
      EXPECT_EQ(result.error().outcome, Outcome::kUnknown);
    } else {  // it had been sent, but not begun
      ASSERT_TRUE(result.has_value()) << "call " << i << ": " << result.error().message;
      ASSERT_EQ(ran, 1) << "call " << i;
    }
  }
  EXPECT_EQ(actor.Do(1000).Get(kDeadline), 1000);
}

TEST_F(Deaths, WithRetriesEveryCallSucceedsInOrderAndOncePerIncarnation) {
  const std::string file = NewFile();
  auto actor = Spawn<Victim>({.max_restarts = -1, .max_task_retries = -1}, file, kStopAt);
  const std::vector<ObjectRef<int>> refs = QueueAndKill(actor, file);
  for (int i = 0; i < kCalls; ++i) ASSERT_EQ(refs[static_cast<std::size_t>(i)].Get(kDeadline), i);
  Execution before;
  before.number = -1;
  for (const Execution& execution : Executions(file)) {
    if (execution.incarnation != before.incarnation) before = {execution.incarnation, -1};
    EXPECT_GT(execution.number, before.number) << "in incarnation " << execution.incarnation;
    before = execution;
  }
  EXPECT_EQ(before.incarnation, 2);
}

TEST_F(Deaths, EachWayToDieIsToldToTheCaller) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> ways = {
      {"exit 0", {"exit", "0"}}, {"exit 1", {"exit", "1"}}, {"abort", {"ABRT"}},
      {"uncaught", {"ABRT"}},    {"segv", {"SEGV"}},        {"kill", {"KILL"}}};
  for (const auto& [how, words] : ways) {
    auto actor = Spawn<Victim>();
    const auto result = actor.Die(how).TryGet(kDeadline);
    ASSERT_FALSE(result.has_value()) << how;
    EXPECT_EQ(result.error().kind, ErrorKind::kActorDied) << how;
    EXPECT_EQ(result.error().outcome, Outcome::kUnknown) << how;
    for (const std::string& word : words) {
      EXPECT_NE(result.error().message.find(word), std::string::npos) << how << ": " << result.error().message;
    }
  }
}

TEST_F(Deaths, ATaskIsRunAgainUntilItsRetriesAreUsedUp) {
  EXPECT_EQ(troupe::Run<&failure::DieAtFirst>({.max_retries = 3}, NewFile(), 2).Get(kDeadline), 2);
  const std::string file = NewFile();
  const auto result = troupe::Run<&failure::DieAtFirst>({.max_retries = 1}, file, 5).TryGet(kDeadline);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kWorkerDied) << result.error().message;
  EXPECT_EQ(Read(file), "ran\nran\n");
  EXPECT_EQ(troupe::Run<&failure::DieAtFirst>({.max_retries = 0}, NewFile(), 0).Get(kDeadline), 0);
}

int FlakyTask(const std::string& file) {
  std::ifstream in(file);
  if (in) return 1;
  std::ofstream{file};
  throw std::runtime_error("the first time");
}

TEST_F(Deaths, ATaskThatThrowsIsRetriedOnlyWhenAsked) {
  EXPECT_THROW(troupe::Run<&FlakyTask>({.max_retries = 3}, NewFile()).Get(kDeadline), TaskError);
  EXPECT_EQ(troupe::Run<&FlakyTask>({.max_retries = 3, .retry_exceptions = true}, NewFile()).Get(kDeadline), 1);
}

// A child that ends by exit(), as after an exec that failed, and one that outlives its parent.
int ForkChildren(const std::vector<std::string>&) {
  Init();
  const int before = troupe::Run([] { return 1; }).Get();
  const pid_t child = fork();
  if (child == 0) std::exit(7);
  int status = 0;
  if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7) return 1;
  const int after = troupe::Run([] { return 2; }).Get();
  std::printf("%d %d\n", before, after);
  std::fflush(stdout);
  auto actor = Spawn<Victim>({.num_cpus = 1});
  WaitAlive(actor);
  const pid_t holder = fork();
  if (holder == 0) {
    sleep(30);
    _exit(0);
  }
  std::printf("holder %d\n", holder);
  std::fflush(stdout);
  kill(getpid(), SIGKILL);
  return 0;
}
const bool kForkChildren = RegisterRole("fork children", ForkChildren);

TEST_F(Deaths, ADriversChildrenHaveNoPartInItsJob) {
  Program driver = Program::OfRole("fork children");
  EXPECT_EQ(driver.Wait(), 128 + SIGKILL) << driver.Errors();
  EXPECT_NE(driver.Output().find("1 2\n"), std::string::npos) << driver.Output() << driver.Errors();
  int holder = 0;
  const std::string output = driver.Output();
  ASSERT_EQ(std::sscanf(output.c_str() + output.find("holder"), "holder %d", &holder), 1);
  EXPECT_TRUE(Eventually([] { return AvailableResources() == ClusterResources(); })) << "the job has not ended";
  EXPECT_EQ(kill(holder, 0), 0) << "the child was to outlive that";
  kill(holder, SIGKILL);
}

int CrashForTheLogs(const std::vector<std::string>&) {
  Init();
  auto actor = Spawn<Victim>();
  const auto result = actor.Die("segv").TryGet(kDeadline);
  std::printf("%s\n", result.has_value() ? "no error" : result.error().message.c_str());
  std::fflush(stdout);
  pause();  // the lines of the log come when they come
  return 0;
}
const bool kCrashForTheLogs = RegisterRole("crash for the logs", CrashForTheLogs);

TEST_F(Deaths, ACrashShowsItsStackToTheDriver) {
  Program driver = Program::OfRole("crash for the logs");
  EXPECT_TRUE(driver.WaitForErrors("crashed: SIGSEGV")) << driver.Errors();
  EXPECT_TRUE(driver.WaitForErrors("Victim::Die")) << driver.Errors();
  EXPECT_TRUE(driver.WaitForOutput("SEGV")) << driver.Output();
}

int PrintFromWorkers(const std::vector<std::string>&) {
  Init();
  troupe::Run([] {
    std::printf("a line for the driver\n");
    std::fprintf(stderr, "an error for the driver\n");
  }).Get();
  pause();
  return 0;
}
const bool kPrintFromWorkers = RegisterRole("print from workers", PrintFromWorkers);

TEST_F(Deaths, WhatWorkersPrintReachesTheDriver) {
  Program driver = Program::OfRole("print from workers");
  EXPECT_TRUE(driver.WaitForOutput("a line for the driver")) << driver.Errors();
  EXPECT_TRUE(driver.WaitForErrors("an error for the driver")) << driver.Output();
}

TEST_F(Deaths, TheRestOfTheClusterDoesNotNotice) {
  auto bystander = Spawn<Victim>();
  const int pid = bystander.Pid().Get(kDeadline);
  for (int i = 0; i < 5; ++i) {
    auto actor = Spawn<Victim>();
    kill(actor.Pid().Get(kDeadline), SIGKILL);
    EXPECT_FALSE(actor.Die("exit 0").TryGet(kDeadline).has_value());
  }
  EXPECT_EQ(bystander.Pid().Get(kDeadline), pid);
}

class HeadLoss : public DriverTest {};

TEST_F(HeadLoss, CallsGoOnWithoutAHead) {
  auto actor = Spawn<Victim>(NewFile());
  const int pid = actor.Pid().Get(kDeadline);
  cluster().KillHead();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(actor.Do(i).Get(kDeadline), i);
  // Longer than a node's lease: the raylet has seen the head's process end, and ends nothing for want of it.
  for (const auto end = std::chrono::steady_clock::now() + 7s; std::chrono::steady_clock::now() < end;) {
    ASSERT_EQ(actor.Do(0).Get(kDeadline), 0);
    std::this_thread::sleep_for(100ms);
  }
  EXPECT_EQ(actor.Pid().Get(kDeadline), pid);
  EXPECT_EQ(Put(std::string(1 << 20, 'x')).Get(kDeadline).size(), std::size_t{1} << 20);
  EXPECT_THROW(GetActor<Victim>("anyone"), Error) << "who but the head would know?";
  ASSERT_EQ(Nodes().size(), 1U) << "the raylet knows";
  EXPECT_EQ(Nodes()[0].id.Hex(), cluster().node_id(0));
  EXPECT_EQ(ClusterResources().at("CPU"), 4);
}

class RayletLoss : public DriverTest {};

TEST_F(RayletLoss, EndsWhatWaitsAndWhatIsAskedLater) {
  auto actor = Spawn<Victim>(NewFile(), 1);
  auto stuck = actor.Do(1);
  EXPECT_FALSE(stuck.TryGet(100ms).has_value());
  cluster().KillRaylet(0);
  const auto lost = stuck.TryGet(kDeadline);
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().outcome, Outcome::kUnknown) << lost.error().message;
  EXPECT_THROW(Nodes(), ConnectionError);
  EXPECT_THROW(actor.Pid(), ConnectionError);
}

}  // namespace
}  // namespace troupe::integration
