#include "same_lambda.h"
#include "troupe/task.h"

namespace {
troupe::ObjectRef<int> RunLambda(int value) {
  return troupe::Run([](int x) { return x * 100; }, value);
}
}  // namespace

troupe::ObjectRef<int> RunLambdaOfB(int value) { return RunLambda(value); }
