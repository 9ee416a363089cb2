#include "tests/integration/cluster_fixture.h"

#include <signal.h>
#include <troupe/troupe.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>

#include "tests/integration/processes.h"
#include "tests/integration/wait.h"

namespace troupe::integration {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kTailLines = 30;

std::string MakeRoot() {
  std::string path = fs::temp_directory_path() / "troupe-integration-XXXXXX";
  if (!mkdtemp(path.data())) {
    std::perror("mkdtemp");
    std::abort();
  }
  return path;
}

std::string Tail(const fs::path& path) {
  std::ifstream file(path);
  std::deque<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
    if (lines.size() > kTailLines) lines.pop_front();
  }
  std::string text;
  for (const std::string& line : lines) text += "    " + line + "\n";
  return text;
}

void Kill(pid_t pid) {
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  ASSERT_TRUE(WaitGone(pid));
}

}  // namespace

ClusterOptions SmallNode(double num_cpus) {
  ClusterOptions options;
  options.num_cpus = num_cpus;
  options.num_gpus = 0;
  options.memory = std::uint64_t{1} << 30;
  options.object_store_memory = std::uint64_t{256} << 20;
  options.die_with_parent = true;
  return options;
}

Cluster::Cluster(const std::vector<ClusterOptions>& nodes) : root_(MakeRoot()) {
  setenv("TROUPE_SESSION_ROOT", root_.c_str(), 1);
  setenv("TROUPE_TOKEN_FILE", (root_ + "/token").c_str(), 1);
  setenv(kMark, root_.c_str(), 1);
  fs::create_directory(root_ + "/files");
  for (const ClusterOptions& node : nodes) Start(node);
  setenv("TROUPE_ADDRESS", session(0).dir.c_str(), 1);
}

std::size_t Cluster::AddNode(ClusterOptions options) {
  Start(std::move(options));
  return nodes_.size() - 1;
}

void Cluster::Start(ClusterOptions options) {
  if (!nodes_.empty()) options.head_address = head_address();
  Result<LocalCluster> started = StartCluster(options);
  if (!started.ok()) {
    std::fprintf(stderr, "the cluster does not start: %s\n%s", started.status().message().c_str(), LogTails().c_str());
    StopNodes();
    ExpectNothingLeft();
    fs::remove_all(root_);
    std::_Exit(1);
  }
  nodes_.push_back(*std::move(started));
}

std::string Cluster::NewFile() { return root_ + "/files/" + std::to_string(++files_); }

void Cluster::NoteSharedMemory() {
  tags_.merge(SharedMemoryTags(getpid()));
  for (const auto& [pid, command] : ProcessesOf(root_)) tags_.merge(SharedMemoryTags(pid));
}

void Cluster::KillHead() { Kill(session(0).head->pid); }

void Cluster::KillRaylet(std::size_t node) {
  const pid_t pid = session(node).node->pid;
  NoteSharedMemory();
  Kill(pid);
}

Cluster::~Cluster() {
  if (testing::Test::HasFailure()) std::fprintf(stderr, "%s", LogTails().c_str());
  NoteSharedMemory();
  StopNodes();
  ExpectNothingLeft();
  for (const char* variable : {"TROUPE_ADDRESS", "TROUPE_SESSION_ROOT", "TROUPE_TOKEN_FILE", kMark}) unsetenv(variable);
  std::error_code error;
  fs::remove_all(root_, error);
}

void Cluster::StopNodes() const {
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    const Status stopped = node->Stop(kDeadline);
    EXPECT_TRUE(stopped.ok()) << stopped.message();
  }
}

void Cluster::ExpectNothingLeft() const {
  EXPECT_TRUE(Eventually([this] { return ProcessesOf(root_).empty(); }, std::chrono::seconds(10)));
  for (const auto& [pid, command] : ProcessesOf(root_)) {
    ADD_FAILURE() << "process " << pid << " is left: " << command;
    kill(pid, SIGKILL);
  }
  for (const std::string& tag : tags_) {
    for (const std::string& name : SharedMemoryNames(tag)) {
      ADD_FAILURE() << "shared memory is left: " << name;
      std::error_code error;
      fs::remove("/dev/shm/" + name, error);
    }
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(root_)) {
    const std::string name = entry.path().filename();
    EXPECT_TRUE(name == "token" || name == "files") << name << " is left in the session root";
  }
}

std::string Cluster::LogTails() const {
  std::string text;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root_, error)) {
    const fs::path& path = entry.path();
    if (path.parent_path().filename() != "logs" || !entry.is_regular_file(error)) continue;
    const std::string tail = Tail(path);
    if (!tail.empty()) text += "--- " + path.string() + "\n" + tail;
  }
  return text;
}

void DriverTest::Join(const std::vector<ClusterOptions>& nodes) {
  cluster_ = std::make_unique<Cluster>(nodes);
  Init();
}

void DriverTest::Leave() {
  cluster_->NoteSharedMemory();
  EXPECT_TRUE(cluster_->knows_shared_memory()) << "it is not found, so that it goes cannot be checked";
  Shutdown();
  cluster_.reset();
}

}  // namespace troupe::integration
