// troupe start and troupe stop, and what may be wrong with their input and surroundings.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/integration/cli/command.h"
#include "tests/integration/processes.h"
#include "tests/integration/wait.h"
#include "tests/unit/rpc/wire_tap.h"

namespace troupe::integration {
namespace {

namespace fs = std::filesystem;

// Each test has a session root of its own and leaves no process and no session behind.
class StartAndStop : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / "troupe-integration-XXXXXX";
    ASSERT_NE(mkdtemp(root_.data()), nullptr);
    setenv("TROUPE_SESSION_ROOT", root_.c_str(), 1);
    setenv("TROUPE_TOKEN_FILE", (root_ + "/token").c_str(), 1);
    setenv(kMark, root_.c_str(), 1);
    unsetenv("TROUPE_ADDRESS");
  }
  void TearDown() override {
    const CommandResult stopped = Troupe({"stop", "--all"});
    EXPECT_EQ(stopped.status, 0) << stopped;
    EXPECT_TRUE(Eventually([this] { return ProcessesOf(root_).empty(); }));
    for (const auto& [pid, command] : ProcessesOf(root_)) kill(pid, SIGKILL);
    fs::remove_all(root_);
  }

  // The usual flags, and then these.
  static CommandResult Start(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"start", "--num-cpus", "1", "--object-store-memory", "64MiB", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Troupe(arguments);
  }
  std::size_t Processes() const { return ProcessesOf(root_).size(); }
  // Of a raylet: itself and its guard.
  static constexpr std::size_t kNode = 2;

  std::string root_;
};

TEST_F(StartAndStop, AClusterOfTwoNodesStartsAndStops) {
  const CommandResult head = Start({"--head"});
  ASSERT_EQ(head.status, 0) << head;
  const nlohmann::json started = head.Json();
  EXPECT_TRUE(fs::exists(started["token_file"].get<std::string>()));
  const CommandResult node = Start({"--address", started["address"]});
  ASSERT_EQ(node.status, 0) << node;
  EXPECT_TRUE(Eventually([] { return Troupe({"list", "nodes", "--json"}).Json().size() == 2; }));
  EXPECT_EQ(Processes(), 1 + 2 * kNode);
  EXPECT_EQ(Troupe({"stop", "--session-dir", node.Json()["session_dir"]}).status, 0);
  EXPECT_TRUE(Eventually([this] { return Processes() == 1 + kNode; }));
  EXPECT_EQ(Troupe({"stop"}).status, 0);
  EXPECT_TRUE(Eventually([this] { return Processes() == 0; }));
  EXPECT_FALSE(fs::exists(started["session_dir"].get<std::string>()));
}

TEST_F(StartAndStop, StoppingTwiceIsNoError) {
  ASSERT_EQ(Start({"--head"}).status, 0);
  EXPECT_EQ(Troupe({"stop"}).status, 0);
  EXPECT_EQ(Troupe({"stop"}).status, 0);
  EXPECT_EQ(Troupe({"status"}).status, 3);
}

TEST_F(StartAndStop, ACommandSaysWhichOfSeveralClustersItTook) {
  const CommandResult first = Start({"--head"});
  ASSERT_EQ(first.status, 0) << first;
  EXPECT_EQ(Start({"--address", first.Json()["address"]}).status, 0);
  EXPECT_EQ(Troupe({"status"}).err, "") << "there is one, on two nodes";
  const CommandResult second = Start({"--head"});
  ASSERT_EQ(second.status, 0) << second;
  const std::string newest = second.Json()["address"];
  const CommandResult unnamed = Troupe({"list", "nodes", "--json"});
  EXPECT_EQ(unnamed.Json().size(), 1U) << unnamed;
  EXPECT_NE(unnamed.err.find("2 clusters run on this machine; this is the newest, at " + newest), std::string::npos)
      << unnamed;
  EXPECT_EQ(Troupe({"status", "--address", newest}).err, "");
}

std::string ManyResources(int count) {
  nlohmann::json resources;
  for (int i = 0; i < count; ++i) resources["resource" + std::to_string(i)] = 1;
  return resources.dump();
}

TEST_F(StartAndStop, WrongAmountsAreRefusedBeforeAnythingStarts) {
  const std::vector<std::vector<std::string>> wrong = {{"--resources", "{"},
                                                       {"--resources", "[1]"},
                                                       {"--resources", std::string(100'000, '[')},
                                                       {"--resources", ManyResources(4'000)},
                                                       {"--labels", "{\"a b\": \"x\"}"},
                                                       {"--resources", "{\"disk\": -1}"},
                                                       {"--resources", "{\"d\": \"x\"}"},
                                                       {"--resources", "{\"d\": 1e300}"},
                                                       {"--resources", "{\"CPU\": 1}"},
                                                       {"--labels", "{\"zone\": 3}"},
                                                       {"--memory", "lots"},
                                                       {"--object-store-memory", "-1"},
                                                       {"--num-gpus", "-1"},
                                                       {"--port", "70000"},
                                                       {"--log-level", "loud"}};
  for (const auto& flags : wrong) {
    std::vector<std::string> arguments = {"--head"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const CommandResult result = Start(arguments);
    EXPECT_EQ(result.status, 2) << flags[0] << " " << flags[1].substr(0, 80) << ": " << result;
    EXPECT_FALSE(result.err.empty());
    EXPECT_LT(result.err.size(), 1000U) << "what is wrong drowns in what was given";
  }
  const CommandResult huge = Troupe({"start", "--head", "--num-cpus", "1e300"});
  EXPECT_EQ(huge.status, 2) << huge;
  EXPECT_EQ(Processes(), 0U);
}

TEST_F(StartAndStop, AnObjectStoreLargerThanTheMachineIsRefused) {
  const CommandResult result = Troupe({"start", "--head", "--object-store-memory", "900T"});
  EXPECT_NE(result.status, 0) << result;
  EXPECT_TRUE(result.Says("object")) << result;
  EXPECT_EQ(Processes(), 0U) << "the head was left running";
}

TEST_F(StartAndStop, ABusyPortIsNamed) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  const CommandResult head = Start({"--head", "--port", port});
  EXPECT_EQ(head.status, 1) << head;
  EXPECT_TRUE(head.Says(port)) << head;
  const CommandResult node = Start({"--head", "--node-port", port});
  EXPECT_EQ(node.status, 1) << node;
  EXPECT_TRUE(node.Says(port)) << node;
  EXPECT_EQ(Processes(), 0U) << "half a cluster was left";
  close(listener);
}

TEST_F(StartAndStop, JoiningWhatIsNotThereFails) {
  ASSERT_EQ(Start({"--head"}).status, 0);  // makes the token
  const CommandResult result = Start({"--address", "127.0.0.1:1"});
  EXPECT_EQ(result.status, 3) << result;
  EXPECT_EQ(Start({"--address", "nonsense"}).status, 2);
  EXPECT_EQ(Processes(), 1 + kNode);
}

// A daemon is known to the others by the address it listens on.
TEST_F(StartAndStop, AnAddressThatMeansEveryOneIsNotListenedOn) {
  for (const char* address : {"0.0.0.0", "::"}) {
    const CommandResult result = Start({"--head", "--bind", address});
    EXPECT_EQ(result.status, 2) << result;
    EXPECT_TRUE(result.Says("means every address of this machine")) << result;
    EXPECT_EQ(Processes(), 0U);
  }
  const CommandResult result = Start({"--head", "--bind", "192.0.2.77"});
  EXPECT_EQ(result.status, 1) << "another machine's: " << result;
  EXPECT_TRUE(result.Says("cannot listen on 192.0.2.77")) << result;
}

// An address of this machine that others reach; empty where there is none.
std::string OuterAddress() {
  ifaddrs* found = nullptr;
  if (getifaddrs(&found) != 0) return {};
  std::string address;
  for (const ifaddrs* each = found; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    if ((each->ifa_flags & IFF_UP) == 0 || (each->ifa_flags & IFF_LOOPBACK) != 0) continue;
    char text[INET_ADDRSTRLEN] = {};
    const auto* in = reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
    if (inet_ntop(AF_INET, &in->sin_addr, text, sizeof text) != nullptr) address = text;
  }
  freeifaddrs(found);
  return address;
}

TEST_F(StartAndStop, AClusterListensWhereOtherMachinesReachIt) {
  const std::string outer = OuterAddress();
  if (outer.empty()) GTEST_SKIP() << "this machine has no address but the loopback interface's";
  const CommandResult head = Start({"--head", "--bind", outer});
  ASSERT_EQ(head.status, 0) << head;
  const std::string address = head.Json()["address"];
  EXPECT_TRUE(address.starts_with(outer + ":")) << address;
  const CommandResult node = Start({"--address", address, "--bind", outer});
  ASSERT_EQ(node.status, 0) << node;
  EXPECT_TRUE(Eventually([&] { return Troupe({"list", "nodes", "--json", "--address", address}).Json().size() == 2; }));
  EXPECT_EQ(Troupe({"submit", "--address", address, "--", "true"}).status, 0);
}

// Whoever takes the port of a dead head hears from raylets and commands, and can use nothing of it.
TEST_F(StartAndStop, AnImpostorInThePlaceOfTheHeadLearnsNothing) {
  const nlohmann::json started = Start({"--head"}).Json();
  const std::string address = started["address"];
  const pid_t raylet = started["raylet_pid"].get<pid_t>();
  ASSERT_EQ(kill(started["head_pid"].get<pid_t>(), SIGKILL), 0);
  ASSERT_TRUE(WaitGone(started["head_pid"].get<pid_t>()));
  rpc::WireTap tap({.port = std::stoi(address.substr(address.rfind(':') + 1)), .greeting = rpc::kHttp2Greeting});
  EXPECT_TRUE(Eventually([&] { return !tap.heard().empty(); })) << "the raylet looks for its head";
  const CommandResult status = Troupe({"status", "--address", address});
  EXPECT_EQ(status.status, 3) << status;
  EXPECT_TRUE(status.Says("cannot reach the head at " + address + ": what listens there is another program")) << status;
  EXPECT_EQ(Troupe({"submit", "--address", address, "--", "true"}).status, 3);
  std::ifstream file(root_ + "/token");
  std::string token;
  file >> token;
  ASSERT_EQ(token.size(), 64U);
  for (const std::string& secret : {token, std::string("GetStatus"), std::string("troupe.pb")}) {
    EXPECT_EQ(tap.heard().find(secret), std::string::npos) << secret;
  }
  EXPECT_TRUE(IsRunning(raylet)) << "a stranger has ended it";
}

TEST_F(StartAndStop, ANodeWithAWrongTokenIsRefused) {
  const CommandResult head = Start({"--head"});
  ASSERT_EQ(head.status, 0) << head;
  const std::string wrong = root_ + "/wrong";
  std::ofstream(wrong) << std::string(64, 'a');
  fs::permissions(wrong, fs::perms::owner_read | fs::perms::owner_write);
  const CommandResult node = Start({"--address", head.Json()["address"], "--token-file", wrong});
  EXPECT_EQ(node.status, 5) << node;
  EXPECT_TRUE(node.Says("does not hold this program's cluster token")) << node;
  EXPECT_EQ(Troupe({"list", "nodes", "--json"}).Json().size(), 1U);
  EXPECT_EQ(Processes(), 1 + kNode);
}

// The address of a head that died may be that of another cluster's by the time a node comes back.
TEST_F(StartAndStop, ANodeIsRefusedByAHeadOfAnotherCluster) {
  const CommandResult first = Start({"--head"});
  ASSERT_EQ(first.status, 0) << first;
  const std::string address = first.Json()["address"];
  const std::string port = address.substr(address.rfind(':') + 1);
  ASSERT_EQ(kill(first.Json()["head_pid"].get<pid_t>(), SIGKILL), 0);
  ASSERT_TRUE(WaitGone(first.Json()["head_pid"].get<pid_t>()));
  const CommandResult second = Start({"--head", "--port", port});
  ASSERT_EQ(second.status, 0) << second;
  EXPECT_TRUE(WaitGone(first.Json()["raylet_pid"].get<pid_t>())) << "it goes on without a cluster";
  std::ifstream log(first.Json()["session_dir"].get<std::string>() + "/logs/raylet.log");
  const std::string text{std::istreambuf_iterator<char>(log), {}};
  EXPECT_NE(text.find("belongs to cluster"), std::string::npos) << text;
  EXPECT_EQ(Troupe({"list", "nodes", "--json", "--address", address}).Json().size(), 1U);
}

// Whoever looks for the token: it is in its file and nowhere else.
TEST_F(StartAndStop, TheTokenIsSeenNowhere) {
  const nlohmann::json started = Start({"--head"}).Json();
  ASSERT_EQ(Troupe({"submit", "--", "env"}).status, 0);
  Program job({TroupeProgram(), "submit", "--submission-id", "sleeper", "--", "sleep", "100"});
  ASSERT_TRUE(Eventually([] { return Troupe({"job", "list"}).Says("RUNNING"); }));
  const auto read = [](const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  const std::string token = read(root_ + "/token").substr(0, 64);
  ASSERT_EQ(token.size(), 64U);
  const auto processes = ProcessesOf(root_);
  EXPECT_GE(processes.size(), 4U) << "head, raylet, command, job";
  for (const auto& [pid, command] : processes) {
    const fs::path process = "/proc/" + std::to_string(pid);
    EXPECT_EQ(read(process / "cmdline").find(token), std::string::npos) << command;
    EXPECT_EQ(read(process / "environ").find(token), std::string::npos) << command;
  }
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(started["session_dir"].get<std::string>())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_EQ(read(entry.path()).find(token), std::string::npos) << entry.path();
  }
  EXPECT_GE(files, 6U);
  EXPECT_EQ(Troupe({"job", "stop", "sleeper"}).status, 0);
  EXPECT_EQ(job.Wait(), 143);
}

TEST_F(StartAndStop, WhatIsMadeIsThisUsersAlone) {
  const std::string session = Start({"--head"}).Json()["session_dir"];
  const auto mode = [](const std::string& path) { return fs::status(path).permissions(); };
  const fs::perms file = fs::perms::owner_read | fs::perms::owner_write;
  EXPECT_EQ(mode(root_ + "/token"), file);
  EXPECT_EQ(mode(session), fs::perms::owner_all);
  EXPECT_EQ(mode(session + "/logs"), fs::perms::owner_all);
  EXPECT_EQ(mode(session + "/raylet.sock"), file);
  for (const auto& [pid, command] : ProcessesOf(root_)) {
    for (const std::string& tag : SharedMemoryTags(pid)) {
      for (const std::string& name : SharedMemoryNames(tag)) EXPECT_EQ(mode("/dev/shm/" + name), file) << name;
    }
  }
}

TEST_F(StartAndStop, ASessionFolderThatCannotBeUsedIsRefused) {
  const CommandResult file = Start({"--head", "--session-dir", "/dev/null/x"});
  EXPECT_EQ(file.status, 1) << file;
  EXPECT_TRUE(file.Says("/dev/null/x")) << file;
  const std::string open = root_ + "/open";
  fs::create_directory(open);
  fs::permissions(open, fs::perms::all);
  const CommandResult result = Start({"--head", "--session-dir", open});
  EXPECT_NE(result.status, 0) << result;
  EXPECT_TRUE(result.Says(open)) << result;
  EXPECT_EQ(Processes(), 0U);
}

TEST_F(StartAndStop, TheFolderOfAKilledClusterIsUsedAgain) {
  const std::string dir = root_ + "/mine";
  const CommandResult first = Start({"--head", "--session-dir", dir});
  ASSERT_EQ(first.status, 0) << first;
  EXPECT_EQ(Start({"--head", "--session-dir", dir}).status, 1) << "two clusters in one folder";
  for (const char* name : {"head_pid", "raylet_pid"}) {
    const pid_t pid = first.Json()[name];
    kill(pid, SIGKILL);
    ASSERT_TRUE(WaitGone(pid));
  }
  EXPECT_EQ(Troupe({"status"}).status, 3);
  const CommandResult second = Start({"--head", "--session-dir", dir});
  EXPECT_EQ(second.status, 0) << second;
  EXPECT_TRUE(second.Says("left behind")) << second;
  EXPECT_EQ(Troupe({"status"}).status, 0);
}

TEST_F(StartAndStop, ATokenThatOthersCanReadIsRefused) {
  ASSERT_EQ(Start({"--head"}).status, 0);
  fs::permissions(root_ + "/token", fs::perms::all);
  const CommandResult status = Troupe({"status"});
  EXPECT_EQ(status.status, 5) << status;
  EXPECT_TRUE(status.Says("token")) << status;
}

TEST_F(StartAndStop, BlockStaysUntilItIsInterrupted) {
  Program program({TroupeProgram(), "start", "--head", "--num-cpus", "1", "--object-store-memory", "64MiB", "--block"});
  ASSERT_TRUE(program.WaitForOutput("troupe status")) << program.Errors();
  EXPECT_EQ(Processes(), 2 + kNode);
  program.Signal(SIGINT);
  EXPECT_EQ(program.Wait(), 0) << program.Errors();
  EXPECT_EQ(Processes(), 0U);
}

// Where a supervisor looks for why it ended.
TEST_F(StartAndStop, AFolderThatTheUserNamedStaysWithItsLogs) {
  const std::string dir = root_ + "/mine";
  Program program({TroupeProgram(), "start", "--head", "--num-cpus", "1", "--object-store-memory", "64MiB", "--block",
                   "--session-dir", dir});
  ASSERT_TRUE(program.WaitForOutput("troupe status")) << program.Errors();
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait(), 0) << program.Errors();
  EXPECT_TRUE(fs::exists(dir + "/logs/head.log"));
  EXPECT_TRUE(fs::exists(dir + "/logs/raylet.log"));
}

TEST_F(StartAndStop, AValueThatOnlyADaemonRefusesIsWrongUsage) {
  const std::vector<std::vector<std::string>> values = {{"--object-store-memory", "1000"}, {"--num-gpus", "1.5"}};
  for (const auto& value : values) {
    const CommandResult result = Troupe({"start", "--head", "--num-cpus", "1", value[0], value[1]});
    EXPECT_EQ(result.status, 2) << result;
    EXPECT_TRUE(result.Says(value[0])) << result;
    EXPECT_FALSE(result.Says("[error]")) << "it is said once: " << result;
  }
}

CommandResult Shell(const std::string& script) {
  Program shell({"/bin/sh", "-c", "troupe=$0; " + script, TroupeProgram()});
  CommandResult result;
  result.status = shell.Wait();
  result.out = shell.Output();
  result.err = shell.Errors();
  return result;
}

TEST_F(StartAndStop, WhatCannotBeWrittenIsAFailure) {
  const CommandResult full = Shell("$troupe start --head --num-cpus 1 --object-store-memory 64MiB >/dev/full");
  EXPECT_EQ(full.status, 1) << full;
  EXPECT_EQ(full.err, "troupe: cannot write to standard output: No space left on device\n");
  EXPECT_EQ(Processes(), 0U) << "a cluster that nobody was told of";

  ASSERT_EQ(Start({"--head"}).status, 0);
  const std::string pipe_file = root_ + "/pipe";
  ASSERT_EQ(mkfifo(pipe_file.c_str(), 0600), 0);
  for (const char* command :
       {"status", "status --json", "list nodes", "list jobs", "version", "version --json", "completion bash", "--help",
        "help start", "--version", "logs head", "logs head --tail 2", "submit -- echo x", "submit --no-wait -- true",
        "job list", "stop --help", "logs head --follow"}) {
    const CommandResult disk = Shell(std::string("$troupe ") + command + " >/dev/full");
    EXPECT_EQ(disk.status, 1) << command << ": " << disk;
    EXPECT_TRUE(disk.Says("troupe: cannot write to standard output: No space left on device")) << command << disk;
    const CommandResult closed = Shell(std::string("$troupe ") + command + " >&-");
    EXPECT_EQ(closed.status, 1) << command << ": " << closed;
    EXPECT_TRUE(closed.Says("troupe: cannot write to standard output: Bad file descriptor")) << command << closed;
    // The pipe's reader has gone before anything is written, and who started this ignores the signal.
    const CommandResult pipe =
        Shell("trap '' PIPE; exec 4<>" + pipe_file + " 5>" + pipe_file + " 4<&-; $troupe " + command + " >&5");
    EXPECT_EQ(pipe.status, 1) << command << ": " << pipe;
    EXPECT_FALSE(pipe.Says("annot write")) << command << pipe;
  }
  EXPECT_EQ(Shell("$troupe status <&- 2>&-").status, 0);
}

}  // namespace
}  // namespace troupe::integration
