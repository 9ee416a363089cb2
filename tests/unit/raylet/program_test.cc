// The real troupe-raylet with a real troupe-head: two nodes on this machine, spoken to as drivers do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/local_cluster.h"
#include "common/session.h"
#include "common/session_memory.h"
#include "ipc/client_socket.h"
#include "ipc/client_wire.h"
#include "ipc/shared_region.h"
#include "object_store/store_view.h"
#include "proto/client.pb.h"
#include "raylet/convert.h"
#include "raylet/links/client_registry.h"
#include "raylet/session_files.h"
#include "raylet/workers/process.h"

namespace troupe::raylet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

bool Eventually(const std::function<bool()>& happened) {
  for (const auto deadline = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < deadline;) {
    if (happened()) return true;
    std::this_thread::yield();
    ::usleep(1000);
  }
  return happened();
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A driver in all but its program.
class TestDriver {
 public:
  explicit TestDriver(const std::string& session_dir)
      : socket_(ipc::ClientSocket::Connect(session_dir + "/raylet.sock", 10s).value()) {}

  pb::RayletToClient Register(int version = ipc::kClientProtocolVersion) {
    pb::ClientToRaylet message;
    pb::RegisterClient* request = message.mutable_register_();
    request->set_protocol_version(version);
    request->set_kind(pb::WorkerInfo::DRIVER);
    request->set_process(process.value);
    request->mutable_program()->set_path("/bin/true");
    return Ask(message);
  }
  pb::RayletToClient Ask(pb::ClientToRaylet message) {
    message.set_request_id(++last_request_);
    Send(message);
    return Await([this](const pb::RayletToClient& reply) { return reply.request_id() == last_request_; });
  }
  void Send(const pb::ClientToRaylet& message) { SendRaw(ipc::kToRaylet, message.SerializeAsString()); }
  void SendRaw(std::uint16_t type, const std::string& payload) {
    const Status status = socket_->Send(type, payload);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  pb::RayletToClient Await(const std::function<bool(const pb::RayletToClient&)>& wanted) {
    for (;;) {
      auto frame = socket_->Receive();
      pb::RayletToClient message;
      if (!frame.ok()) {
        ADD_FAILURE() << frame.status().ToString();
        return message;
      }
      if (frame->type != ipc::kFromRaylet) continue;
      if (!message.ParseFromString(frame->payload)) {
        ADD_FAILURE() << "the raylet sent what does not decode: " << testing::PrintToString(frame->payload);
        return message;
      }
      if (wanted(message)) return message;
    }
  }
  std::string AwaitFrame() {
    for (;;) {
      auto frame = socket_->Receive();
      if (!frame.ok()) return "lost: " + frame.status().ToString();
      if (frame->type == ipc::kRouted) return frame->payload;
    }
  }
  bool Lost() {
    for (;;) {
      if (!socket_->Receive().ok()) return true;
    }
  }

  const ProcessId process = ProcessId::Random();

 private:
  std::unique_ptr<ipc::ClientSocket> socket_;
  std::uint64_t last_request_ = 0;
};

class RayletProgramTest : public ::testing::Test {
 protected:
  RayletProgramTest() {
    char name[] = "/tmp/troupe-raylet-test-XXXXXX";
    root_ = ::mkdtemp(name);
    std::ofstream(Token()) << std::string(64, 'a') << "\n";
    std::filesystem::permissions(Token(), std::filesystem::perms(0600));
    head_ = Start(HEAD_PROGRAM, "head", {});
    if (!Eventually([this] { return ReadSession(Dir("head"))->head.has_value(); })) {
      ADD_FAILURE() << "the head does not become ready: " << ReadFile(Dir("head") + "/stderr");
    }
  }

  ~RayletProgramTest() override {
    for (const auto& [pid, pidfd] : running_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      ::close(pidfd);
    }
    for (const char* node : {"a", "b"}) {
      for (const std::string& region : ipc::ListRegions(Regions(node))) ipc::SharedRegion::Unlink(region);
    }
    if (HasFailure()) {
      for (const char* node : {"a", "b"}) std::puts(ReadFile(Dir(node) + "/logs/raylet.log").c_str());
    }
    std::filesystem::remove_all(root_);
  }

  std::string Dir(const std::string& name) const { return root_ + "/" + name; }
  std::string Token() const { return root_ + "/token"; }
  std::string Regions(const std::string& node) const { return RegionTag(Dir(node)) + "-"; }

  pid_t Start(const std::string& program, const std::string& name, const std::vector<std::string>& flags) {
    std::filesystem::create_directory(Dir(name));
    std::filesystem::permissions(Dir(name), std::filesystem::perms(0700));
    SpawnOptions options;
    options.program = program;
    options.argv = {program, "--session-dir", Dir(name)};
    if (std::find(flags.begin(), flags.end(), "--token-file") == flags.end()) {
      options.argv.insert(options.argv.end(), {"--token-file", Token()});
    }
    options.argv.insert(options.argv.end(), flags.begin(), flags.end());
    options.environment = InheritedEnvironment();
    options.stdout_path = options.stderr_path = Dir(name) + "/stderr";
    auto spawned = Spawn(options);
    EXPECT_TRUE(spawned.ok());
    running_.emplace_back(spawned->pid, spawned->pidfd);
    return spawned->pid;
  }
  pid_t StartRaylet(const std::string& name, std::vector<std::string> flags = {}) {
    flags.insert(flags.end(), {"--head", ReadSession(Dir("head"))->head->address, "--num-cpus", "2",
                               "--object-store-memory", "67108864"});
    return Start(RAYLET_PROGRAM, name, flags);
  }
  NodeFile AwaitNode(const std::string& name) {
    EXPECT_TRUE(Eventually([&] { return ReadSession(Dir(name))->node.has_value(); }))
        << ReadFile(Dir(name) + "/stderr");
    return ReadSession(Dir(name))->node.value_or(NodeFile{});
  }
  // Waits for the end; the exit status, or -1 when a signal ended it.
  int Exit(pid_t pid) {
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    std::erase_if(running_, [&](const auto& process) { return process.first == pid && ::close(process.second) == 0; });
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string root_;
  pid_t head_ = 0;
  std::vector<std::pair<pid_t, int>> running_;
};

TEST_F(RayletProgramTest, TwoNodesCarryFramesAndObjectsBetweenTheirClients) {
  const pid_t raylet_a = StartRaylet("a", {"--head-node"});
  const pid_t raylet_b = StartRaylet("b");
  const NodeId node_a = NodeId::FromHex(AwaitNode("a").node_id).value();
  const NodeId node_b = NodeId::FromHex(AwaitNode("b").node_id).value();

  TestDriver a(Dir("a"));
  const pb::RayletToClient registered = a.Register();
  ASSERT_TRUE(registered.has_registered()) << registered.error().message();
  EXPECT_EQ(registered.registered().node(), node_a.Bytes());
  EXPECT_TRUE(registered.registered().is_head_node());
  EXPECT_NE(registered.registered().job(), 0U);
  EXPECT_EQ(registered.registered().driver().process(), a.process.value);
  TestDriver b(Dir("b"));
  ASSERT_TRUE(b.Register().has_registered());

  const auto nodes_of = [](TestDriver& driver) {
    pb::ClientToRaylet ask;
    ask.mutable_cluster_state();
    return driver.Ask(ask).cluster_state().nodes_size();
  };
  ASSERT_TRUE(Eventually([&] { return nodes_of(a) == 2 && nodes_of(b) == 2; }));

  a.SendRaw(ipc::kRouted, ipc::EncodeRoutedHeader({node_b, b.process}) + "hello");
  EXPECT_EQ(b.AwaitFrame(), ipc::EncodeRoutedHeader({node_a, a.process}) + "hello");
  b.SendRaw(ipc::kRouted, ipc::EncodeRoutedHeader({node_a, ProcessId{1}}) + "nobody");
  EXPECT_EQ(b.Await([](const auto& m) { return m.has_undeliverable(); }).undeliverable().destination().process(), 1U);

  // Larger than a chunk, so that it takes several.
  const std::uint64_t size = (3 << 20) + 17;
  const ObjectId object{a.process.value, 1};
  pb::ClientToRaylet create;
  create.mutable_create_object()->set_id(object.Bytes());
  create.mutable_create_object()->set_size(size);
  const pb::ObjectExtent made = a.Ask(create).object_extent();
  store::StoreView view;
  auto place = view.MapWritable({made.segment(), made.segment_size(), made.offset(), made.size()});
  ASSERT_TRUE(place.ok()) << place.status().ToString();
  for (std::uint64_t i = 0; i < size; ++i) (*place)[i] = static_cast<std::byte>(i * 7 + i / 251);
  pb::ClientToRaylet seal;
  seal.mutable_seal_object()->set_id(object.Bytes());
  a.Send(seal);

  pb::ClientToRaylet get;
  get.mutable_get_object()->set_id(object.Bytes());
  get.mutable_get_object()->add_nodes(node_a.Bytes());
  const pb::RayletToClient got = b.Ask(get);
  ASSERT_TRUE(got.has_object_extent()) << got.error().message();
  const pb::ObjectExtent& copy = got.object_extent();
  EXPECT_NE(copy.segment(), made.segment());
  auto bytes = view.MapReadable({copy.segment(), copy.segment_size(), copy.offset(), copy.size()});
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  ASSERT_EQ(bytes->size(), size);
  EXPECT_EQ(std::memcmp(bytes->data(), place->data(), size), 0);

  pb::ClientToRaylet wrong;
  wrong.mutable_get_object()->set_id(ObjectId{5, 5}.Bytes());
  wrong.mutable_get_object()->add_nodes(node_a.Bytes());
  EXPECT_EQ(b.Ask(wrong).error().kind(), pb::Error::OBJECT_LOST);

  ::kill(raylet_b, SIGTERM);
  EXPECT_EQ(Exit(raylet_b), 0);
  EXPECT_EQ(a.Await([](const auto& m) { return m.has_node_died(); }).node_died().node(), node_b.Bytes());
  ::kill(raylet_a, SIGTERM);
  EXPECT_EQ(Exit(raylet_a), 0);
  EXPECT_TRUE(a.Lost());
  for (const char* node : {"a", "b"}) {
    EXPECT_THAT(ipc::ListRegions(Regions(node)), IsEmpty());
    EXPECT_FALSE(std::filesystem::exists(Dir(node) + "/node.json"));
    EXPECT_FALSE(std::filesystem::exists(Dir(node) + "/raylet.sock"));
  }
}

TEST_F(RayletProgramTest, AClientThatBreaksTheProtocolHarmsNobodyElse) {
  StartRaylet("a");
  const NodeId node = NodeId::FromHex(AwaitNode("a").node_id).value();
  TestDriver good(Dir("a"));
  ASSERT_TRUE(good.Register().has_registered());

  TestDriver old(Dir("a"));
  EXPECT_THAT(old.Register(99).error().message(), HasSubstr("version 99"));
  EXPECT_TRUE(old.Lost());
  TestDriver garbage(Dir("a"));
  garbage.SendRaw(ipc::kToRaylet, "\xff\xff\xff");
  EXPECT_TRUE(garbage.Lost());
  TestDriver early(Dir("a"));
  early.Send(pb::ClientToRaylet());
  EXPECT_TRUE(early.Lost());
  TestDriver twice(Dir("a"));
  ASSERT_TRUE(twice.Register().has_registered());
  pb::ClientToRaylet watch;
  watch.mutable_watch_process()->mutable_process()->set_node(node.Bytes());
  watch.mutable_watch_process()->mutable_process()->set_process(twice.process.value);
  good.Send(watch);
  pb::ClientToRaylet constructed;
  constructed.mutable_actor_constructed();
  twice.Send(constructed);
  EXPECT_TRUE(twice.Lost());
  EXPECT_EQ(good.Await([](const auto& m) { return m.has_process_died(); }).process_died().process(),
            twice.process.value);

  pb::ClientToRaylet open;
  open.mutable_open_channel()->set_peer(1);
  EXPECT_TRUE(good.Ask(open).has_error());
}

TEST_F(RayletProgramTest, AProgramThatNeverCallsInitFailsTheLease) {
  StartRaylet("a");
  AwaitNode("a");
  TestDriver driver(Dir("a"));
  ASSERT_TRUE(driver.Register().has_registered());
  pb::ClientToRaylet request;
  request.mutable_lease_request()->set_key(1);
  request.mutable_lease_request()->set_count(1);
  driver.Send(request);
  const auto update = driver.Await([](const auto& m) { return m.has_lease_update(); }).lease_update();
  EXPECT_EQ(update.error().kind(), pb::Error::PROGRAM);
  EXPECT_THAT(update.error().message(), HasSubstr("troupe::Init"));
}

TEST_F(RayletProgramTest, AKilledRayletsSharedMemoryIsReclaimedByTheNext) {
  const pid_t first = StartRaylet("a");
  AwaitNode("a");
  TestDriver driver(Dir("a"));
  ASSERT_TRUE(driver.Register().has_registered());
  EXPECT_FALSE(ipc::ListRegions(Regions("a")).empty());
  ::kill(first, SIGKILL);
  EXPECT_EQ(Exit(first), -1);
  std::filesystem::remove(Dir("a") + "/node.json");
  StartRaylet("a");
  AwaitNode("a");
  EXPECT_THAT(ipc::ListRegions(Regions("a")), testing::ElementsAre(testing::EndsWith("-lease"))) << "its own";
}

TEST_F(RayletProgramTest, AKilledRayletsSharedMemoryGoesWhenItsSessionIsStopped) {
  const pid_t raylet = StartRaylet("a");
  AwaitNode("a");
  TestDriver driver(Dir("a"));
  ASSERT_TRUE(driver.Register().has_registered());
  RemoveSessionMemory(Dir("a"));
  EXPECT_FALSE(ipc::ListRegions(Regions("a")).empty()) << "it runs";
  ::kill(raylet, SIGKILL);
  EXPECT_EQ(Exit(raylet), -1);
  EXPECT_TRUE(StopSession(*ReadSession(Dir("a")), 1s).ok());
  EXPECT_THAT(ipc::ListRegions(Regions("a")), IsEmpty());
}

TEST_F(RayletProgramTest, RefusesBadUsageWithOneLine) {
  EXPECT_EQ(Exit(StartRaylet("a", {"--resources", "[]"})), 2);
  EXPECT_THAT(ReadFile(Dir("a") + "/stderr"), HasSubstr("--resources must be a JSON object"));
  EXPECT_EQ(Exit(StartRaylet("a", {"--port", "70000"})), 2);
}

TEST_F(RayletProgramTest, AWrongTokenEndsItWithTheReason) {
  std::ofstream(root_ + "/other") << std::string(64, 'b') << "\n";
  std::filesystem::permissions(root_ + "/other", std::filesystem::perms(0600));
  EXPECT_EQ(Exit(StartRaylet("a", {"--token-file", root_ + "/other"})), 1);
  EXPECT_THAT(ReadFile(Dir("a") + "/stderr"), HasSubstr("token"));
}

}  // namespace
}  // namespace troupe::raylet
