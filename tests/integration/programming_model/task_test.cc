// Tasks: functions and lambdas, their options, errors, arguments and results.
#include <troupe/troupe.h>

#include <array>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/programming_model/suite.h"

namespace troupe::integration {
namespace {

class Tasks : public ModelTest {};

int Twice(int x) { return 2 * x; }
void Nothing() {}
std::string Concatenate(const std::string& a, std::string b, int c, double d, char e, bool f, long g, unsigned h) {
  return a + b + std::to_string(c) + std::to_string(static_cast<int>(d)) + e + (f ? "t" : "f") + std::to_string(g) +
         std::to_string(h);
}
int Fails(int code) { throw std::out_of_range("code " + std::to_string(code)); }
std::vector<int> Iota(std::size_t size) {
  std::vector<int> values(size);
  std::iota(values.begin(), values.end(), 0);
  return values;
}
long Sum(const std::vector<int>& values) { return std::accumulate(values.begin(), values.end(), 0L); }
int SumOfRefs(const std::vector<ObjectRef<int>>& refs) {
  int sum = 0;
  for (int value : Get(refs)) sum += value;
  return sum;
}
ObjectRef<int> TwiceLater(int x) { return troupe::Run<&Twice>(x); }
int Fibonacci(int n) {
  if (n < 2) return n;
  auto a = troupe::Run<&Fibonacci>(n - 1);
  auto b = troupe::Run<&Fibonacci>(n - 2);
  return a.Get() + b.Get();
}
long PidOfWorker() { return getpid(); }

TEST_F(Tasks, RunAFunctionInAnotherProcess) {
  EXPECT_EQ(troupe::Run<&Twice>(21).Get(kDeadline), 42);
  EXPECT_NE(troupe::Run<&PidOfWorker>().Get(kDeadline), getpid());
  troupe::Run<&Nothing>().Get(kDeadline);
}

TEST_F(Tasks, RunALambda) {
  EXPECT_EQ(troupe::Run([](int a, int b) { return a - b; }, 5, 3).Get(kDeadline), 2);
  EXPECT_EQ(troupe::Run(
                {.num_cpus = 2}, [](std::string text) { return text + "!"; }, "hey")
                .Get(kDeadline),
            "hey!");
}

TEST_F(Tasks, TakeOptions) {
  EXPECT_EQ(troupe::Run<&Twice>({.name = "double", .num_cpus = 0.5, .memory = 1e6, .resources = {{"disk", 1}}}, 4)
                .Get(kDeadline),
            8);
  EXPECT_EQ(troupe::Run<&Twice>({.num_cpus = 0, .scheduling = Scheduling::Spread()}, 5).Get(kDeadline), 10);
  EXPECT_EQ(troupe::Run<&Twice>({.scheduling = Scheduling::WithLabels({{"zone", "a"}})}, 6).Get(kDeadline), 12);
}

TEST_F(Tasks, MayBeNamedAndThrowWhatIsNotUtf8) {
  EXPECT_EQ(troupe::Run<&Twice>({.name = "caf\xe9"}, 4).Get(kDeadline), 8);
  const auto result = troupe::Run([]() -> int { throw std::runtime_error("caf\xe9"); }).TryGet(kDeadline);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message, "caf\xe9");
}

TEST_F(Tasks, TakeManyArgumentsOfDifferentTypes) {
  const std::string text = troupe::Run<&Concatenate>("a", std::string("b"), 3, 4.0, 'e', true, 7L, 8U).Get(kDeadline);
  EXPECT_EQ(text, "ab34et78");
}

TEST_F(Tasks, WaitForRefsGivenAsArguments) {
  auto ref = troupe::Run<&Twice>(1);
  for (int i = 0; i < 9; ++i) ref = troupe::Run<&Twice>(ref);
  EXPECT_EQ(ref.Get(kDeadline), 1024);
}

TEST_F(Tasks, GetNestedRefsAsRefs) {
  std::vector<ObjectRef<int>> refs;
  for (int i = 0; i < 5; ++i) refs.push_back(troupe::Run<&Twice>(i));
  refs.push_back(Put(100));
  EXPECT_EQ(troupe::Run<&SumOfRefs>(refs).Get(kDeadline), 120);
}

TEST_F(Tasks, ReturnRefsThatOutliveTheirWorkersTurn) {
  EXPECT_EQ(troupe::Run<&TwiceLater>(4).Get(kDeadline).Get(kDeadline), 8);
}

TEST_F(Tasks, PassLargeResultsThroughTheStore) {
  constexpr std::size_t kCount = 4 << 20;  // 16 MiB
  auto values = troupe::Run<&Iota>(kCount);
  EXPECT_EQ(troupe::Run<&Sum>(values).Get(kDeadline), static_cast<long>(kCount) * (kCount - 1) / 2);
  EXPECT_EQ(values.Get(kDeadline).back(), static_cast<int>(kCount) - 1);
}

TEST_F(Tasks, SayWhatTheirExceptionWas) {
  try {
    troupe::Run<&Fails>(7).Get(kDeadline);
    FAIL() << "no exception";
  } catch (const TaskError& error) {
    EXPECT_EQ(error.remote_type(), "std::out_of_range");
    EXPECT_EQ(error.remote_message(), "code 7");
    EXPECT_EQ(error.outcome(), Outcome::kFailed);
    EXPECT_NE(std::string(error.what()).find("std::out_of_range"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("Fails"), std::string::npos) << error.what();
    EXPECT_NE(error.info().pid, 0);
    EXPECT_NE(error.info().pid, getpid());
    EXPECT_EQ(error.info().node.Hex(), cluster().node_id(0));
  }
}

TEST_F(Tasks, PassTheErrorOfAnArgumentOn) {
  auto failed = troupe::Run<&Twice>(troupe::Run<&Fails>(9));
  const Expected<int> result = failed.TryGet(kDeadline);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().remote_type, "std::out_of_range");
  EXPECT_EQ(result.error().outcome, Outcome::kNotExecuted);
}

TEST_F(Tasks, EndAChainWithItsFirst) {
  ObjectRef<int> last = troupe::Run<&Fails>(1);
  for (int i = 0; i < 10'000; ++i) last = troupe::Run<&Twice>(last);
  const Expected<int> result = last.TryGet(kDeadline);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message, "code 1");
  EXPECT_NE(result.error().context.find("Twice(int) was not executed, because its argument 1 failed"),
            std::string::npos)
      << result.error().context;
}

TEST_F(Tasks, NestWithoutRunningOutOfCpus) { EXPECT_EQ(troupe::Run<&Fibonacci>(6).Get(kDeadline), 8); }

TEST_F(Tasks, RunByTheHundreds) {
  std::vector<ObjectRef<int>> refs;
  for (int i = 0; i < 500; ++i) refs.push_back(troupe::Run<&Twice>(i));
  const std::vector<int> values = Get(refs, kDeadline);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(values[static_cast<std::size_t>(i)], 2 * i);
}

}  // namespace
}  // namespace troupe::integration
