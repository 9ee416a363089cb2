#include "cli/check_words.h"
#include "cli_fixture.h"
#include "common/resources.h"
#include "troupe/ids.h"

namespace troupe::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class CommandsTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    pb::NodeInfo& node = *head_.status.add_nodes();
    node.set_id(NodeId{0xaabbccdd00000000, 1}.Bytes());
    node.set_address("127.0.0.1:7001");
    node.set_hostname("alpha");
    node.set_alive(true);
    node.set_is_head_node(true);
    (*node.mutable_total()->mutable_units())["CPU"] = 4 * ResourceSet::kUnit;
    (*node.mutable_available()->mutable_units())["CPU"] = 25'000;
    (*node.mutable_labels())["zone"] = "a";
    node.set_store_used(1 << 20);
    node.set_store_capacity(1 << 30);
    node.add_limits("CPUs: 4 of 8, those that the raylet may run on");
    pb::NodeInfo& dead = *head_.status.add_nodes();
    dead.set_id(NodeId{0x1122334400000000, 2}.Bytes());
    dead.set_death_reason("no report for 10 s");
    pb::Demand& demand = *head_.status.add_pending();
    demand.set_what("actor Trainer");
    demand.set_count(2);
    demand.set_infeasible(true);
    demand.set_reason("needs GPU: 4, the largest node has 0");
    (*demand.mutable_resources()->mutable_units())["GPU"] = 4 * ResourceSet::kUnit;
    head_.status.set_version("0.1.0");
    head_.status.set_cluster(ClusterId{1, 2}.Bytes());
    AddActor(ActorId{0x5555555500000000, 1}, "Counter1", "blue", pb::ALIVE);
    AddActor(ActorId{0x6666666600000000, 2}, "Counter1", "green", pb::ALIVE);
    AddActor(ActorId{0x7777777700000000, 3}, "Old", "blue", pb::DEAD);
    pb::WorkerInfo worker;
    worker.set_id(0x8f0c2d41a6b3e795);
    worker.set_kind(pb::WorkerInfo::WORKER);
    worker.set_state("idle");
    head_.workers.push_back(worker);
  }

  void AddActor(ActorId id, const std::string& name, const std::string& name_space, pb::ActorState state) {
    pb::ActorInfo actor;
    actor.set_id(id.Bytes());
    actor.set_name(name);
    actor.set_name_space(name_space);
    actor.set_class_name("Counter");
    actor.set_state(state);
    if (state == pb::DEAD) actor.mutable_death()->set_message("its driver ended");
    head_.actors.push_back(actor);
  }
};

TEST_F(CommandsTest, StatusShowsNodesResourcesAndWhatWaits) {
  ASSERT_EQ(AtHead({"status"}), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("aabbccdd0000 (head)"));
  EXPECT_THAT(out_, HasSubstr("1.5 / 4"));
  EXPECT_THAT(out_, HasSubstr("1 MiB / 1 GiB"));
  EXPECT_THAT(out_, HasSubstr("can never run here: needs GPU: 4"));
  EXPECT_THAT(out_, HasSubstr("Node aabbccdd0000 offers less than its machine has: CPUs: 4 of 8, "));
  EXPECT_THAT(out_, Not(HasSubstr("\033[")));
  ASSERT_EQ(AtHead({"status", "--json"}), kOk);
  EXPECT_EQ(Json()["nodes"][0]["available"]["CPU"], 2.5);
  EXPECT_EQ(Json()["nodes"][0]["total"].dump(), R"({"CPU":4})") << "whole amounts are integers";
  EXPECT_EQ(Json()["pending"][0]["count"], 2);
  EXPECT_EQ(Json()["version"], "0.1.0");
  EXPECT_EQ(Json()["nodes"][0]["limits"].size(), 1U);
}

TEST_F(CommandsTest, ListsNodesActorsWorkersAndJobs) {
  ASSERT_EQ(AtHead({"list", "nodes"}), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("no report for 10 s"));
  EXPECT_THAT(out_, HasSubstr("zone=a"));
  ASSERT_EQ(AtHead({"list", "actors"}), kOk);
  EXPECT_THAT(out_, HasSubstr("green"));
  EXPECT_THAT(out_, Not(HasSubstr("Old")));
  ASSERT_EQ(AtHead({"list", "actors", "--dead", "--namespace", "blue", "--json"}), kOk);
  EXPECT_EQ(Json().size(), 2u);
  ASSERT_EQ(AtHead({"list", "actors", "--dead"}), kOk);
  EXPECT_THAT(out_, HasSubstr("its driver ended"));
  ASSERT_EQ(AtHead({"list", "actors", "--dead", "--namespace", "blue", "--json"}), kOk);
  EXPECT_EQ(Json()[1]["death_reason"], "its driver ended");
  ASSERT_EQ(AtHead({"list", "workers", "--json"}), kOk);
  EXPECT_EQ(Json()[0]["id"], "8f0c2d41a6b3e795");
  ASSERT_EQ(AtHead({"list", "jobs"}), kOk);
  EXPECT_THAT(out_, HasSubstr("There are no jobs"));
}

TEST_F(CommandsTest, GetsAnActorByNameIdOrFirstDigits) {
  ASSERT_EQ(AtHead({"get", "actor", "Counter1", "--namespace", "green", "--json"}), kOk) << err_;
  EXPECT_EQ(Json()["id"], "66666666000000000000000000000002");
  ASSERT_EQ(AtHead({"get", "actor", "555555"}), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("ALIVE"));
  EXPECT_EQ(AtHead({"get", "actor", "Counter1"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("in namespace green; give more of the id, or --namespace"));
  EXPECT_EQ(AtHead({"get", "actor", "Nobody"}), kNotFound);
  EXPECT_THAT(err_, HasSubstr("troupe list actors"));
}

TEST_F(CommandsTest, KillsByNameAndNotTwice) {
  ASSERT_EQ(AtHead({"kill", "Counter1", "--namespace", "blue"}), kOk) << err_;
  ASSERT_EQ(AtHead({"kill", "666666", "--restart"}), kOk) << err_;
  ASSERT_EQ(head_.kills.size(), 2u);
  EXPECT_TRUE(head_.kills[0].no_restart());
  EXPECT_FALSE(head_.kills[1].no_restart());
  EXPECT_EQ(AtHead({"kill", "Old"}), kNotFound);
  EXPECT_THAT(err_, HasSubstr("dead already: its driver ended"));
  EXPECT_EQ(head_.kills.size(), 2u);
}

TEST_F(CommandsTest, PrintsLogsByIdentifier) {
  head_.logs = {{"out", "printed\n"}, {"err", "e1\ne2\ne3\n"}, {"head", "h1\nh2\n"}, {"raylet", "r\n"}};
  ASSERT_EQ(AtHead({"logs", "worker", "8f0c2d41a6b3e795"}), kOk) << err_;
  EXPECT_EQ(out_, "printed\n");
  EXPECT_EQ(head_.log_requests.back().process(), 0x8f0c2d41a6b3e795);
  ASSERT_EQ(AtHead({"logs", "worker", "8f0c2d", "--err", "--tail", "2", "--follow"}), kOk) << err_;
  EXPECT_EQ(out_, "e2\ne3\n");
  ASSERT_EQ(AtHead({"logs", "actor", "555555"}), kOk) << err_;
  EXPECT_EQ(head_.log_requests.back().source(), pb::ReadLogRequest::ACTOR);
  ASSERT_EQ(AtHead({"logs", "head", "--tail", "1"}), kOk);
  EXPECT_EQ(out_, "h2\n");
  ASSERT_EQ(AtHead({"logs", "raylet", "aabbccdd"}), kOk);
  EXPECT_EQ(out_, "r\n");
  EXPECT_EQ(AtHead({"logs", "worker", "123456"}), kNotFound);
  EXPECT_EQ(AtHead({"logs", "raylet", "aa"}), kNotFound) << "too few digits";
  EXPECT_EQ(AtHead({"logs", "job", "none"}), kNotFound);
}

TEST_F(CommandsTest, ShowsStopsAndPrintsJobs) {
  head_.run_jobs = false;
  ASSERT_EQ(AtHead({"submit", "--no-wait", "--submission-id", "nightly", "--", "date"}), kOk) << err_;
  head_.logs["nightly"] = "so far\n";
  ASSERT_EQ(AtHead({"job", "list"}), kOk);
  EXPECT_THAT(out_, HasSubstr("nightly"));
  ASSERT_EQ(AtHead({"job", "status", "nightly", "--json"}), kOk);
  EXPECT_EQ(Json()["state"], "RUNNING");
  EXPECT_TRUE(Json()["exit_code"].is_null()) << "it runs";
  ASSERT_EQ(AtHead({"job", "status", "0000000000000001"}), kOk) << err_;
  ASSERT_EQ(AtHead({"job", "logs", "nightly"}), kOk);
  EXPECT_EQ(out_, "so far\n");
  ASSERT_EQ(AtHead({"job", "stop", "nightly"}), kOk) << err_;
  EXPECT_EQ(AtHead({"job", "stop", "nightly"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("ended already: STOPPED"));
  EXPECT_EQ(AtHead({"job", "stop", "unknown"}), kNotFound);
}

TEST_F(CommandsTest, SaysWhyAClusterCannotBeUsed) {
  EXPECT_EQ(Troupe({"status"}), kUnreachable);
  EXPECT_THAT(err_, HasSubstr("no cluster runs on this machine"));
  EXPECT_EQ(Troupe({"status", "--address", "127.0.0.1:1"}), kUnreachable);
  EXPECT_THAT(err_, HasSubstr("cannot reach the head at 127.0.0.1:1"));
  EXPECT_EQ(Troupe({"status", "--address", "nowhere"}), kUsage);

  const std::string other = WriteText(base_ + "/other", std::string(64, 'b'));
  EXPECT_EQ(AtHead({"status", "--token-file", other}), kRefused);
  EXPECT_THAT(err_, HasSubstr("chmod 600"));
  std::filesystem::permissions(other, std::filesystem::perms(0600));
  EXPECT_EQ(AtHead({"status", "--token-file", other}), kRefused);
  EXPECT_THAT(err_, HasSubstr("token"));
  EXPECT_EQ(AtHead({"status", "--token-file", base_ + "/none"}), kRefused);

  test::FakeHead newer(rpc::kProtocolVersion + 1);
  EXPECT_EQ(Troupe({"status", "--address", newer.address()}), kRefused);
  EXPECT_THAT(err_, HasSubstr("protocol version"));
}

TEST_F(CommandsTest, SaysWhatIsWrongWithACommandLine) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> cases = {
      {{}, "Exit codes"},
      {{"status", "--bogus"}, "--bogus"},
      {{"--bogus"}, "troupe has no option '--bogus'"},
      {{"status", "--jason"}, "did you mean --json?"},
      {{"kill", "--jason"}, "did you mean --json?"},
      {{"frobnicate"}, "troupe has no command 'frobnicate'; give start, stop, status"},
      {{"staus"}, "did you mean status or start?"},
      {{"help", "frobnicate"}, "'frobnicate'"},
      {{"list"}, "troupe list needs a command: nodes, actors, workers or jobs\nSee troupe list --help"},
      {{"list", "planets"}, "troupe list has no command 'planets'; give nodes, actors, workers or jobs"},
      {{"list", "status"}, "troupe list has no command 'status'"},
      {{"job", "lst"}, "troupe job has no command 'lst'; did you mean list?"},
      {{"list", "nodes", "extra"}, "extra"},
      {{"list", "actors", "--limit", "0"}, "--limit"},
      {{"get", "actor"}, "troupe get actor needs NAME|ID"},
      {{"job", "stop"}, "troupe job stop needs ID"},
      {{"logs", "worker", "x", "--tail", "-1"}, "--tail"},
      {{"submit"}, "say what to run"},
      {{"submit", "--bogus", "--", "x"}, "--bogus"},
      {{"submit", "--env", "X", "--", "x"}, "NAME=VALUE"},
      {{"stop", "--all", "--session-dir", "x"}, "--session-dir"},
      {{"completion"}, "troupe completion needs SHELL"},
      {{"start", "--head", "--port", "abc"}, "--port: 'abc' is not a number\nSee troupe start --help"},
      {{"kill", ""}, "troupe kill: NAME|ID is empty"},
      {{"kill", "x", "--address", ""}, "troupe kill: --address is empty; give a value, or leave it out"},
      {{"stop", "--session-dir", ""}, "troupe stop: --session-dir is empty"},
  };
  for (const auto& [arguments, part] : cases) {
    EXPECT_EQ(AtHead(arguments), kUsage) << part;
    EXPECT_THAT(err_, HasSubstr(part));
    EXPECT_EQ(out_, "");
  }
}

TEST(NearestWordsTest, FindsSlipsAndBeginningsBestFirst) {
  const std::vector<std::string> words = {"start", "stop", "status", "list"};
  EXPECT_EQ(NearestWords("sta", words), (std::vector<std::string>{"start", "status"}));
  EXPECT_EQ(NearestWords("stpo", words), (std::vector<std::string>{"stop"}));
  EXPECT_EQ(NearestWords("plan", words), std::vector<std::string>());
  EXPECT_EQ(NearestWords("", words), std::vector<std::string>());
}

TEST_F(CommandsTest, HelpTeachesWithExamples) {
  EXPECT_EQ(Troupe({"--help"}), kOk);
  EXPECT_THAT(out_, HasSubstr("A first cluster"));
  for (const char* command : {"start", "stop", "status", "list", "kill", "logs", "submit", "job", "completion"}) {
    EXPECT_EQ(Troupe({command, "--help"}), kOk);
    EXPECT_THAT(out_, HasSubstr("Example")) << command;
  }
  EXPECT_EQ(Troupe({"help", "list", "actors"}), kOk);
  EXPECT_THAT(out_, HasSubstr("Usage: troupe list actors [OPTIONS]"));
  EXPECT_THAT(out_, HasSubstr("--limit N                   At most so many [1000]\n"));
  EXPECT_EQ(Troupe({"submit", "--help"}), kOk);
  EXPECT_THAT(out_, HasSubstr("Usage: troupe submit [OPTIONS] -- PROGRAM [ARGUMENTS...]\n"));
  EXPECT_EQ(Troupe({"version"}), kOk);
  EXPECT_THAT(out_, HasSubstr("protocol"));
  EXPECT_EQ(Troupe({"--version"}), kOk);
  EXPECT_THAT(out_, testing::StartsWith("troupe "));
}

}  // namespace
}  // namespace troupe::cli
