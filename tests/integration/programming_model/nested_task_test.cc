// Tasks that wait for tasks: on one CPU, where each would need one more worker if they did not run what they wait for.
#include <troupe/troupe.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/integration/cluster_fixture.h"
#include "tests/integration/wait.h"

namespace nested {

using namespace troupe;
using Pids = std::set<long>;

// Opened by one call, which others wait for.
class Gate {
 public:
  void Open() { open_ = true; }
  bool IsOpen() const { return open_; }

 private:
  bool open_ = false;
};

}  // namespace nested

TROUPE_ACTOR(nested::Gate, Open, IsOpen);

namespace nested {

// How many tasks it took, and the processes they ran in.
std::pair<int, Pids> Fibonacci(int n) {
  if (n < 2) return {1, {getpid()}};
  auto a = Run<&Fibonacci>(n - 1), b = Run<&Fibonacci>(n - 2);
  auto [count, pids] = a.Get();
  const auto [more, others] = b.Get();
  pids.insert(others.begin(), others.end());
  pids.insert(getpid());
  return {count + more + 1, pids};
}
int ApartFibonacci(int n) {
  if (n < 2) return n;
  auto a = Run<&ApartFibonacci>({.max_retries = 0}, n - 1), b = Run<&ApartFibonacci>({.max_retries = 0}, n - 2);
  return a.Get() + b.Get();
}
Pids Descend(int levels) {
  Pids pids;
  if (levels > 0) pids = Run<&Descend>(levels - 1).Get();
  pids.insert(getpid());
  return pids;
}

std::pair<TaskId, long> Self() { return {GetRuntimeContext().task, getpid()}; }
// Whether a task that it waits for has an id of its own and its process, and leaves it its own id.
bool SeesItself() {
  const TaskId before = Self().first;
  const auto [inner, pid] = Run<&Self>().Get();
  return pid == getpid() && inner != before && inner && Self().first == before;
}

int Fails() { throw std::out_of_range("inside"); }
bool RunsApart() { return Run<&Self>({.max_retries = 0}).Get().second != getpid(); }
std::string ErrorOfInner() {
  auto ref = Run<&Fails>({.name = "inner"});
  const Expected<int> result = ref.TryGet();
  const ErrorInfo& error = result.error();
  return error.remote_type + " " + error.message + " " + error.method + " " +
         (error.pid == getpid() ? "here" : "elsewhere") +
         (error.outcome == Outcome::kFailed ? " failed" : " not failed");
}
int SucceedsAt(const std::string& file, int attempt) {
  std::ofstream(file, std::ios::app) << "attempt" << std::endl;
  std::ifstream lines(file);
  int count = 0;
  for (std::string line; std::getline(lines, line);) ++count;
  if (count < attempt) throw std::runtime_error("not yet");
  return count;
}
int RetriesInner(const std::string& file) {
  return Run<&SucceedsAt>({.max_retries = 5, .retry_exceptions = true}, file, 3).Get();
}

void Dies() { _exit(1); }
// What a task hears of one that takes its process with it.
std::string OutlivesInner(int retries) {
  try {
    Run<&Dies>({.max_retries = retries}).Get();
    return "no error";
  } catch (const WorkerDiedError& error) {
    return error.outcome() == Outcome::kUnknown ? "died" : error.what();
  }
}

void AwaitGate(ActorHandle<Gate> gate) {
  while (!gate.IsOpen().Get()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}
void OpenGate(ActorHandle<Gate> gate) { gate.Open().Get(); }
// The first task that it waits for needs the second.
int WaitsInOrder(ActorHandle<Gate> gate) {
  auto first = Run<&AwaitGate>(gate);
  auto second = Run<&OpenGate>(gate);
  first.Get();
  second.Get();
  return 1;
}
// It can go on before the first one has ended.
bool WaitsForOneOfTwo(ActorHandle<Gate> gate) {
  auto first = Run<&AwaitGate>(gate);
  auto second = Run<&OpenGate>({.num_cpus = 0}, gate);
  const auto [ready, pending] = Wait(std::vector{second, first});
  second.Get();
  first.Get();
  return ready.size() == 1;
}
bool GivesUpInTime(ActorHandle<Gate> gate) {
  auto task = Run<&AwaitGate>(gate);
  const bool in_time = !task.TryGet(std::chrono::milliseconds(20)).has_value();
  const auto [ready, pending] = Wait(std::vector{task}, {.timeout = std::chrono::milliseconds(20)});
  gate.Open().Get();
  task.Get();
  return in_time && ready.empty();
}

std::vector<int> Large() { return std::vector<int>(100'000, 7); }
ObjectRef<int> RefInside() { return Put(5); }
int Sum(const std::vector<int>& values, int more) {
  int sum = more;
  for (const int value : values) sum += value;
  return sum;
}
// Values of the store, refs inside values, and results as arguments, none of which leave the process.
int PassesValues() {
  auto large = Run<&Large>();
  auto inside = Run<&RefInside>();
  return Run<&Sum>(large, inside.Get()).Get() + static_cast<int>(large.Get().size());
}

// Threads of the task wait for what its own thread runs, and the other way round.
int FromThreads() {
  std::vector<ObjectRef<std::pair<int, Pids>>> refs;
  for (int i = 0; i < 20; ++i) refs.push_back(Run<&Fibonacci>(1));
  std::vector<int> sums(3);
  std::vector<std::thread> threads;
  for (int& sum : sums) {
    threads.emplace_back([&sum, refs] {
      for (const auto& ref : refs) sum += ref.Get().first;
    });
  }
  int sum = 0;
  for (const auto& ref : refs) sum += ref.Get().first;
  for (auto& thread : threads) thread.join();
  for (const int other : sums) sum += other;
  return sum;
}

// Its one ref is assigned by the task that it waits for.
ObjectRef<int> g_ref;  // NOLINT: what the test is about
int Assigns() {
  g_ref = Put(2);
  return 1;
}
// In `file` a line for each time that it runs: a crash would make it two.
int WaitsForAGlobalRef(const std::string& file) {
  std::ofstream(file, std::ios::app) << "run" << std::endl;
  g_ref = Run<&Assigns>();
  return g_ref.Get();
}

class Asker {
 public:
  bool TaskRunsElsewhere() const { return Run<&Self>().Get().second != getpid(); }
};

}  // namespace nested

TROUPE_ACTOR(nested::Asker, TaskRunsElsewhere);

namespace troupe::integration {
namespace {

class NestedTasks : public DriverTest {
 protected:
  static void SetUpTestSuite() { Join({SmallNode(1)}); }
};

TEST_F(NestedTasks, RunWhereTheyAreWaitedFor) {
  const auto [count, pids] = troupe::Run<&nested::Fibonacci>(10).Get(kDeadline);
  EXPECT_EQ(count, 177);
  EXPECT_LE(pids.size(), 3U);
}

TEST_F(NestedTasks, OfNoRetriesRunApartAndComeThrough) {
  EXPECT_TRUE(troupe::Run<&nested::RunsApart>().Get(kDeadline));
  EXPECT_EQ(troupe::Run<&nested::ApartFibonacci>(6).Get(kDeadline), 8);
}

TEST_F(NestedTasks, GoToAnotherWorkerWhenTheStackIsDeep) {
  const nested::Pids pids = troupe::Run<&nested::Descend>(1500).Get(kDeadline);
  EXPECT_GT(pids.size(), 1U);
  EXPECT_LT(pids.size(), 100U);
}

TEST_F(NestedTasks, KnowWhichTaskTheyAre) { EXPECT_TRUE(troupe::Run<&nested::SeesItself>().Get(kDeadline)); }

TEST_F(NestedTasks, FailAsElsewhere) {
  EXPECT_EQ(troupe::Run<&nested::ErrorOfInner>().Get(kDeadline), "std::out_of_range inside inner here failed");
  EXPECT_EQ(troupe::Run<&nested::RetriesInner>(cluster().NewFile()).Get(kDeadline), 3);
}

TEST_F(NestedTasks, ThatDieAreHeardOfByWhoeverWaits) {
  EXPECT_EQ(troupe::Run<&nested::OutlivesInner>(0).Get(kDeadline), "died") << "it ran apart";
  EXPECT_EQ(troupe::Run<&nested::OutlivesInner>({.max_retries = 0}, 1).Get(kDeadline), "died") << "so did this one";
  EXPECT_EQ(troupe::Run<&nested::OutlivesInner>(1).Get(kDeadline), "died") << "at the second attempt it ran apart";
}

TEST_F(NestedTasks, ThatWaitForOneAnotherDoNotDeadlock) {
  EXPECT_EQ(troupe::Run<&nested::WaitsInOrder>(troupe::Spawn<nested::Gate>()).Get(kDeadline), 1);
}

TEST_F(NestedTasks, DoNotHoldUpWhoWaitsForAnotherOrForATime) {
  EXPECT_TRUE(troupe::Run<&nested::WaitsForOneOfTwo>(troupe::Spawn<nested::Gate>()).Get(kDeadline));
  EXPECT_TRUE(troupe::Run<&nested::GivesUpInTime>(troupe::Spawn<nested::Gate>()).Get(kDeadline));
}

TEST_F(NestedTasks, PassValuesOn) { EXPECT_EQ(troupe::Run<&nested::PassesValues>().Get(kDeadline), 800'005); }

TEST_F(NestedTasks, MayBeWaitedForByThreads) { EXPECT_EQ(troupe::Run<&nested::FromThreads>().Get(kDeadline), 80); }

TEST_F(NestedTasks, MayAssignTheRefThatIsWaitedFor) {
  const std::string file = cluster().NewFile();
  EXPECT_EQ(troupe::Run<&nested::WaitsForAGlobalRef>(file).Get(kDeadline), 1);
  std::ifstream lines(file);
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(lines), {}, '\n'), 1);
}

TEST_F(NestedTasks, OfActorsRunElsewhere) {
  auto asker = troupe::Spawn<nested::Asker>();
  EXPECT_TRUE(asker.TaskRunsElsewhere().Get(kDeadline));
  auto with_cpu = troupe::Spawn<nested::Asker>({.num_cpus = 1});
  EXPECT_TRUE(with_cpu.TaskRunsElsewhere().Get(kDeadline));
}

}  // namespace
}  // namespace troupe::integration
