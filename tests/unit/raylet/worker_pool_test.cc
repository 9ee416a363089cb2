#include "raylet/workers/worker_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/jobs/temporary_directory.h"
#include "tests/unit/raylet/fake_package_store.h"
#include "tests/unit/raylet/fake_raylet_socket.h"
#include "tests/unit/raylet/loop_runner.h"

namespace troupe::raylet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

// A failed test must not signal its own process group, which is what pid 0 means.
void Signal(pid_t pid, int signal) {
  ASSERT_GT(pid, 0);
  kill(pid, signal);
}

class WorkerPoolTest : public ::testing::Test {
 protected:
  WorkerPoolTest() {
    std::filesystem::create_directories(dir_ / "logs");
    options_.node = node_;
    options_.session_dir = dir_.path();
    options_.socket_path = dir_ / "raylet.sock";
    options_.start_timeout = 20s;
    events_.on_exit = [this](const WorkerProcess& worker, const ExitCause& cause) {
      exits_.emplace_back(worker.process, cause);
    };
    events_.on_started = [this](const WorkerProcess&) { ++started_; };
    events_.on_note = [this](JobId, const std::string& text) { notes_.push_back(text); };
    events_.on_logs_ended = [this](const std::vector<std::string>& names) {
      logs_ended_.insert(logs_ended_.end(), names.begin(), names.end());
    };
  }
  ~WorkerPoolTest() override {
    if (pool_) pool_->KillAll();
  }

  WorkerPool& Pool() {
    if (!pool_) {
      pool_ = std::make_unique<WorkerPool>(runner_.loop, runner_.loop.context(), options_, events_, cache_);
      socket_.Serve(pool_.get());
    }
    return *pool_;
  }

  pb::JobInfo Job(const std::string& mode, std::uint64_t id = 7) const {
    pb::JobInfo job;
    job.set_id(id);
    job.mutable_program()->set_path(FAKE_WORKER_PROGRAM);
    job.mutable_program()->set_origin(node_.Bytes());
    job.mutable_program()->add_argv(mode);
    return job;
  }

  // Runs the loop until the pool answers.
  Result<WorkerProcess> Acquire(const pb::JobInfo& job) {
    std::optional<Result<WorkerProcess>> result;
    Pool().Acquire(job, [&](Result<WorkerProcess> worker) { result = std::move(worker); });
    EXPECT_FALSE(result) << "never from inside the call";
    if (!runner_.Until([&] { return result.has_value(); })) return DeadlineExceeded("the pool does not answer");
    return *result;
  }

  WorkerProcess AcquireGood(const pb::JobInfo& job) {
    const auto worker = Acquire(job);
    EXPECT_TRUE(worker.ok()) << worker.status().ToString();
    return worker.ok() ? *worker : WorkerProcess();
  }

  pid_t TemplatePid() {
    for (const auto& info : Pool().List()) {
      if (info.kind() == pb::WorkerInfo::TEMPLATE) return info.pid();
    }
    return 0;
  }

  bool UntilExits(std::size_t count) {
    return runner_.Until([&] { return exits_.size() >= count; });
  }

  test::TemporaryDirectory dir_;
  test::LoopRunner runner_;
  const NodeId node_ = NodeId::Random();
  test::FakePackageStore packages_{runner_.loop};
  ProgramCache cache_{runner_.loop, packages_, node_, dir_.path(), 0};  // that keeps nothing which nobody uses
  test::FakeRayletSocket socket_{runner_.loop.context(), dir_ / "raylet.sock"};
  WorkerPool::Options options_;
  WorkerPool::Events events_;
  std::vector<std::pair<ProcessId, ExitCause>> exits_;
  std::vector<std::string> notes_;
  std::vector<std::string> logs_ended_;
  int started_ = 0;
  std::unique_ptr<WorkerPool> pool_;
};

TEST_F(WorkerPoolTest, ForksAWorkerFromTheJobsTemplateAndHandsItOut) {
  const WorkerProcess worker = AcquireGood(Job("normal"));
  EXPECT_EQ(worker.job, JobId{7});
  EXPECT_EQ(kill(worker.pid, 0), 0);
  EXPECT_NE(TemplatePid(), 0);
  EXPECT_NE(TemplatePid(), worker.pid);
  EXPECT_GE(started_, 1);
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(WorkerPoolTest, StartsTheTemplateWhenItLearnsOfTheJobButNoWorker) {
  Pool().AddJob(Job("normal"));
  EXPECT_TRUE(runner_.Until([&] { return TemplatePid() != 0; }));
  runner_.Settle();
  EXPECT_EQ(Pool().size(), 0u);
}

TEST_F(WorkerPoolTest, KeepsWorkersReadyOnceTheJobHasUsedOne) {
  AcquireGood(Job("normal"));
  EXPECT_TRUE(runner_.Until([&] { return Pool().size() == 3 && started_ == 3; }));
}

TEST_F(WorkerPoolTest, KeepsMoreReadyForAJobThatHadToWaitForThemUntilTheyAreIdle) {
  options_.max_idle_per_job = 4;
  options_.idle_timeout = 200ms;
  std::size_t asked = 0, handed_out = 0;
  events_.ask_exit = [&](const WorkerProcess& worker) {
    ++asked;
    Signal(worker.pid, SIGUSR1);
  };
  AcquireGood(Job("normal"));
  ASSERT_TRUE(runner_.Until([&] { return started_ == 3; })) << "two that nobody waits for";
  for (int i = 0; i < 6; ++i) Pool().Acquire(Job("normal"), [&](const auto&) { ++handed_out; });
  ASSERT_TRUE(runner_.Until([&] { return handed_out == 6 && started_ >= 11; })) << "four that nobody waits for";
  EXPECT_TRUE(runner_.Until([&] { return asked >= 2 && Pool().size() == 7 + 2; }));
}

TEST_F(WorkerPoolTest, HandsOutTheWorkerThatWasReleasedLast) {
  options_.keep_idle_per_job = 0;
  const WorkerProcess first = AcquireGood(Job("normal"));
  const WorkerProcess second = AcquireGood(Job("normal"));
  EXPECT_NE(first.process, second.process);
  Pool().Release(second.process);
  Pool().Release(first.process);
  EXPECT_EQ(AcquireGood(Job("normal")).process, first.process);
  EXPECT_EQ(AcquireGood(Job("normal")).process, second.process);
  EXPECT_EQ(Pool().size(), 2u);
}

TEST_F(WorkerPoolTest, NeverHandsAWorkerToAnotherJob) {
  const WorkerProcess worker = AcquireGood(Job("normal", 7));
  Pool().Release(worker.process);
  const WorkerProcess other = AcquireGood(Job("normal", 8));
  EXPECT_NE(other.process, worker.process);
  EXPECT_EQ(other.job, JobId{8});
}

TEST_F(WorkerPoolTest, ServesManyWaitersWithinTheBoundOfStarts) {
  options_.max_starting = 3;
  options_.keep_idle_per_job = 0;
  std::vector<WorkerProcess> got;
  for (int i = 0; i < 20; ++i) {
    Pool().Acquire(Job("normal"), [&](const Result<WorkerProcess>& worker) {
      if (worker.ok()) got.push_back(*worker);
    });
  }
  std::size_t most = 0;
  EXPECT_TRUE(runner_.Until([&] {
    std::size_t starting = 0;
    for (const auto& info : Pool().List())
      starting += info.kind() == pb::WorkerInfo::WORKER && info.state() == "starting";
    most = std::max(most, starting);
    return got.size() == 20;
  }));
  EXPECT_LE(most, 3u);
  EXPECT_EQ(Pool().size(), 20u);
}

TEST_F(WorkerPoolTest, AWithdrawnAcquireIsNotAnswered) {
  bool answered = false;
  const auto ticket = Pool().Acquire(Job("normal"), [&](const Result<WorkerProcess>&) { answered = true; });
  const WorkerProcess worker = AcquireGood(Job("normal"));
  EXPECT_TRUE(answered) << "it came first";
  answered = false;
  Pool().Release(worker.process);
  const auto second = Pool().Acquire(Job("normal"), [&](const Result<WorkerProcess>&) { answered = true; });
  Pool().CancelAcquire(second);
  Pool().CancelAcquire(ticket);
  runner_.Settle();
  EXPECT_FALSE(answered);
}

TEST_F(WorkerPoolTest, ReportsHowAForkedWorkerEnded) {
  const WorkerProcess first = AcquireGood(Job("normal"));
  Signal(first.pid, SIGQUIT);
  ASSERT_TRUE(UntilExits(1));
  EXPECT_EQ(exits_[0].first, first.process);
  EXPECT_EQ(exits_[0].second.text, "killed by signal 3 (SIGQUIT)");
  EXPECT_TRUE(exits_[0].second.known);

  const WorkerProcess second = AcquireGood(Job("normal"));
  Signal(second.pid, SIGUSR1);
  ASSERT_TRUE(UntilExits(2));
  EXPECT_EQ(exits_[1].second.text, "exited with status 3");
  runner_.Settle();
  EXPECT_EQ(exits_.size(), 2u);
}

TEST_F(WorkerPoolTest, SaysSoWhenNobodyTellsHowAWorkerEnded) {
  options_.cause_timeout = 5ms;
  const WorkerProcess worker = AcquireGood(Job("silent"));
  Signal(worker.pid, SIGKILL);
  ASSERT_TRUE(UntilExits(1));
  EXPECT_FALSE(exits_[0].second.known);
}

TEST_F(WorkerPoolTest, ReportsTheReasonOfAKill) {
  const WorkerProcess worker = AcquireGood(Job("normal"));
  Pool().Kill(worker.process, "its lessee died");
  EXPECT_THAT(exits_, IsEmpty()) << "never from inside the call";
  ASSERT_TRUE(UntilExits(1));
  EXPECT_THAT(exits_[0].second.text, HasSubstr("its lessee died"));
  Pool().Kill(worker.process, "again");
  Pool().Release(worker.process);
}

TEST_F(WorkerPoolTest, ADeadWorkerIsNotHandedOutAgain) {
  options_.keep_idle_per_job = 0;
  const WorkerProcess worker = AcquireGood(Job("normal"));
  Pool().Kill(worker.process, "test");
  Pool().Release(worker.process);
  EXPECT_NE(AcquireGood(Job("normal")).process, worker.process);
  EXPECT_TRUE(UntilExits(1));
}

TEST_F(WorkerPoolTest, StartsEachWorkerByExecWhenTheProgramHasThreadsAndSaysWhyOnce) {
  const WorkerProcess first = AcquireGood(Job("threads"));
  const WorkerProcess second = AcquireGood(Job("threads"));
  EXPECT_NE(first.pid, second.pid);
  EXPECT_EQ(TemplatePid(), 0);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_THAT(notes_[0], HasSubstr("threads when it calls troupe::Init"));
  Signal(first.pid, SIGUSR1);
  ASSERT_TRUE(UntilExits(1));
  EXPECT_EQ(exits_[0].second.text, "exited with status 3");
}

TEST_F(WorkerPoolTest, NamesAProgramThatExitsBeforeInitAndTriesAgainLater) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto worker = Acquire(Job("exits"));
    EXPECT_EQ(worker.status().code(), StatusCode::kFailedPrecondition);
    EXPECT_THAT(worker.status().message(),
                AllOf(HasSubstr(FAKE_WORKER_PROGRAM), HasSubstr("exited with status 0 before it called troupe::Init"),
                      HasSubstr("usage: give a file name")));
  }
  EXPECT_THAT(exits_, IsEmpty()) << "nobody knew those workers";
}

TEST_F(WorkerPoolTest, NamesAProgramThatCrashesBeforeInit) {
  const auto worker = Acquire(Job("crashes"));
  EXPECT_THAT(worker.status().message(), AllOf(HasSubstr("SIGABRT"), HasSubstr("about to crash")));
}

TEST_F(WorkerPoolTest, NamesAProgramThatNeverCallsInit) {
  options_.start_timeout = 30ms;
  const auto worker = Acquire(Job("hangs"));
  EXPECT_EQ(worker.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(worker.status().message(), HasSubstr("did not call troupe::Init within 30 ms"));
  EXPECT_EQ(TemplatePid(), 0);
}

TEST_F(WorkerPoolTest, NamesAWorkerThatExitsInItsFork) {
  options_.late_fork = 5ms;
  const auto worker = Acquire(Job("worker-exits"));
  EXPECT_THAT(worker.status().message(), AllOf(HasSubstr("exited with status 5"), HasSubstr("worker gives up")));
  EXPECT_TRUE(runner_.Until([&] { return logs_ended_.size() >= 2; })) << "nobody heard of this worker";
  for (const std::string& name : logs_ended_) {
    EXPECT_TRUE(std::filesystem::exists(dir_ / ("logs/" + name)) || name.ends_with(".out")) << name;
  }
}

TEST_F(WorkerPoolTest, GivesUpOnATemplateThatKeepsCrashing) {
  const auto worker = Acquire(Job("template-crashes"));
  EXPECT_THAT(worker.status().message(), HasSubstr("SIGABRT"));
  EXPECT_EQ(Pool().size(), 0u);
}

TEST_F(WorkerPoolTest, GivesUpWhenNothingCanBeForked) {
  const auto worker = Acquire(Job("fork-fails"));
  EXPECT_EQ(worker.status().code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(worker.status().message(), HasSubstr("no processes left"));
}

TEST_F(WorkerPoolTest, NamesAProgramThatIsNotThere) {
  pb::JobInfo job = Job("normal");
  job.mutable_program()->set_path(dir_ / "absent");
  const auto worker = Acquire(job);
  EXPECT_EQ(worker.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(worker.status().message(), HasSubstr(dir_ / "absent"));
}

TEST_F(WorkerPoolTest, StartsATemplateAgainThatWasKilledFromOutside) {
  options_.keep_idle_per_job = 0;
  options_.cause_timeout = 5ms;
  const WorkerProcess first = AcquireGood(Job("normal"));
  const pid_t template_pid = TemplatePid();
  Signal(template_pid, SIGKILL);
  ASSERT_TRUE(runner_.Until([&] { return TemplatePid() == 0; }));
  EXPECT_EQ(kill(first.pid, 0), 0) << "its forks live on";
  const WorkerProcess second = AcquireGood(Job("normal"));
  EXPECT_NE(second.pid, first.pid);
  Signal(first.pid, SIGKILL);
  EXPECT_TRUE(UntilExits(1));
}

TEST_F(WorkerPoolTest, ATemplateKilledAtAnyMomentLosesNoWaiter) {
  options_.keep_idle_per_job = 0;
  Pool().AddJob(Job("normal"));
  int answered = 0;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 3; ++i) {
      Pool().Acquire(Job("normal"), [&](const Result<WorkerProcess>& worker) {
        EXPECT_TRUE(worker.ok()) << worker.status().ToString();
        ++answered;
      });
    }
    for (int turns = round * 3; turns > 0; --turns) runner_.Until([] { return true; });
    if (TemplatePid() != 0) Signal(TemplatePid(), SIGKILL);
    EXPECT_TRUE(runner_.Until([&] { return answered == (round + 1) * 3; }));
  }
}

TEST_F(WorkerPoolTest, KillsATemplateThatHangsUp) {
  AcquireGood(Job("normal"));
  const pid_t template_pid = TemplatePid();
  socket_.Hangup(template_pid);
  Pool().OnTemplateClosed(template_pid);
  EXPECT_TRUE(runner_.Until([&] { return kill(template_pid, 0) != 0; }));
}

TEST_F(WorkerPoolTest, ATemplateIsHeardAboutItsOwnJobOnly) {
  const WorkerProcess worker = AcquireGood(Job("normal", 7));
  AcquireGood(Job("normal", 8));
  pid_t other = 0;
  for (const auto& info : Pool().List()) {
    if (info.kind() == pb::WorkerInfo::TEMPLATE && info.job() == 8) other = info.pid();
  }
  pb::ClientToRaylet lie;
  lie.mutable_child_exited()->set_pid(worker.pid);
  ASSERT_TRUE(Pool().OnTemplateMessage(other, lie).ok());
  runner_.Settle();
  EXPECT_TRUE(exits_.empty());
  EXPECT_EQ(kill(worker.pid, 0), 0);
}

TEST_F(WorkerPoolTest, RefusesWhatItDidNotStart) {
  const WorkerProcess worker = AcquireGood(Job("normal"));
  EXPECT_EQ(Pool().OnRegister(worker.process, worker.pid, "").status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(Pool().OnRegister(ProcessId::Random(), getpid(), std::string(32, '0')).status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(Pool().OnTemplateConnected(getpid(), "", [](const auto&) {}).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(Pool().OnTemplateConnected(TemplatePid(), std::string(32, '0'), [](const auto&) {}).code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(Pool().OnTemplateMessage(getpid(), {}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Pool().OnTemplateMessage(TemplatePid(), {}).code(), StatusCode::kInvalidArgument);
}

TEST_F(WorkerPoolTest, TheEndOfAJobKillsIdleWorkersAndFailsWaitersButLeavesThoseInUse) {
  const WorkerProcess used = AcquireGood(Job("normal"));
  ASSERT_TRUE(runner_.Until([&] { return started_ == 3; }));
  Pool().RemoveJob(JobId{7});
  EXPECT_TRUE(UntilExits(2));
  EXPECT_EQ(kill(used.pid, 0), 0);
  EXPECT_NE(TemplatePid(), 0) << "it tells how its forks end";

  Signal(used.pid, SIGUSR1);
  ASSERT_TRUE(UntilExits(3));
  EXPECT_EQ(exits_[2].second.text, "exited with status 3");
  EXPECT_TRUE(runner_.Until([&] { return Pool().List().empty(); }));
  EXPECT_TRUE(runner_.Until([&] { return !logs_ended_.empty(); }));
  EXPECT_EQ(logs_ended_.back(), "template-" + JobId{7}.Hex() + ".log");
}

TEST_F(WorkerPoolTest, TheEndOfAJobFailsItsWaiters) {
  std::optional<Status> answer;
  Pool().Acquire(Job("hangs"), [&](const Result<WorkerProcess>& worker) { answer = worker.status(); });
  runner_.Settle();
  Pool().RemoveJob(JobId{7});
  EXPECT_FALSE(answer) << "never from inside the call";
  ASSERT_TRUE(runner_.Until([&] { return answer.has_value(); }));
  EXPECT_EQ(answer->code(), StatusCode::kCancelled);
  EXPECT_TRUE(runner_.Until([&] { return Pool().List().empty(); }));
}

TEST_F(WorkerPoolTest, AnEndedJobsActorCanStillGetAWorkerAndKeepsNothing) {
  pb::JobInfo job = Job("normal");
  job.set_state(pb::JobInfo::SUCCEEDED);
  const WorkerProcess worker = AcquireGood(job);
  runner_.Settle();
  EXPECT_EQ(Pool().size(), 1u) << "no spare workers";
  Pool().Release(worker.process);
  ASSERT_TRUE(UntilExits(1));
  EXPECT_TRUE(runner_.Until([&] { return Pool().List().empty(); }));
}

TEST_F(WorkerPoolTest, AsksSurplusIdleWorkersToExitAndHandsThemOutNoMore) {
  options_.keep_idle_per_job = options_.max_idle_per_job = 1;
  options_.idle_timeout = 2ms;
  std::vector<WorkerProcess> asked;
  events_.ask_exit = [&](const WorkerProcess& worker) { asked.push_back(worker); };
  std::vector<WorkerProcess> workers;
  for (int i = 0; i < 3; ++i) workers.push_back(AcquireGood(Job("normal")));
  for (const auto& worker : workers) Pool().Release(worker.process);
  const std::size_t surplus = Pool().size() - 1;
  ASSERT_TRUE(runner_.Until([&] { return asked.size() == surplus; }));
  const WorkerProcess next = AcquireGood(Job("normal"));
  for (const auto& worker : asked) EXPECT_NE(worker.process, next.process);
  Signal(asked[0].pid, SIGUSR1);
  EXPECT_TRUE(UntilExits(1));
}

TEST_F(WorkerPoolTest, AWorkerThatDeclinesToExitIsUsedAgainAndAskedAgain) {
  options_.keep_idle_per_job = 0;
  options_.idle_timeout = 50ms;
  std::vector<ProcessId> asked;
  events_.ask_exit = [&](const WorkerProcess& worker) { asked.push_back(worker.process); };
  const WorkerProcess worker = AcquireGood(Job("normal"));
  Pool().OnExitDeclined(worker.process);  // it was not asked
  Pool().Release(worker.process);
  for (std::size_t times = 1; times <= 2; ++times) {
    ASSERT_TRUE(runner_.Until([&] { return asked.size() == times; }));
    Pool().OnExitDeclined(worker.process);
  }
  EXPECT_EQ(AcquireGood(Job("normal")).process, worker.process);
  Pool().Release(worker.process);
  ASSERT_TRUE(runner_.Until([&] { return asked.size() == 3; }));
  Pool().Kill(worker.process, "test");
  Pool().OnExitDeclined(worker.process);
  EXPECT_NE(AcquireGood(Job("normal")).process, worker.process);
}

TEST_F(WorkerPoolTest, ARetiredWorkerIsAskedToExitUntilItDoesAndNeverHandedOut) {
  options_.idle_timeout = 20ms;
  std::vector<ProcessId> asked;
  events_.ask_exit = [&](const WorkerProcess& worker) { asked.push_back(worker.process); };
  const WorkerProcess worker = AcquireGood(Job("normal"));
  Pool().Retire(worker.process);
  EXPECT_EQ(asked, std::vector{worker.process});
  Pool().OnExitDeclined(worker.process);
  EXPECT_NE(AcquireGood(Job("normal")).process, worker.process);
  ASSERT_TRUE(runner_.Until([&] { return std::count(asked.begin(), asked.end(), worker.process) == 2; }));
  Signal(worker.pid, SIGUSR1);
  EXPECT_TRUE(UntilExits(1));
}

TEST_F(WorkerPoolTest, AJobThatDetachedActorsUseKeepsItsWorkers) {
  pb::JobInfo job = Job("normal");
  job.set_state(pb::JobInfo::SUCCEEDED);
  job.set_in_use(true);
  const WorkerProcess worker = AcquireGood(job);
  Pool().Release(worker.process);
  EXPECT_EQ(AcquireGood(job).process, worker.process);
  Pool().Release(worker.process);
  Pool().RemoveJob(JobId{7});
  EXPECT_TRUE(runner_.Until([&] { return Pool().List().empty(); }));
}

TEST_F(WorkerPoolTest, WaitsForAProgramThatIsStillBeingPackedElsewhereAndKeepsItWhileItRuns) {
  ProgramCache origin(runner_.loop, packages_, NodeId::Random(), dir_ / "origin");
  pb::JobInfo job = Job("normal");
  job.mutable_program()->set_origin(NodeId::Random().Bytes());
  std::optional<Result<WorkerProcess>> result;
  Pool().Acquire(job, [&](const Result<WorkerProcess>& worker) { result = worker; });
  runner_.Settle();
  EXPECT_FALSE(result);

  std::optional<Result<std::string>> package;
  ProgramCache packer(runner_.loop, packages_, node_, dir_ / "packer");
  packer.Package(Job("normal").program(), [&](const Result<std::string>& hash) { package = hash; });
  ASSERT_TRUE(runner_.Until([&] { return package.has_value(); }));
  ASSERT_TRUE(package->ok()) << package->status().ToString();
  job.mutable_program()->set_package(**package);
  Pool().AddJob(job);
  ASSERT_TRUE(runner_.Until([&] { return result.has_value(); }));
  ASSERT_TRUE(result->ok()) << result->status().ToString();

  const auto is_there = [&] { return std::filesystem::exists(dir_ / ("programs/" + **package)); };
  Pool().RemoveJob(JobId{7});
  runner_.Settle();
  EXPECT_TRUE(is_there()) << "a worker still runs";
  Pool().Kill((*result)->process, "the test");
  EXPECT_TRUE(runner_.Until([&] { return !is_there(); }));
}

// The answer that there is no package is then on its way.
TEST_F(WorkerPoolTest, UsesAPackageThatBecomesKnownWhileTheProgramIsLookedFor) {
  std::optional<Result<std::string>> package;
  ProgramCache packer(runner_.loop, packages_, node_, dir_ / "packer");
  packer.Package(Job("normal").program(), [&](const Result<std::string>& hash) { package = hash; });
  ASSERT_TRUE(runner_.Until([&] { return package.has_value(); }));
  pb::JobInfo job = Job("normal");
  job.mutable_program()->set_origin(NodeId::Random().Bytes());
  std::optional<Result<WorkerProcess>> result;
  Pool().Acquire(job, [&](const Result<WorkerProcess>& worker) { result = worker; });
  runner_.loop.Post([&] {  // after the pool has begun to look
    job.mutable_program()->set_package(**package);
    Pool().AddJob(job);
  });
  ASSERT_TRUE(runner_.Until([&] { return result.has_value(); }));
  EXPECT_TRUE(result->ok()) << result->status().ToString();
}

TEST_F(WorkerPoolTest, SaysAtOnceThatAProgramWillNotComeWhenItCannotBePacked) {
  pb::JobInfo job = Job("normal");
  job.mutable_program()->set_origin(NodeId::Random().Bytes());
  std::optional<Result<WorkerProcess>> result;
  Pool().Acquire(job, [&](const Result<WorkerProcess>& worker) { result = worker; });
  runner_.Settle();
  EXPECT_FALSE(result);
  job.mutable_program()->set_unpackable("it is too large");
  Pool().AddJob(job);
  ASSERT_TRUE(runner_.Until([&] { return result.has_value(); }));
  EXPECT_EQ(result->status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(result->status().message(), HasSubstr("it is too large"));
}

TEST_F(WorkerPoolTest, GivesUpOnAProgramThatNobodyPacks) {
  options_.start_timeout = 10ms;
  pb::JobInfo job = Job("normal");
  job.mutable_program()->set_origin(NodeId::Random().Bytes());
  const auto worker = Acquire(job);
  EXPECT_EQ(worker.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(worker.status().message(), HasSubstr("has not been sent to the head"));
}

TEST_F(WorkerPoolTest, WritesWorkersOutputToTheirOwnFilesAndGivesThemNoToken) {
  setenv("TROUPE_TOKEN_FILE", "/secret", 1);
  const WorkerProcess worker = AcquireGood(Job("threads"));
  unsetenv("TROUPE_TOKEN_FILE");
  const std::string log = dir_ / ("logs/worker-" + worker.process.Hex());
  EXPECT_TRUE(std::filesystem::exists(log + ".out"));
  EXPECT_TRUE(std::filesystem::exists(log + ".err"));
  const std::string environment = test::ReadFile("/proc/" + std::to_string(worker.pid) + "/environ");
  EXPECT_THAT(environment, HasSubstr("TROUPE_WORKER_KIND=worker"));
  EXPECT_THAT(environment, HasSubstr("TROUPE_PROCESS_ID=" + worker.process.Hex()));
  EXPECT_THAT(environment, HasSubstr("TROUPE_JOB_ID=0000000000000007"));
  EXPECT_THAT(environment, HasSubstr("TROUPE_NODE_ID=" + node_.Hex()));
  EXPECT_THAT(environment, Not(HasSubstr("TOKEN")));
}

TEST_F(WorkerPoolTest, KillAllLeavesNoProcess) {
  const WorkerProcess forked = AcquireGood(Job("normal", 7));
  const WorkerProcess executed = AcquireGood(Job("threads", 8));
  const pid_t template_pid = TemplatePid();
  std::optional<Status> answer;
  Pool().Acquire(Job("hangs", 9), [&](const Result<WorkerProcess>& worker) { answer = worker.status(); });
  runner_.Settle();
  Pool().KillAll();
  EXPECT_EQ(Pool().size(), 0u);
  EXPECT_NE(kill(template_pid, 0), 0);
  EXPECT_NE(kill(executed.pid, 0), 0);
  const std::string stat = test::ReadFile("/proc/" + std::to_string(forked.pid) + "/stat");
  EXPECT_TRUE(stat.empty() || stat.find(") Z") != std::string::npos) << stat;
  ASSERT_TRUE(runner_.Until([&] { return answer.has_value(); }));
  EXPECT_EQ(answer->code(), StatusCode::kCancelled);
  EXPECT_EQ(Acquire(Job("normal", 7)).status().code(), StatusCode::kCancelled);
  EXPECT_THAT(exits_, IsEmpty());
}

}  // namespace
}  // namespace troupe::raylet
