#include "worker/visible_gpus.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace troupe::worker {
namespace {

std::string Variable() {
  const char* value = std::getenv("CUDA_VISIBLE_DEVICES");
  return value ? value : "unset";
}

TEST(VisibleGpusTest, EachShowReplacesTheOneBefore) {
  unsetenv("CUDA_VISIBLE_DEVICES");
  VisibleGpus gpus;
  EXPECT_EQ(gpus.Show({0, 1}), (std::vector<int>{0, 1}));
  EXPECT_EQ(Variable(), "0,1");
  gpus.Show({});
  EXPECT_EQ(Variable(), "") << "unset would mean all of them";
  gpus.Show({1});
  EXPECT_EQ(Variable(), "1");
}

TEST(VisibleGpusTest, NumbersAreThoseOfTheDevicesThatTheRayletSees) {
  setenv("CUDA_VISIBLE_DEVICES", "3,GPU-8932f937", 1);
  VisibleGpus gpus;
  EXPECT_EQ(gpus.List({0}), "3");
  EXPECT_EQ(gpus.List({0, 1}), "3,GPU-8932f937");
  EXPECT_EQ(gpus.List({}), "");
  unsetenv("CUDA_VISIBLE_DEVICES");
}

}  // namespace
}  // namespace troupe::worker
