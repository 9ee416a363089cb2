// main() of every integration test: workers and other drivers are processes of the same executable.
#include <gtest/gtest.h>
#include <troupe/troupe.h>

#include <cstdlib>

#include "tests/integration/program.h"

int main(int argc, char** argv) {
  int status = 0;
  if (troupe::integration::RunRoleBeforeInit(argc, argv, &status)) return status;
  // A driver joins the cluster that its suite starts; a worker must not come that far.
  if (std::getenv("TROUPE_WORKER_KIND")) troupe::Init(argc, argv);
  if (troupe::integration::RunRole(argc, argv, &status)) return status;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
