// Cluster: the real daemons on this machine for one test suite, and a check that nothing of them is left behind.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/local_cluster.h"

namespace troupe::integration {

// A node that tests can afford many of.
ClusterOptions SmallNode(double num_cpus = 4);

// Every port is 0 and every file lies in a folder made for this cluster. While it lives, TROUPE_SESSION_ROOT,
// TROUPE_TOKEN_FILE and TROUPE_ADDRESS (node 0) of this process name it. Main thread only, one at a time. A failure to
// start ends the process, for no test could say anything.
class Cluster {
 public:
  // The first node starts the head.
  explicit Cluster(const std::vector<ClusterOptions>& nodes = {SmallNode()});
  // Stops it; a process, a name of shared memory or a session folder that is left fails the test. Prints the ends of
  // the logs if the test has failed.
  ~Cluster();

  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  const std::string& root() const { return root_; }
  const Session& session(std::size_t node) const { return nodes_.at(node).session; }
  const std::string& head_address() const { return session(0).head->address; }
  // For NodeId::FromHex and NodeInfo::id.Hex().
  const std::string& node_id(std::size_t node) const { return session(node).node->node_id; }

  // The path of a file that does not exist yet, and goes with the cluster.
  std::string NewFile();

  // Adds a node to a running cluster; returns its number.
  std::size_t AddNode(ClusterOptions options);

  // SIGKILL, and waits until it is gone.
  void KillHead();
  void KillRaylet(std::size_t node);

  // Remembers what its processes have mapped by now, to check at the end that it is gone. Called at the end by itself.
  void NoteSharedMemory();
  bool knows_shared_memory() const { return !tags_.empty(); }

  // The last lines of every log under the root.
  std::string LogTails() const;

 private:
  void Start(ClusterOptions options);
  void StopNodes() const;
  void ExpectNothingLeft() const;

  std::string root_;
  int files_ = 0;
  std::vector<LocalCluster> nodes_;
  std::set<std::string> tags_;  // of the nodes' shared memory
};

// A suite whose tests share one cluster, which this process has joined as a driver. Derived classes may hide Nodes().
class DriverTest : public testing::Test {
 public:
  // For SetUpTestSuite and TearDownTestSuite of the derived class.
  static void Join(const std::vector<ClusterOptions>& nodes);
  static void Leave();

  static Cluster& cluster() { return *cluster_; }

 protected:
  static void SetUpTestSuite() { Join({SmallNode()}); }
  static void TearDownTestSuite() { Leave(); }

 private:
  static inline std::unique_ptr<Cluster> cluster_;
};

}  // namespace troupe::integration
