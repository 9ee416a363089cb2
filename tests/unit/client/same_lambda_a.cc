#include "same_lambda.h"
#include "troupe/task.h"

namespace {
troupe::ObjectRef<int> RunLambda(int value) {
  return troupe::Run([](int x) { return x + 1; }, value);
}
}  // namespace

troupe::ObjectRef<int> RunLambdaOfA(int value) { return RunLambda(value); }
