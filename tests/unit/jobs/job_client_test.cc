#include "troupe/job_client.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "fake_head.h"
#include "jobs/head_connection.h"
#include "jobs/package.h"
#include "jobs/package_upload.h"
#include "temporary_directory.h"

namespace troupe {
namespace {

using test::FakeHead;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

class JobClientTest : public testing::Test {
 protected:
  JobClientTest() {
    token_file_ = directory_.Write("token", test::kToken + "\n");
    std::filesystem::permissions(token_file_, std::filesystem::perms(0600));
  }
  JobClient Client() { return JobClient(head_.address(), token_file_); }

  template <class Call>
  JobError ErrorOf(const Call& call) {
    try {
      call();
    } catch (const JobError& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return JobError(JobError::Code::kFailed, "");
  }

  test::TemporaryDirectory directory_;
  std::string token_file_;
  FakeHead head_;
};

TEST_F(JobClientTest, ShipsAProgramOnceAndRunsIt) {
  JobClient client = Client();
  const std::string program = directory_.Write("program", "#!/bin/sh\necho hello\n");
  std::filesystem::permissions(program, std::filesystem::perms(0700));
  const std::string id = client.Submit({.argv = {"x", "a", "--b"},
                                        .program = program,
                                        .name_space = "n",
                                        .environment = {{"K", "V"}},
                                        .metadata = {{"who", "me"}}});
  EXPECT_THAT(id, testing::MatchesRegex("job-[0-9a-f]{16}"));
  const pb::SubmitJobRequest& request = head_.submissions.at(id);
  EXPECT_THAT(request.argv(), ElementsAre("bin/program", "a", "--b"));
  EXPECT_EQ(request.name_space(), "n");
  EXPECT_EQ(request.environment().at("K"), "V");
  EXPECT_TRUE(head_.packages.contains(request.package()));

  const JobDetails job = client.Status(id);
  EXPECT_EQ(job.state, JobState::kSucceeded);
  EXPECT_EQ(job.metadata.at("who"), "me");
  EXPECT_EQ(head_.package_chunks, 1u);
  client.Submit({.program = program});
  EXPECT_EQ(head_.package_chunks, 1u) << "the head has the package already";
}

TEST_F(JobClientTest, ShipsAProgramAgainThatTheHeadHasGivenBack) {
  const std::string program = directory_.Write("program", "#!/bin/sh\n");
  std::filesystem::permissions(program, std::filesystem::perms(0700));
  head_.lose_packages = true;
  const std::string id = Client().Submit({.program = program});
  EXPECT_TRUE(head_.packages.contains(head_.submissions.at(id).package()));
  EXPECT_EQ(head_.package_chunks, 2u);
}

TEST_F(JobClientTest, RunsAProgramOfTheNodeWithoutShipping) {
  const std::string id = Client().Submit({.argv = {"date", "-u"}, .submission_id = "mine"});
  EXPECT_EQ(id, "mine");
  EXPECT_THAT(head_.submissions.at("mine").argv(), ElementsAre("date", "-u"));
  EXPECT_EQ(head_.submissions.at("mine").package(), "");
}

TEST_F(JobClientTest, SendsAPackageInChunksFromWhereTheHeadStands) {
  std::string bytes(5'000'000, '\0');
  std::mt19937 random(1);
  for (char& byte : bytes) byte = static_cast<char>(random());
  const std::string file = directory_.Write("package", bytes);
  const auto package = jobs::HashPackage(file);
  ASSERT_TRUE(package.ok());
  auto head = jobs::HeadConnection::Open(head_.address(), token_file_);
  ASSERT_TRUE(head.ok());
  head_.packages[package->hash] = bytes.substr(0, 1'000'000);
  head_.forget_package_at = 3'500'000;
  const Status sent = jobs::UploadPackage(**head, file, package->hash, package->size, 60s);
  EXPECT_TRUE(sent.ok()) << sent.ToString();
  EXPECT_EQ(head_.packages[package->hash], bytes);
}

TEST_F(JobClientTest, WaitsForAJobToEndAndNoLonger) {
  head_.run_jobs = false;
  JobClient client = Client();
  const std::string id = client.Submit({.argv = {"sleep"}});
  EXPECT_EQ(client.Wait(id, 0ms).state, JobState::kRunning);
  head_.End(id, pb::JobInfo::FAILED, 3);
  const JobDetails job = client.Wait(id);
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.exit_code, 3);
}

TEST_F(JobClientTest, ReadsOutputInPartsAndToTheEnd) {
  head_.run_jobs = false;
  JobClient client = Client();
  const std::string id = client.Submit({.argv = {"x"}});
  head_.logs[id] = "one\ntwo\n";
  JobLog log = client.Logs(id, 0, 4);
  EXPECT_EQ(log.data, "one\n");
  EXPECT_FALSE(log.end);
  log = client.Logs(id, log.next_offset);
  EXPECT_EQ(log.data, "two\n");
  std::string tail;
  client.TailLogs(id, [&](std::string_view output) {
    tail += output;
    if (tail == "one\ntwo\n") {
      const std::lock_guard lock(head_.mutex());
      head_.logs[id] += "three\n";
      head_.jobs[id].set_state(pb::JobInfo::SUCCEEDED);
    }
    return true;
  });
  EXPECT_EQ(tail, "one\ntwo\nthree\n");
}

TEST_F(JobClientTest, TailsOnWhenALogCannotBeReadForAMoment) {
  JobClient client = Client();
  const std::string id = client.Submit({.argv = {"x"}});
  head_.read_log_failure = Unavailable("the node is away");
  std::string tail;
  client.TailLogs(id, [&](std::string_view output) {
    tail += output;
    return true;
  });
  EXPECT_EQ(tail, "hello\n");
}

TEST_F(JobClientTest, StopsAndLists) {
  head_.run_jobs = false;
  JobClient client = Client();
  const std::string id = client.Submit({.argv = {"x"}});
  EXPECT_EQ(client.Stop(id).state, JobState::kStopped);
  ASSERT_EQ(client.List().size(), 1u);
  EXPECT_EQ(client.List()[0].submission_id, id);
}

TEST_F(JobClientTest, SaysWhatIsWrongByCode) {
  using Code = JobError::Code;
  JobClient client = Client();
  EXPECT_EQ(ErrorOf([&] { client.Status("unknown"); }).code(), Code::kNotFound);
  EXPECT_EQ(ErrorOf([&] { client.Submit({}); }).code(), Code::kInvalid);
  EXPECT_EQ(ErrorOf([&] { client.Submit({.argv = {"x"}, .submission_id = "taken"}); }).code(), Code::kExists);
  EXPECT_EQ(ErrorOf([&] { client.Submit({.program = "/no/such/program"}); }).code(), Code::kNotFound);
  const std::string plain = directory_.Write("plain", "text");
  EXPECT_THAT(ErrorOf([&] { client.Submit({.program = plain}); }).what(), HasSubstr("chmod +x"));
  EXPECT_EQ(ErrorOf([&] { JobClient("nonsense", token_file_); }).code(), Code::kInvalid);
  EXPECT_EQ(ErrorOf([&] { JobClient(head_.address(), directory_ / "none"); }).code(), Code::kRefused);
  head_.Stop();
  EXPECT_EQ(ErrorOf([&] { client.Status("x"); }).code(), Code::kUnreachable);
}

TEST_F(JobClientTest, TellsAnotherVersionFromOtherFailures) {
  FakeHead newer(rpc::kProtocolVersion + 1);
  JobClient client(newer.address(), token_file_);
  const JobError error = ErrorOf([&] { client.List(); });
  EXPECT_EQ(error.code(), JobError::Code::kRefused);
  EXPECT_THAT(error.what(), HasSubstr("protocol version"));

  const std::string other = directory_.Write("other", std::string(64, 'b'));
  std::filesystem::permissions(other, std::filesystem::perms(0600));
  EXPECT_EQ(ErrorOf([&] { JobClient(head_.address(), other).List(); }).code(), JobError::Code::kRefused);
}

}  // namespace
}  // namespace troupe
