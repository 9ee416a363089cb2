#include "tests/unit/head/cluster_fixture.h"

namespace troupe::head {
namespace {

using testing::HasSubstr;

class JobTableTest : public ClusterTest {
 protected:
  pb::SubmitJobRequest Submission(const std::string& id = "job-1") {
    pb::SubmitJobRequest request;
    request.set_submission(id);
    request.add_argv("prog");
    request.add_argv("--fast");
    (*request.mutable_environment())["A"] = "1";
    (*request.mutable_environment())["B"] = "2";
    (*request.mutable_metadata())["team"] = "x";
    return request;
  }
  Result<pb::JobInfo> Submit(const pb::SubmitJobRequest& request) {
    std::optional<Result<pb::JobInfo>> result;
    cluster_->jobs().Submit(request, [&result](Result<pb::JobInfo> job) { result = std::move(job); });
    return result.value();
  }
  pb::JobInfo Job(const std::string& submission) {
    pb::GetJobRequest request;
    request.set_submission(submission);
    return Get(request).value();
  }
  pb::JobInfo Job(std::uint64_t id) {
    pb::GetJobRequest request;
    request.set_job(id);
    return Get(request).value();
  }
  Result<pb::JobInfo> Get(const pb::GetJobRequest& request) {
    std::optional<Result<pb::JobInfo>> result;
    cluster_->jobs().Get(request, [&result](Result<pb::JobInfo> job) { result = std::move(job); });
    return result.value();
  }
  Result<pb::JobInfo> Stop(const std::string& submission) {
    pb::StopJobRequest request;
    request.set_submission(submission);
    std::optional<Result<pb::JobInfo>> result;
    cluster_->jobs().Stop(request, [&result](Result<pb::JobInfo> job) { result = std::move(job); });
    return result.value();
  }
  void DriverRuns(std::uint64_t node, const std::string& submission = "job-1") {
    pb::NodeToHead message;
    message.mutable_driver_update()->set_submission(submission);
    message.mutable_driver_update()->set_pid(77);
    Deliver(node, message);
  }
  void DriverEnds(std::uint64_t node, int wait_status, const std::string& submission = "job-1") {
    pb::NodeToHead message;
    message.mutable_driver_update()->set_submission(submission);
    message.mutable_driver_update()->set_ended(true);
    message.mutable_driver_update()->set_wait_status(wait_status);
    Deliver(node, message);
  }
  auto TakeRuns(std::uint64_t node) {
    return Take(node, [](const pb::HeadToNode& m) { return m.has_run_driver() ? &m.run_driver() : nullptr; });
  }
  auto TakeStopDrivers(std::uint64_t node) {
    return Take(node, [](const pb::HeadToNode& m) { return m.has_stop_driver() ? &m.stop_driver() : nullptr; });
  }
  pb::RegisterJobRequest Driver(std::uint64_t process, const std::string& submission = "") {
    pb::RegisterJobRequest request;
    *request.mutable_driver() = ToProto({Node(1), ProcessId{process}});
    request.set_pid(77);
    request.mutable_program()->set_path("/jobs/prog");
    request.mutable_program()->add_argv("-v");
    request.set_submission(submission);
    return request;
  }
};

TEST_F(JobTableTest, ADriverGetsAJobOfItsOwnOnce) {
  AddNode(1);
  const pb::JobInfo job = StartJob(Driver(9));
  EXPECT_NE(job.id(), 0u);
  EXPECT_EQ(job.state(), pb::JobInfo::RUNNING);
  EXPECT_EQ(job.name_space(), JobId{job.id()}.Hex());
  EXPECT_EQ(job.entrypoint(), "/jobs/prog -v");
  EXPECT_EQ(job.started_ms(), wall_ms_);
  EXPECT_EQ(StartJob(Driver(9)).id(), job.id());
  EXPECT_NE(StartJob(Driver(10)).id(), job.id());
  pb::RegisterJobRequest named = Driver(11);
  named.set_name_space("shared");
  EXPECT_EQ(StartJob(named).name_space(), "shared");
  EXPECT_EQ(cluster_->Overview().jobs_running(), 3u);
}

TEST_F(JobTableTest, RefusesDriversThatMakeNoSense) {
  AddNode(1);
  pb::RegisterJobRequest request = Driver(0);
  EXPECT_EQ(TryStartJob(request).status().code(), StatusCode::kInvalidArgument);
  request = Driver(9);
  request.mutable_driver()->set_node("x");
  EXPECT_EQ(TryStartJob(request).status().code(), StatusCode::kInvalidArgument);
  request = Driver(9);
  request.set_name_space("a\nb");
  EXPECT_EQ(TryStartJob(request).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(TryStartJob(Driver(9, "nosuch")).status().code(), StatusCode::kNotFound);
  ProcessGone(1, 9);
  EXPECT_EQ(TryStartJob(Driver(9)).status().code(), StatusCode::kFailedPrecondition) << "it died meanwhile";
}

TEST_F(JobTableTest, FinishingEndsTheJobAndTellsEveryNode) {
  AddNode(1);
  AddNode(2);
  const pb::JobInfo job = StartJob();
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job.id()}, "").ok());
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job.id()}, "again").ok());
  EXPECT_EQ(Job(job.id()).state(), pb::JobInfo::SUCCEEDED);
  for (std::uint64_t node : {1, 2}) {
    const auto updates = TakeJobs(node);
    ASSERT_EQ(updates.size(), 1u);
    EXPECT_EQ(updates[0].state(), pb::JobInfo::SUCCEEDED);
  }
  EXPECT_EQ(cluster_->jobs().Finish(JobId{5}, "").code(), StatusCode::kNotFound);
}

TEST_F(JobTableTest, FinishingWithAReasonIsAFailure) {
  AddNode(1);
  const pb::JobInfo job = StartJob();
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job.id()}, "it crashed").ok());
  EXPECT_EQ(Job(job.id()).state(), pb::JobInfo::FAILED);
  EXPECT_EQ(Job(job.id()).message(), "it crashed");
}

TEST_F(JobTableTest, ADriverThatJustDiesFailsItsJobAndTakesItsActorsAtOnce) {
  AddNode(1);
  const pb::JobInfo job = StartJob(9);
  Register(Spec(1, job));
  ProcessGone(1, 9);
  EXPECT_THAT(Info(1).ending(), HasSubstr("its creator"));
  EndProcess(1);
  EXPECT_EQ(State(1), pb::DEAD);
  EXPECT_EQ(Job(job.id()).state(), pb::JobInfo::RUNNING) << "the word how it ended may be on its way";
  loop_.Advance(500ms);
  EXPECT_EQ(Job(job.id()).state(), pb::JobInfo::FAILED);
  EXPECT_THAT(Job(job.id()).message(), HasSubstr("ended without finishing"));
}

TEST_F(JobTableTest, TheWordThatAllIsWellMayComeAfterTheDriversEnd) {
  AddNode(1);
  const pb::JobInfo job = StartJob(9);
  ProcessGone(1, 9);
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job.id()}, "").ok());
  loop_.Advance(1s);
  EXPECT_EQ(Job(job.id()).state(), pb::JobInfo::SUCCEEDED);
  EXPECT_EQ(TakeJobs(1).size(), 1u) << "nodes are told once";
}

TEST_F(JobTableTest, DeathOfTheDriversNodeFailsTheJob) {
  const NodeTable::Joined one = AddNode(1);
  const pb::JobInfo job = StartJob(9);
  Leave(one);
  EXPECT_EQ(Job(job.id()).state(), pb::JobInfo::FAILED);
  EXPECT_THAT(Job(job.id()).message(), HasSubstr("died"));
}

TEST_F(JobTableTest, ASubmissionRunsOnTheHeadsNode) {
  AddNode(1);
  pb::NodeHello hello = Hello(2);
  hello.set_is_head_node(true);
  Join(hello);
  auto job = Submit(Submission());
  ASSERT_TRUE(job.ok());
  EXPECT_EQ(job->state(), pb::JobInfo::PENDING);
  EXPECT_EQ(job->entrypoint(), "prog --fast");
  EXPECT_EQ(job->metadata().at("team"), "x");
  const auto runs = TakeRuns(2);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].argv(1), "--fast");
  EXPECT_EQ(runs[0].environment().at("A"), "1");
  EXPECT_EQ(runs[0].job().submission(), "job-1");
  DriverRuns(1);
  EXPECT_EQ(Job("job-1").state(), pb::JobInfo::PENDING) << "another node has no say";
  DriverRuns(2);
  EXPECT_EQ(Job("job-1").state(), pb::JobInfo::RUNNING);
  EXPECT_EQ(Job("job-1").driver_pid(), 77);
}

TEST_F(JobTableTest, ASubmissionIsIdempotentByItsId) {
  AddNode(1);
  const pb::JobInfo job = Submit(Submission()).value();
  EXPECT_EQ(Submit(Submission()).value().id(), job.id());
  EXPECT_EQ(TakeRuns(1).size(), 1u);
  pb::SubmitJobRequest other = Submission();
  other.set_argv(1, "--slow");
  EXPECT_EQ(Submit(other).status().code(), StatusCode::kAlreadyExists);
}

TEST_F(JobTableTest, RefusesSubmissionsThatMakeNoSense) {
  const std::vector<std::function<void(pb::SubmitJobRequest&)>> cases = {
      [](auto& request) { request.clear_submission(); },
      [](auto& request) { request.set_submission("../x"); },
      [](auto& request) { request.set_submission(".."); },
      [](auto& request) { request.set_submission(std::string(129, 'a')); },
      [](auto& request) { request.clear_argv(); },
      [](auto& request) { request.set_argv(0, ""); },
      [](auto& request) { request.set_package("../../etc/passwd"); },
      [](auto& request) { (*request.mutable_environment())["A=B"] = ""; },
      [](auto& request) { request.set_name_space("a\tb"); },
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    pb::SubmitJobRequest request = Submission();
    cases[i](request);
    EXPECT_EQ(Submit(request).status().code(), StatusCode::kInvalidArgument) << i;
  }
}

TEST_F(JobTableTest, ASubmissionWaitsForTheFirstNode) {
  EXPECT_THAT(Submit(Submission()).value().message(), HasSubstr("waits for a node"));
  const pb::Status waiting = cluster_->Overview();
  ASSERT_EQ(waiting.pending_size(), 1);
  EXPECT_EQ(waiting.pending(0).what(), "job job-1");
  AddNode(1);
  EXPECT_EQ(cluster_->Overview().pending_size(), 0);
  EXPECT_EQ(TakeRuns(1).size(), 1u);
  EXPECT_EQ(Job("job-1").message(), "");
}

TEST_F(JobTableTest, ANodeThatComesBackIsToldAgainWhatItMayHaveMissed) {
  const NodeTable::Joined one = AddNode(1);
  ASSERT_TRUE(Submit(Submission()).ok());
  ASSERT_TRUE(Stop("job-1").ok());
  const pb::JobInfo by_hand = StartJob(9, 2);
  TakeRuns(1);
  Lose(one);
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{by_hand.id()}, "").ok());
  AddNode(1);
  EXPECT_EQ(TakeRuns(1).size(), 1u);
  EXPECT_EQ(TakeStopDrivers(1).size(), 2u);
  EXPECT_EQ(TakeJobs(1).size(), 1u);
}

TEST_F(JobTableTest, TheDriverOfASubmissionJoinsItAndItsExitStatusDecides) {
  AddNode(1);
  const pb::JobInfo submitted = Submit(Submission()).value();
  const pb::JobInfo joined = StartJob(Driver(9, "job-1"));
  EXPECT_EQ(joined.id(), submitted.id());
  EXPECT_EQ(joined.program().path(), "/jobs/prog");
  EXPECT_EQ(joined.entrypoint(), "prog --fast");
  EXPECT_NE(StartJob(Driver(10, "job-1")).id(), submitted.id()) << "a script may start a second driver";
  Register(Spec(1, joined));
  TakeJobs(1);
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{joined.id()}, "").ok());
  EXPECT_THAT(Info(1).ending(), HasSubstr("its job"));
  EXPECT_EQ(TakeJobs(1).at(0).state(), pb::JobInfo::SUCCEEDED);
  EXPECT_EQ(Job("job-1").state(), pb::JobInfo::RUNNING) << "its process has not ended";
  EXPECT_EQ(TryRegister(Spec(2, joined)).status().code(), StatusCode::kFailedPrecondition);
  DriverEnds(1, 3 << 8);
  EXPECT_EQ(Job("job-1").state(), pb::JobInfo::FAILED);
  EXPECT_EQ(Job("job-1").exit_code(), 3);
  EXPECT_EQ(Job("job-1").message(), "its driver exited with status 3");
  EXPECT_TRUE(TakeJobs(1).empty());
}

TEST_F(JobTableTest, ASignalIsAFailureWithItsNameAndCode) {
  AddNode(1);
  ASSERT_TRUE(Submit(Submission()).ok());
  DriverRuns(1);
  DriverEnds(1, 11);
  EXPECT_EQ(Job("job-1").exit_code(), 139);
  EXPECT_EQ(Job("job-1").message(), "its driver was killed by signal 11 (SIGSEGV)");
}

TEST_F(JobTableTest, ADriverThatCannotStartIsAFailure) {
  AddNode(1);
  ASSERT_TRUE(Submit(Submission()).ok());
  pb::NodeToHead message;
  message.mutable_driver_update()->set_submission("job-1");
  message.mutable_driver_update()->set_error("no such file");
  Deliver(1, message);
  EXPECT_EQ(Job("job-1").state(), pb::JobInfo::FAILED);
  EXPECT_THAT(Job("job-1").message(), HasSubstr("could not be started: no such file"));
}

TEST_F(JobTableTest, StoppingASubmissionStopsItsProcess) {
  AddNode(1);
  ASSERT_TRUE(Submit(Submission()).ok());
  DriverRuns(1);
  EXPECT_EQ(Stop("job-1").value().state(), pb::JobInfo::RUNNING);
  EXPECT_EQ(TakeStopDrivers(1).size(), 1u);
  DriverEnds(1, 15);
  EXPECT_EQ(Job("job-1").state(), pb::JobInfo::STOPPED);
  EXPECT_EQ(Stop("job-1").value().state(), pb::JobInfo::STOPPED) << "once more changes nothing";
  EXPECT_EQ(Stop("nosuch").status().code(), StatusCode::kNotFound);
}

TEST_F(JobTableTest, StoppingADriverStartedByHandEndsItsProcessFirst) {
  AddNode(1);
  const pb::JobInfo job = StartJob(9);
  const auto stop = [&] {
    pb::StopJobRequest request;
    request.set_job(job.id());
    std::optional<Result<pb::JobInfo>> result;
    cluster_->jobs().Stop(request, [&result](Result<pb::JobInfo> stopped) { result = std::move(stopped); });
    return result->value();
  };
  EXPECT_EQ(stop().state(), pb::JobInfo::RUNNING) << "nothing has ended yet";
  const auto stops = TakeStopDrivers(1);
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_EQ(stops[0].process(), 9u);
  EXPECT_EQ(stops[0].submission(), "");
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job.id()}, "its process ended without troupe::Shutdown").ok());
  EXPECT_EQ(stop().state(), pb::JobInfo::STOPPED);
  EXPECT_EQ(stop().message(), "it was stopped");
}

TEST_F(JobTableTest, AStoppedDriverThatIsOnlyKnownToBeGoneHasBeenStopped) {
  AddNode(1);
  const pb::JobInfo job = StartJob(9);
  pb::StopJobRequest request;
  request.set_job(job.id());
  cluster_->jobs().Stop(request, [](const Result<pb::JobInfo>&) {});
  ProcessGone(1, 9);
  EXPECT_EQ(cluster_->jobs().Find(JobId{job.id()})->state(), pb::JobInfo::STOPPED);
}

TEST_F(JobTableTest, ANodeThatComesBackIsToldAgainToEndADriver) {
  const NodeTable::Joined one = AddNode(1);
  const pb::JobInfo job = StartJob(9);
  Lose(one);
  pb::StopJobRequest request;
  request.set_job(job.id());
  cluster_->jobs().Stop(request, [](const Result<pb::JobInfo>&) {});
  AddNode(1);
  EXPECT_EQ(TakeStopDrivers(1).size(), 1u);
}

TEST_F(JobTableTest, StoppingBeforeAnyNodeIsThereIsFinal) {
  ASSERT_TRUE(Submit(Submission()).ok());
  EXPECT_EQ(Stop("job-1").value().state(), pb::JobInfo::STOPPED);
  AddNode(1);
  EXPECT_TRUE(TakeRuns(1).empty());
}

TEST_F(JobTableTest, WaitingForAJobEndsWithTheJobOrTheTime) {
  AddNode(1);
  ASSERT_TRUE(Submit(Submission()).ok());
  pb::GetJobRequest request;
  request.set_submission("job-1");
  request.set_wait_ms(60'000);
  std::vector<pb::JobInfo::State> answers;
  const auto ask = [&] {
    cluster_->jobs().Get(request, [&answers](Result<pb::JobInfo> job) { answers.push_back(job->state()); });
  };
  ask();
  loop_.Advance(4999ms);
  EXPECT_TRUE(answers.empty());
  loop_.Advance(1ms);
  EXPECT_THAT(answers, testing::ElementsAre(pb::JobInfo::PENDING)) << "never longer than 5 s";
  ask();
  ask();
  DriverEnds(1, 0);
  EXPECT_THAT(answers, testing::ElementsAre(pb::JobInfo::PENDING, pb::JobInfo::SUCCEEDED, pb::JobInfo::SUCCEEDED));
  ask();
  EXPECT_EQ(answers.size(), 4u) << "at once when it has ended";
}

TEST_F(JobTableTest, ThePackageOfAProgramReachesEveryNode) {
  AddNode(1);
  AddNode(2);
  const pb::JobInfo job = StartJob();
  pb::NodeToHead message;
  message.mutable_job_program_packaged()->set_job(job.id());
  message.mutable_job_program_packaged()->set_package("../x");
  Deliver(1, message);
  EXPECT_TRUE(TakeJobs(2).empty());
  message.mutable_job_program_packaged()->set_package(std::string(64, 'a'));
  Deliver(1, message);
  const auto updates = TakeJobs(2);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].program().package(), std::string(64, 'a'));
  EXPECT_EQ(updates[0].state(), pb::JobInfo::RUNNING);
}

TEST_F(JobTableTest, NeedsTheProgramsOfJobsThatGoOnAndOfDetachedActors) {
  AddNode(1);
  const std::string packed(64, 'a'), submitted(64, 'b');
  const pb::JobInfo job = StartJob();
  EXPECT_TRUE(cluster_->jobs().NeededPackages().empty());
  pb::NodeToHead message;
  message.mutable_job_program_packaged()->set_job(job.id());
  message.mutable_job_program_packaged()->set_package(packed);
  Deliver(1, message);
  pb::SubmitJobRequest submission = Submission();
  submission.set_package(submitted);
  ASSERT_TRUE(Submit(submission).ok());
  EXPECT_EQ(cluster_->jobs().NeededPackages(), (std::set{packed, submitted}));
  StartJob(Driver(10, "job-1"));
  EXPECT_EQ(cluster_->jobs().NeededPackages(), (std::set{packed, submitted})) << "its driver runs from it";
  DriverEnds(1, 0);
  EXPECT_EQ(cluster_->jobs().NeededPackages(), std::set{packed});

  pb::ActorSpec detached = Spec(1, job);
  detached.set_detached(true);
  detached.set_max_restarts(1);
  Register(detached);
  Started(1, 1);
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{job.id()}, "").ok());
  ProcessDied(1, 1, 1);
  EXPECT_EQ(State(1), pb::RESTARTING);
  EXPECT_EQ(cluster_->jobs().NeededPackages(), std::set{packed});
  ASSERT_TRUE(Kill(1).ok());
  EXPECT_TRUE(cluster_->jobs().NeededPackages().empty());
}

TEST_F(JobTableTest, ListsJobsAndForgetsOnlyThoseNobodyNeeds) {
  AddNode(1);
  ASSERT_TRUE(Submit(Submission()).ok());
  const pb::JobInfo needed = StartJob(9);
  pb::ActorSpec spec = Spec(1, needed);
  spec.set_detached(true);
  Register(spec);
  ASSERT_TRUE(cluster_->jobs().Finish(JobId{needed.id()}, "").ok());
  for (std::uint64_t i = 0; i < JobTable::kEndedKept + 5; ++i) {
    const pb::JobInfo job = StartJob(100 + i);
    ASSERT_TRUE(cluster_->jobs().Finish(JobId{job.id()}, "").ok());
  }
  pb::ListJobsRequest request;
  EXPECT_EQ(cluster_->jobs().List(request).jobs_size(), static_cast<int>(JobTable::kEndedKept) + 1);
  EXPECT_EQ(Job(needed.id()).state(), pb::JobInfo::SUCCEEDED);
  request.set_submissions_only(true);
  EXPECT_EQ(cluster_->jobs().List(request).jobs_size(), 1);
}

// --- Logs and workers.

class LogTest : public JobTableTest {
 protected:
  auto TakeLogs(std::uint64_t node) {
    return Take(node, [](const pb::HeadToNode& m) { return m.has_read_log() ? &m.read_log() : nullptr; });
  }
  void Ask(const pb::ReadLogRequest& request) {
    answer_.reset();
    cluster_->ReadLog(request, [this](Result<pb::LogChunk> chunk) { answer_ = std::move(chunk); });
  }
  void Send(std::uint64_t node, std::uint64_t request, const std::string& data) {
    pb::NodeToHead message;
    message.mutable_log_chunk()->set_request(request);
    message.mutable_log_chunk()->set_data(data);
    Deliver(node, message);
  }
  std::optional<Result<pb::LogChunk>> answer_;
};

TEST_F(LogTest, AnActorsLogIsAskedOfItsLatestProcess) {
  AddNode(1);
  AddNode(2);
  const pb::JobInfo job = StartJob();
  Register(Spec(1, job));
  pb::ReadLogRequest request;
  request.set_source(pb::ReadLogRequest::ACTOR);
  request.set_actor(ActorNumber(1).Bytes());
  Ask(request);
  EXPECT_EQ(answer_->status().code(), StatusCode::kNotFound) << "it has not run";
  Started(1, 1, 1, 600);
  ProcessDied(1, 1, 1);
  request.set_max_bytes(1u << 30);
  Ask(request);
  const auto logs = TakeLogs(1);
  ASSERT_EQ(logs.size(), 1u);
  EXPECT_EQ(logs[0].log().source(), pb::ReadLogRequest::WORKER);
  EXPECT_EQ(logs[0].log().process(), 600u);
  EXPECT_EQ(logs[0].log().max_bytes(), LogRequests::kMaxBytes);
  Send(2, logs[0].request(), "forged");
  EXPECT_FALSE(answer_.has_value());
  Send(1, logs[0].request(), "hello");
  ASSERT_TRUE(answer_.has_value() && answer_->ok());
  EXPECT_EQ((*answer_)->data(), "hello");
  Send(1, logs[0].request(), "twice");
  EXPECT_EQ((*answer_)->data(), "hello");
}

TEST_F(LogTest, FindsWorkersAlsoAfterTheirEnd) {
  AddNode(1);
  pb::NodeToHead message;
  message.mutable_worker_update()->mutable_worker()->set_id(55);
  message.mutable_worker_update()->mutable_worker()->set_node("forged");
  Deliver(1, message);
  const pb::ListWorkersReply workers = cluster_->Workers();
  ASSERT_EQ(workers.workers_size(), 1);
  EXPECT_EQ(workers.workers(0).node(), Node(1).Bytes());
  ProcessGone(1, 55);
  Deliver(1, message);
  EXPECT_EQ(cluster_->Workers().workers_size(), 0) << "what is gone stays gone";
  pb::ReadLogRequest request;
  request.set_source(pb::ReadLogRequest::WORKER);
  request.set_process(55);
  Ask(request);
  EXPECT_EQ(TakeLogs(1).size(), 1u);
  request.set_process(56);
  Ask(request);
  EXPECT_EQ(answer_->status().code(), StatusCode::kNotFound);
}

TEST_F(LogTest, SaysWhenTheLogCannotBeHad) {
  const NodeTable::Joined one = AddNode(1);
  ASSERT_TRUE(Submit(Submission()).ok());
  pb::ReadLogRequest request;
  Ask(request);
  EXPECT_EQ(answer_->status().code(), StatusCode::kInvalidArgument);
  request.set_source(pb::ReadLogRequest::SUBMISSION);
  request.set_submission("job-1");
  Ask(request);
  EXPECT_EQ(TakeLogs(1).size(), 1u);
  loop_.Advance(LogRequests::kPatience);
  EXPECT_EQ(answer_->status().code(), StatusCode::kDeadlineExceeded);
  Ask(request);
  Leave(one);
  EXPECT_EQ(answer_->status().code(), StatusCode::kUnavailable);
  request.set_source(pb::ReadLogRequest::RAYLET);
  request.set_node(Node(1).Bytes());
  Ask(request);
  EXPECT_EQ(answer_->status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(answer_->status().message(), HasSubstr("dead"));
  request.set_node(Node(3).Bytes());
  Ask(request);
  EXPECT_EQ(answer_->status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace troupe::head
