#include "raylet/workers/driver_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>

#include "tests/unit/jobs/temporary_directory.h"
#include "tests/unit/raylet/fake_package_store.h"
#include "tests/unit/raylet/loop_runner.h"

namespace troupe::raylet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

class DriverRunnerTest : public ::testing::Test {
 protected:
  explicit DriverRunnerTest(std::chrono::milliseconds grace = 60s)
      : drivers_(
            runner_.loop, runner_.loop.context(),
            {.session_dir = dir_.path(), .address = "127.0.0.1:1", .stop_grace = grace, .fetch_again = 5ms},
            [this](const pb::DriverUpdate& update) { updates_.push_back(update); }, cache_) {
    std::filesystem::create_directories(dir_ / "logs");
  }
  ~DriverRunnerTest() override { drivers_.KillAll(); }

  pb::RunDriver Shell(const std::string& script, const std::string& submission = "job-1") {
    pb::RunDriver command;
    command.mutable_job()->set_submission(submission);
    for (const char* argument : {"sh", "-c"}) command.add_argv(argument);
    command.add_argv(script);
    return command;
  }

  // Runs the loop until the submission has ended.
  pb::DriverUpdate Ended() {
    EXPECT_TRUE(runner_.Until([&] { return !updates_.empty() && updates_.back().ended(); }));
    return updates_.empty() ? pb::DriverUpdate() : updates_.back();
  }

  std::string Log(const std::string& submission = "job-1") {
    return test::ReadFile(DriverLogPath(dir_.path(), submission));
  }

  void Stop(const std::string& submission = "job-1") {
    pb::StopDriver stop;
    stop.set_submission(submission);
    drivers_.Stop(stop);
  }

  test::TemporaryDirectory dir_;
  test::LoopRunner runner_;
  const NodeId node_ = NodeId::Random();
  test::FakePackageStore store_{runner_.loop};
  ProgramCache cache_{runner_.loop, store_, node_, dir_.path(), 0};  // that keeps nothing which nobody uses
  std::vector<pb::DriverUpdate> updates_;
  DriverRunner drivers_;
};

TEST_F(DriverRunnerTest, ReportsTheStartAndTheEnd) {
  drivers_.Run(Shell("echo out; echo err >&2; exit 4"));
  EXPECT_THAT(updates_, IsEmpty()) << "never from inside the call";
  EXPECT_TRUE(drivers_.running("job-1"));
  const pb::DriverUpdate ended = Ended();
  ASSERT_EQ(updates_.size(), 2u);
  EXPECT_GT(updates_[0].pid(), 0);
  EXPECT_FALSE(updates_[0].ended());
  EXPECT_EQ(WEXITSTATUS(ended.wait_status()), 4);
  EXPECT_EQ(ended.submission(), "job-1");
  EXPECT_EQ(Log(), "out\nerr\n");
  EXPECT_FALSE(drivers_.running("job-1"));
}

TEST_F(DriverRunnerTest, SetsItsVariablesOverTheUsers) {
  pb::RunDriver command = Shell("env; pwd");
  command.mutable_job()->set_name_space("space");
  (*command.mutable_environment())["MODE"] = "fast = true";
  (*command.mutable_environment())["TROUPE_ADDRESS"] = "elsewhere";
  drivers_.Run(command);
  Ended();
  EXPECT_THAT(Log(), AllOf(HasSubstr("MODE=fast = true\n"), HasSubstr("TROUPE_ADDRESS=127.0.0.1:1\n"),
                           HasSubstr("TROUPE_SUBMISSION_ID=job-1\n"), HasSubstr("TROUPE_NAMESPACE=space\n"),
                           HasSubstr(dir_ / "drivers/job-1\n")));
}

TEST_F(DriverRunnerTest, DoesNotStartASubmissionTwice) {
  drivers_.Run(Shell("echo once; exec sleep 1000"));
  drivers_.Run(Shell("echo once; exec sleep 1000"));
  ASSERT_TRUE(runner_.Until([&] { return !Log().empty(); }));
  Stop();
  Ended();
  EXPECT_EQ(Log(), "once\n");
  EXPECT_EQ(updates_.size(), 2u);
}

TEST_F(DriverRunnerTest, StopsPolitelyFirst) {
  drivers_.Run(Shell("trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.01; done"));
  ASSERT_TRUE(runner_.Until([&] { return Log() == "ready\n"; }));
  Stop();
  EXPECT_EQ(WEXITSTATUS(Ended().wait_status()), 9);
  EXPECT_THAT(Log(), HasSubstr("bye"));
}

class ImpatientDriverRunnerTest : public DriverRunnerTest {
 protected:
  ImpatientDriverRunnerTest() : DriverRunnerTest(1ms) {}
};

TEST_F(ImpatientDriverRunnerTest, KillsADriverAndItsChildrenThatDoNotListen) {
  drivers_.Run(Shell("trap '' TERM; sleep 1000 & echo $!; while :; do sleep 0.01; done"));
  ASSERT_TRUE(runner_.Until([&] { return Log().ends_with("\n"); }));
  const pid_t child = std::stoi(Log());
  Stop();
  Stop();
  EXPECT_EQ(WTERMSIG(Ended().wait_status()), SIGKILL);
  EXPECT_TRUE(runner_.Until([&] {
    const std::string stat = test::ReadFile("/proc/" + std::to_string(child) + "/stat");
    return stat.empty() || stat.find(") Z") != std::string::npos;
  }));
}

TEST_F(DriverRunnerTest, StopOfAnUnknownSubmissionIsIgnored) {
  Stop("nobody");
  runner_.Settle();
  EXPECT_THAT(updates_, IsEmpty());
}

TEST_F(DriverRunnerTest, SaysWhyADriverCannotStart) {
  struct Case {
    std::string title;
    std::function<void(pb::RunDriver*)> change;
    std::string why;
  };
  const std::vector<Case> cases = {
      {"no command", [](auto* c) { c->clear_argv(); }, "no command line"},
      {"not in PATH", [](auto* c) { c->set_argv(0, "no-such-program"); }, "'no-such-program' is not in the PATH"},
      {"relative", [](auto* c) { c->set_argv(0, "./x"); }, "neither an absolute path"},
      {"absent", [](auto* c) { c->set_argv(0, "/absent/x"); }, "cannot start /absent/x"},
      {"bad variable", [](auto* c) { (*c->mutable_environment())["A=B"] = "x"; }, "'A=B'"},
      {"bad package", [](auto* c) { c->mutable_job()->mutable_program()->set_package("../.."); }, "64 lower-case"},
      {"no such package", [](auto* c) { c->mutable_job()->mutable_program()->set_package(std::string(64, '0')); },
       "no package"},
  };
  for (const Case& failing : cases) {
    SCOPED_TRACE(failing.title);
    updates_.clear();
    pb::RunDriver command = Shell("exit 0");
    failing.change(&command);
    drivers_.Run(command);
    EXPECT_THAT(Ended().error(), HasSubstr(failing.why));
    EXPECT_EQ(updates_.size(), 1u);
    EXPECT_FALSE(drivers_.running("job-1"));
  }
}

TEST_F(DriverRunnerTest, RefusesIdsThatAreNoFileNames) {
  for (const char* evil : {"", "..", "../x", "a/b", ".x", "a b", "a\n"}) {
    updates_.clear();
    drivers_.Run(Shell("exit 0", evil));
    EXPECT_THAT(Ended().error(), HasSubstr("not a submission id")) << evil;
  }
  EXPECT_TRUE(IsSubmissionId(std::string(128, 'a')));
  EXPECT_FALSE(IsSubmissionId(std::string(129, 'a')));
  EXPECT_TRUE(IsSubmissionId("job-0123_x.y"));
}

class PackagedDriverTest : public DriverRunnerTest {
 protected:
  pb::RunDriver Packaged(const std::string& name, const std::string& path = FAKE_WORKER_PROGRAM) {
    pb::Program program;
    program.set_path(path);
    program.set_origin(node_.Bytes());
    std::string package;
    cache_.Package(program, [&](const Result<std::string>& hash) { package = hash.ok() ? *hash : "failed"; });
    EXPECT_TRUE(runner_.Until([&] { return !package.empty(); }));
    pb::RunDriver command;
    command.mutable_job()->set_submission("job-1");
    command.mutable_job()->mutable_program()->set_package(package);
    command.add_argv(name);
    command.add_argv("exits");
    return command;
  }
};

TEST_F(PackagedDriverTest, RunsTheProgramOfThePackageByEitherName) {
  for (const char* name : {"bin/fake_worker_program", "fake_worker_program"}) {
    updates_.clear();
    drivers_.Run(Packaged(name));
    EXPECT_THAT(Ended().error(), IsEmpty()) << name;
    EXPECT_EQ(WEXITSTATUS(Ended().wait_status()), 0) << name;
  }
  EXPECT_THAT(Log(), HasSubstr("usage"));
}

TEST_F(PackagedDriverTest, ThePackageStaysAsLongAsTheDriverRuns) {
  const std::string script = dir_.Write("script", "#!/bin/sh\nexec sleep 1000\n");
  const pb::RunDriver command = Packaged("script", script);
  const std::string package = dir_ / ("programs/" + command.job().program().package());
  drivers_.Run(command);
  ASSERT_TRUE(runner_.Until([&] { return updates_.size() == 1; }));
  runner_.Settle();
  EXPECT_TRUE(std::filesystem::exists(package));
  Stop();
  Ended();
  EXPECT_TRUE(runner_.Until([&] { return !std::filesystem::exists(package); }));
}

TEST_F(PackagedDriverTest, WaitsForItsPackageWhileTheHeadIsAway) {
  const pb::RunDriver command = Packaged("fake_worker_program");
  store_.away = 3;
  drivers_.Run(command);
  EXPECT_THAT(Ended().error(), IsEmpty());
  EXPECT_EQ(store_.away, 0);
}

TEST_F(PackagedDriverTest, RunsNothingOutsideOfThePackage) {
  for (const char* name : {"/bin/sh", "../x", "bin/../../x", "bin/", "..", "lib/x"}) {
    updates_.clear();
    drivers_.Run(Packaged(name));
    EXPECT_THAT(Ended().error(), HasSubstr("does not name a program of the package")) << name;
  }
}

TEST_F(PackagedDriverTest, ADriverStoppedWhileItsPackageComesNeverStarts) {
  drivers_.Run(Packaged("fake_worker_program"));
  Stop();
  EXPECT_THAT(Ended().error(), HasSubstr("stopped before it started"));
  EXPECT_EQ(updates_.size(), 1u);
}

TEST_F(DriverRunnerTest, KillAllLeavesNoDriver) {
  drivers_.Run(Shell("exec sleep 1000"));
  ASSERT_TRUE(runner_.Until([&] { return updates_.size() == 1; }));
  drivers_.KillAll();
  EXPECT_NE(kill(updates_[0].pid(), 0), 0);
  runner_.Settle();
  EXPECT_EQ(updates_.size(), 1u);
}

}  // namespace
}  // namespace troupe::raylet
