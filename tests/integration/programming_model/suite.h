// The suite of the programming model: one node, four CPUs, two pretended GPUs and a custom resource.
#pragma once

#include <chrono>

#include "tests/integration/cluster_fixture.h"
#include "tests/integration/wait.h"

namespace troupe::integration {

class ModelTest : public DriverTest {
 protected:
  static void SetUpTestSuite() {
    ClusterOptions node = SmallNode();
    node.num_gpus = 2;
    node.resources = {{"disk", 2}};
    node.labels = {{"zone", "a"}};
    Join({node});
  }
};

}  // namespace troupe::integration
