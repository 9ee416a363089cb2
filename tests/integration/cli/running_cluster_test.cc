// The commands that look at, steer and use a cluster that runs.
#include <signal.h>
#include <troupe/troupe.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/integration/cli/command.h"
#include "tests/integration/cluster_fixture.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"
#include "tests/integration/wait.h"

namespace cli {

class Printer {
 public:
  int Print(const std::string& line) const {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    return getpid();
  }
};

}  // namespace cli

TROUPE_ACTOR(cli::Printer, Print);

namespace troupe::integration {
namespace {

using ::cli::Printer;

class Commands : public DriverTest {
 protected:
  // The command must succeed.
  static nlohmann::json Json(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const CommandResult result = Troupe(arguments);
    EXPECT_EQ(result.status, 0) << result;
    return result.Json();
  }
  void TearDown() override {
    EXPECT_EQ(troupe::Run([] { return 1; }).Get(kDeadline), 1) << "the cluster is harmed";
  }
};

TEST_F(Commands, StatusAndListsShowWhatThereIs) {
  auto actor = Spawn<Printer>({.name = "printer", .name_space = "cli", .num_cpus = 1});
  WaitAlive(actor, kDeadline);
  const CommandResult status = Troupe({"status"});
  EXPECT_EQ(status.status, 0) << status;
  EXPECT_TRUE(status.Says("CPU")) << status;
  EXPECT_EQ(Json({"list", "nodes"}).size(), 1U);
  const nlohmann::json actors = Json({"list", "actors"});
  ASSERT_EQ(actors.size(), 1U) << actors;
  EXPECT_NE(actors[0].dump().find("printer"), std::string::npos) << actors;
  EXPECT_GE(Json({"list", "workers"}).size(), 1U);
  EXPECT_EQ(Json({"list", "jobs"}).size(), 1U);
  EXPECT_NE(Json({"status"}).dump().find("CPU"), std::string::npos);
  for (const char* what : {"nodes", "actors", "workers", "jobs"}) EXPECT_EQ(Troupe({"list", what}).status, 0) << what;
}

int SleepUntilThere(const std::string& file) {
  Eventually([&] { return std::filesystem::exists(file); });
  return 1;
}

TEST_F(Commands, WorkersAreBusyWhileTheyRunTasks) {
  const auto busy = [] {
    int count = 0;
    for (const auto& worker : Json({"list", "workers"})) count += worker["state"] == "task";
    return count;
  };
  const std::string file = cluster().NewFile();
  auto task = troupe::Run<&SleepUntilThere>(file);
  EXPECT_TRUE(Eventually([&] { return busy() == 1; }));
  std::ofstream{file};
  EXPECT_EQ(task.Get(kDeadline), 1);
  EXPECT_TRUE(Eventually([&] { return busy() == 0; }));
}

TEST_F(Commands, GetAndKillAnActorByNameAndId) {
  auto named = Spawn<Printer>({.name = "target", .name_space = "cli"});
  const int pid = named.Print("x").Get(kDeadline);
  const CommandResult shown = Troupe({"get", "actor", "target"});
  EXPECT_EQ(shown.status, 0) << shown;
  EXPECT_TRUE(shown.Says(std::to_string(pid))) << shown;
  EXPECT_EQ(Troupe({"get", "actor", named.id().Hex()}).status, 0);
  EXPECT_EQ(Troupe({"kill", "target", "--namespace", "cli"}).status, 0);
  EXPECT_TRUE(WaitGone(pid));
  EXPECT_THROW(named.Print("y").Get(kDeadline), ActorDiedError);
  const CommandResult again = Troupe({"kill", "target", "--namespace", "cli"});
  EXPECT_EQ(again.status, 4) << again;
}

TEST_F(Commands, TakeNamesInAnyLanguage) {
  const std::string name = "gro\u00dfer Z\u00e4hler", name_space = "Werk S\u00fcd";
  auto actor = Spawn<Printer>({.name = name, .name_space = name_space});
  const int pid = actor.Print("a line of its own").Get(kDeadline);
  EXPECT_TRUE(Troupe({"list", "actors"}).Says(name));
  EXPECT_TRUE(Troupe({"get", "actor", name}).Says(name_space));
  EXPECT_TRUE(Troupe({"logs", "actor", name, "--namespace", name_space}).Says("a line of its own"));
  EXPECT_EQ(Troupe({"kill", name, "--namespace", name_space}).status, 0);
  EXPECT_TRUE(WaitGone(pid));
}

TEST_F(Commands, KillWithRestartKeepsTheActor) {
  auto actor = Spawn<Printer>({.name = "phoenix", .name_space = "cli", .max_restarts = 1, .max_task_retries = -1});
  const int pid = actor.Print("x").Get(kDeadline);
  EXPECT_EQ(Troupe({"kill", "phoenix", "--restart"}).status, 0);
  EXPECT_TRUE(WaitGone(pid));
  EXPECT_NE(actor.Print("y").Get(kDeadline), pid);
}

TEST_F(Commands, LogsShowWhatAnActorPrinted) {
  auto actor = Spawn<Printer>({.name = "loud", .name_space = "cli"});
  actor.Print("a line of its own").Get(kDeadline);
  const CommandResult logs = Troupe({"logs", "actor", "loud"});
  EXPECT_EQ(logs.status, 0) << logs;
  EXPECT_TRUE(logs.Says("a line of its own")) << logs;
  EXPECT_EQ(Troupe({"logs", "head"}).status, 0);
  EXPECT_EQ(Troupe({"logs", "raylet", cluster().node_id(0)}).status, 0);
}

TEST_F(Commands, UnknownNamesAreNotFound) {
  const std::vector<std::vector<std::string>> commands = {
      {"get", "actor", "nobody"},   {"kill", "nobody"},          {"logs", "actor", "nobody"},
      {"job", "status", "nobody"},  {"job", "stop", "nobody"},   {"logs", "job", "nobody"},
      {"get", "actor", "no\nbody"}, {"get", "actor", "../../x"}, {"logs", "worker", "0123456789abcdef"}};
  for (const auto& command : commands) {
    const CommandResult result = Troupe(command);
    EXPECT_EQ(result.status, 4) << command[0] << " " << command[1] << ": " << result;
    EXPECT_FALSE(result.err.empty());
  }
}

TEST_F(Commands, WrongFlagsAreExplained) {
  const std::vector<std::vector<std::string>> commands = {
      {"--no-such-flag"}, {"nonsense"},          {"list"},   {"list", "ghosts"}, {"get", "actor"},
      {"kill"},           {"status", "--jason"}, {"submit"}, {"start"},          {"list", "actors", "--limit", "many"}};
  for (const auto& command : commands) {
    const CommandResult result = Troupe(command, {{"TROUPE_ADDRESS", ""}});
    EXPECT_EQ(result.status, 2) << command[0] << ": " << result;
    EXPECT_FALSE(result.err.empty());
  }
  EXPECT_TRUE(Troupe({"frobnicate"}).Says("has no command 'frobnicate'"));
  EXPECT_TRUE(Troupe({"list", "ghosts"}).Says("nodes, actors, workers or jobs"));
}

TEST_F(Commands, AnUnreachableHeadAndAWrongTokenAreToldApart) {
  const CommandResult unreachable = Troupe({"status", "--address", "127.0.0.1:1"});
  EXPECT_EQ(unreachable.status, 3) << unreachable;
  EXPECT_TRUE(unreachable.Says("127.0.0.1:1")) << unreachable;

  const std::string wrong = cluster().root() + "/token-wrong";
  const CommandResult made = Troupe({"status", "--token-file", wrong});
  EXPECT_EQ(made.status, 5) << made;
  std::FILE* file = std::fopen(wrong.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs(std::string(64, 'a').c_str(), file);
  std::fclose(file);
  std::filesystem::permissions(wrong, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const CommandResult refused = Troupe({"status", "--token-file", wrong});
  EXPECT_EQ(refused.status, 5) << refused;
  std::filesystem::remove(wrong);
}

int Job(const std::vector<std::string>& arguments) {
  Init();
  std::printf("argument %s\n", arguments.at(0).c_str());
  std::printf("sum %d\n", troupe::Run([](int a, int b) { return a + b; }, 40, 2).Get());
  const char* variable = std::getenv("JOB_VARIABLE");
  std::printf("variable %s\n", variable ? variable : "unset");
  std::fflush(stdout);
  if (arguments.size() > 1) pause();
  return 7;
}
const bool kJob = RegisterRole("job", Job);

std::vector<std::string> Submit(std::vector<std::string> flags, const std::vector<std::string>& arguments) {
  flags.insert(flags.begin(), "submit");
  flags.insert(flags.end(), {"--", std::filesystem::read_symlink("/proc/self/exe"), "--integration-role", "job"});
  flags.insert(flags.end(), arguments.begin(), arguments.end());
  return flags;
}

TEST_F(Commands, SubmitRunsAProgramAndReturnsItsExitCode) {
  const CommandResult result = Troupe(Submit({"--submission-id", "first-job", "--env", "JOB_VARIABLE=set"}, {"one"}));
  EXPECT_EQ(result.status, 7) << result;
  EXPECT_TRUE(result.Says("argument one")) << result;
  EXPECT_TRUE(result.Says("sum 42")) << result;
  EXPECT_TRUE(result.Says("variable set")) << result;
  EXPECT_EQ(Troupe({"job", "status", "first-job"}).status, 0);
  EXPECT_TRUE(Troupe({"job", "logs", "first-job"}).Says("sum 42"));
  EXPECT_NE(Json({"job", "list"}).dump().find("first-job"), std::string::npos);
}

TEST_F(Commands, AJobIsStopped) {
  const CommandResult accepted = Troupe(Submit({"--submission-id", "long-job", "--no-wait"}, {"one", "wait"}));
  ASSERT_EQ(accepted.status, 0) << accepted;
  ASSERT_TRUE(Eventually([] { return Troupe({"job", "logs", "long-job"}).Says("sum 42"); }));
  EXPECT_EQ(Troupe({"job", "stop", "long-job"}).status, 0);
  EXPECT_EQ(Troupe({"job", "stop", "long-job"}).status, 1);
}

// A driver that a user has started: says which job it is, and goes on until it is ended.
int WaitingDriver(const std::vector<std::string>& arguments) {
  if (arguments.at(0) == "deaf") signal(SIGTERM, SIG_IGN);
  Init();
  std::printf("job %s.\n", GetRuntimeContext().job.Hex().c_str());
  std::fflush(stdout);
  for (;;) pause();
}
const bool waiting_driver = RegisterRole("waiting-driver", WaitingDriver);

TEST_F(Commands, ADriverStartedByHandHasEndedWhenStopSaysSo) {
  for (const char* how : {"plain", "deaf"}) {
    Program driver = Program::OfRole("waiting-driver", {how});
    ASSERT_TRUE(driver.WaitForOutput(".\n")) << driver.Errors();
    const std::string job = driver.Output().substr(4, 16);
    const CommandResult stopped = Troupe({"job", "stop", job});
    EXPECT_EQ(stopped.status, 0) << stopped;
    EXPECT_TRUE(stopped.Says("STOPPED")) << stopped;
    EXPECT_FALSE(IsRunning(driver.pid())) << how;
    EXPECT_EQ(driver.Wait(), 128 + (how == std::string("deaf") ? SIGKILL : SIGTERM));
    EXPECT_EQ(Json({"job", "status", job})["state"], "STOPPED");
    EXPECT_EQ(Troupe({"job", "stop", job}).status, 1);
  }
}

TEST_F(Commands, AProgramThatNeverCallsInitIsAJobLikeAnother) {
  const CommandResult echo = Troupe({"submit", "--", "echo", "hello there"});
  EXPECT_EQ(echo.status, 0) << echo;
  EXPECT_TRUE(echo.Says("hello there")) << echo;
  EXPECT_TRUE(Troupe({"list", "jobs"}).Says("echo 'hello there'")) << "as a shell reads it";
  const CommandResult bytes = Troupe({"submit", "--", "echo", "caf\xe9"});
  EXPECT_EQ(bytes.status, 0) << bytes;
  EXPECT_TRUE(bytes.Says("caf\xe9")) << bytes;
  EXPECT_TRUE(Troupe({"list", "jobs", "--json"}).Says("caf\xef\xbf\xbd"));
  EXPECT_EQ(Troupe({"job", "status", "caf\xe9"}).status, 4) << "there is no such job";
  EXPECT_EQ(Troupe({"submit", "--", "false"}).status, 1);
  const CommandResult missing = Troupe({"submit", "--", "/no/such/program"});
  EXPECT_NE(missing.status, 0);
  EXPECT_TRUE(missing.Says("/no/such/program")) << missing;
  const CommandResult absent = Troupe({"submit", "--", "no-such-program"});
  EXPECT_EQ(absent.status, 1) << absent;
  EXPECT_TRUE(absent.Says("the program 'no-such-program' is not in the PATH")) << absent;
  const CommandResult elsewhere = Troupe({"submit", "--no-ship", "--", "/no/such/program"});
  EXPECT_EQ(elsewhere.status, 1) << elsewhere;
  EXPECT_TRUE(elsewhere.Says("/no/such/program")) << elsewhere;
  const CommandResult bad = Troupe({"submit", "--submission-id", "a/b", "--", "echo"});
  EXPECT_EQ(bad.status, 2) << bad;
}

// As a worker this program ends, or goes on, without Init: the driver must be told instead of waiting forever.
int ForgetInit(const std::vector<std::string>&) {
  if (std::getenv("TROUPE_WORKER_KIND")) {
    std::fprintf(stderr, "this program does not call Init in workers\n");
    return 0;
  }
  Init();
  const Expected<int> result = troupe::Run({.max_retries = 0}, [] { return 1; }).TryGet(kDeadline);
  if (result) return 0;
  std::printf("%s\n", result.error().message.c_str());
  return result.error().kind == ErrorKind::kTimeout ? 2 : 1;
}
const bool kForgetInit = RegisterRole("forget init", ForgetInit, /*before_init=*/true);

TEST_F(Commands, AProgramWhoseWorkersNeverCallInitIsToldSo) {
  Program program = Program::OfRole("forget init");
  EXPECT_EQ(program.Wait(), 1) << program.Output() << program.Errors();
  EXPECT_NE(program.Output().find("Init"), std::string::npos) << program.Output();
}

TEST_F(Commands, VersionAndCompletionNeedNoCluster) {
  EXPECT_TRUE(Troupe({"version"}).Says(Version()));
  for (const char* shell : {"bash", "zsh", "fish"}) EXPECT_EQ(Troupe({"completion", shell}).status, 0) << shell;
}

}  // namespace
}  // namespace troupe::integration
