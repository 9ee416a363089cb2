#include "troupe/task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fake_runtime.h"
#include "same_lambda.h"
#include "troupe/get.h"

namespace app {

double Half(long value) { return static_cast<double>(value) / 2; }
std::string Join(const std::string& a, std::string&& b) noexcept { return a + b; }
void Throw() { throw std::logic_error("as asked"); }
troupe::ObjectRef<int> Indirect(int value) { return troupe::Put(value); }
int Unwrap(troupe::ObjectRef<int> ref) { return ref.Get(); }
std::optional<int> Maybe(std::optional<int> value) { return value; }
const std::string& Constant() {
  static const std::string text = "constant";
  return text;
}
int Overloaded(int) { return 1; }
int Overloaded(double) { return 2; }
std::size_t Total(const std::vector<int>& a, const std::string& b, const std::vector<int>& c) {
  return a.size() + b.size() + c.size();
}
void Unused(std::array<char, 3>) {}
void NeverCalled() { troupe::Run<&Unused>(std::array<char, 3>()); }

struct Tool {
  static int Static(int value) { return value; }
};

}  // namespace app

namespace {

using troupe::ObjectRef;

class TaskTest : public testing::Test {
 protected:
  troupe::internal::ScopedRuntime runtime_;
};

TEST_F(TaskTest, RunsFunctions) {
  EXPECT_EQ(troupe::Run<&app::Half>(5).Get(), 2.5);
  EXPECT_EQ(runtime_->last.name, "app::Half(long)");
  EXPECT_EQ(troupe::Run<app::Half>(5L).Get(), 2.5);
  EXPECT_EQ(troupe::Run<&app::Join>("a", std::string("b")).Get(), "ab");
  EXPECT_EQ(troupe::Run<&app::Constant>().Get(), "constant");
  EXPECT_EQ(troupe::Run<&app::Tool::Static>(3).Get(), 3);
  EXPECT_EQ(troupe::Run<static_cast<int (*)(double)>(&app::Overloaded)>(1.0).Get(), 2);
  EXPECT_EQ(troupe::Run<&app::Maybe>(std::nullopt).Get(), std::nullopt);
  EXPECT_EQ(troupe::Run<&app::Maybe>(1).Get(), 1);
}

TEST_F(TaskTest, RunsLambdas) {
  EXPECT_EQ(troupe::Run([](int a, int b) { return a - b; }, 5, 3).Get(), 2);
  const auto lambda = [](const std::string& text) noexcept { return text.size(); };
  EXPECT_EQ(troupe::Run(lambda, "four").Get(), 4u);
  EXPECT_EQ(troupe::Run({.num_cpus = 2}, lambda, "four").Get(), 4u);
}

TEST_F(TaskTest, TakesOptionsBracedOrNot) {
  troupe::Run<&app::Half>({.name = "x", .num_cpus = 2}, 5);
  EXPECT_EQ(runtime_->last.task_options.name, "x");
  EXPECT_EQ(runtime_->last.task_options.num_cpus, 2);
  const troupe::TaskOptions options = {.max_retries = 7};
  troupe::Run<&app::Half>(options, 5);
  EXPECT_EQ(runtime_->last.task_options.max_retries, 7);
  troupe::Run(options, [] {});
  EXPECT_EQ(runtime_->last.task_options.max_retries, 7);
}

TEST_F(TaskTest, AResultThatIsARefStaysOne) {
  const ObjectRef<ObjectRef<int>> result = troupe::Run<&app::Indirect>(8);
  EXPECT_EQ(result.Get().Get(), 8);
  EXPECT_EQ(troupe::Run<&app::Unwrap>(result).Get(), 8);
  EXPECT_EQ(troupe::Run<&app::Unwrap>(result.Get()).Get(), 8);
}

TEST_F(TaskTest, MixesValuesRefsAndLargeValues) {
  const std::vector<int> large(100);
  EXPECT_EQ(troupe::Run<&app::Total>(large, "abc", std::vector<int>{1}).Get(), 104u);
  EXPECT_EQ(runtime_->last.refs, 1u);
  EXPECT_EQ(troupe::Run<&app::Total>(std::vector<int>{1}, std::string(100, 'x'), troupe::Put(large)).Get(), 201u);
  EXPECT_EQ(runtime_->last.refs, 2u);
}

TEST_F(TaskTest, AFailedArgumentEndsTheCall) {
  auto failed = troupe::Run<&app::Throw>();
  EXPECT_THROW(failed.Get(), troupe::TaskError);
  EXPECT_THROW(troupe::Run<&app::Half>(troupe::Run([](int) -> long { throw std::logic_error("no"); }, 1)).Get(),
               troupe::TaskError);
}

TEST_F(TaskTest, LambdasOfOneNameAreToldApart) {
  EXPECT_EQ(RunLambdaOfA(3).Get(), 4);
  EXPECT_EQ(RunLambdaOfB(3).Get(), 300);
}

TEST_F(TaskTest, FunctionsAreKnownBeforeTheyAreFirstCalled) {
  using troupe::internal::Named;
  const auto identity =
      troupe::internal::IdentifyFunction(nullptr, typeid(Named<&app::Unused>), typeid(void(std::array<char, 3>)));
  EXPECT_NE(troupe::internal::FindFunction(identity.id), nullptr);
}

}  // namespace
