#include "raylet/logs/log_monitor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <numeric>

#include "tests/unit/jobs/temporary_directory.h"
#include "tests/unit/raylet/loop_runner.h"

namespace troupe::raylet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LogMonitorTest : public ::testing::Test {
 protected:
  void Start(LogMonitor::Options options = {}) {
    std::filesystem::create_directories(dir_ / "logs");
    options.session_dir = dir_.path();
    options.raylet_log = dir_ / "logs/raylet.log";
    options.driver_running = [this](const std::string&) { return driver_running_; };
    monitor_ = std::make_unique<LogMonitor>(
        runner_.loop, runner_.loop.context(), options,
        [this](ProcessId process, bool is_stderr, std::vector<std::string> lines, std::uint64_t dropped) {
          EXPECT_EQ(process, worker_);
          auto& all = is_stderr ? err_ : out_;
          all.insert(all.end(), lines.begin(), lines.end());
          dropped_ += dropped;
        });
    const Status started = monitor_->Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
  }

  void Append(const std::string& name, const std::string& text) {
    const int fd = open((dir_ / ("logs/" + name)).c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600);
    ASSERT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(fd);
  }
  void AppendOut(const std::string& text) { Append("worker-" + worker_.Hex() + ".out", text); }
  void AppendErr(const std::string& text) { Append("worker-" + worker_.Hex() + ".err", text); }

  bool UnwatchAndWait() {
    bool done = false;
    monitor_->Unwatch(worker_, [&] { done = true; });
    return runner_.Until([&] { return done; });
  }

  pb::LogChunk Read(const pb::ReadLogRequest& request) {
    std::optional<pb::LogChunk> chunk;
    monitor_->Read(request, [&](const pb::LogChunk& reply) { chunk = reply; });
    EXPECT_FALSE(chunk) << "never from inside the call";
    EXPECT_TRUE(runner_.Until([&] { return chunk.has_value(); }));
    return chunk.value_or(pb::LogChunk());
  }

  pb::ReadLogRequest OfWorker() const {
    pb::ReadLogRequest request;
    request.set_source(pb::ReadLogRequest::WORKER);
    request.set_process(worker_.value);
    return request;
  }

  test::TemporaryDirectory dir_;
  test::LoopRunner runner_;
  const ProcessId worker_ = ProcessId::Random();
  bool driver_running_ = false;
  std::vector<std::string> out_;
  std::vector<std::string> err_;
  std::uint64_t dropped_ = 0;
  std::unique_ptr<LogMonitor> monitor_;
};

TEST_F(LogMonitorTest, FollowsBothStreamsFromTheirFirstByte) {
  Start();
  AppendOut("early\n");
  monitor_->Watch(worker_);
  ASSERT_TRUE(runner_.Until([&] { return out_.size() == 1; }));
  AppendErr("oops\n");  // a file that was not there
  AppendOut("late");
  ASSERT_TRUE(runner_.Until([&] { return err_.size() == 1; }));
  AppendOut("r\n");
  ASSERT_TRUE(runner_.Until([&] { return out_.size() == 2; }));
  EXPECT_THAT(out_, ElementsAre("early", "later"));
  EXPECT_THAT(err_, ElementsAre("oops"));
  EXPECT_EQ(dropped_, 0u);
}

TEST_F(LogMonitorTest, SendsTheLastBytesOfAWorkerBeforeUnwatchIsDone) {
  Start();
  monitor_->Watch(worker_);
  runner_.Settle();
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += "line " + std::to_string(i) + "\n";
  AppendOut(text + "no end");
  AppendErr("terminate called");
  ASSERT_TRUE(UnwatchAndWait());
  ASSERT_EQ(out_.size(), 1'001u);
  EXPECT_EQ(out_.back(), "no end");
  EXPECT_THAT(err_, ElementsAre("terminate called"));
}

TEST_F(LogMonitorTest, LeavesOutWhatIsBeyondTheRateAndCountsIt) {
  Start({.lines_per_second = 100});
  monitor_->Watch(worker_);
  std::string text;
  constexpr int kLines = 200'000;
  for (int i = 0; i < kLines; ++i) text += "line " + std::to_string(i) + "\n";
  AppendOut(text);
  ASSERT_TRUE(UnwatchAndWait());
  EXPECT_EQ(out_.size() + dropped_, static_cast<std::size_t>(kLines));
  EXPECT_GE(out_.size(), 100u);
  EXPECT_LT(out_.size(), 2'000u);
  EXPECT_EQ(out_.front(), "line 0");
}

TEST_F(LogMonitorTest, ReportsWhatWasLeftOutWhenTheFloodStops) {
  Start({.lines_per_second = 1, .report_dropped_after = std::chrono::milliseconds(5)});
  monitor_->Watch(worker_);
  AppendOut("1\n2\n3\n");
  ASSERT_TRUE(runner_.Until([&] { return out_.size() + dropped_ == 3; }));
  EXPECT_THAT(out_, ElementsAre("1"));
}

TEST_F(LogMonitorTest, CutsLinesWithoutEnd) {
  Start({.max_line_bytes = 1'000});
  monitor_->Watch(worker_);
  AppendOut(std::string(2'500, 'x'));
  ASSERT_TRUE(runner_.Until([&] { return out_.size() == 2; }));
  ASSERT_TRUE(UnwatchAndWait());
  ASSERT_EQ(out_.size(), 3u);
  EXPECT_EQ(out_[2].size(), 500u);
}

TEST_F(LogMonitorTest, GivesTheBeginningOfALongLogBackToTheDisk) {
  Start({.lines_per_second = 1, .keep_bytes = 1u << 20});
  monitor_->Watch(worker_);
  for (int i = 0; i < 8; ++i) AppendOut(std::string((1u << 20) - 1, 'x') + "\n");
  AppendOut("last\n");
  ASSERT_TRUE(UnwatchAndWait());
  struct stat info;
  ASSERT_EQ(stat((dir_ / ("logs/worker-" + worker_.Hex() + ".out")).c_str(), &info), 0);
  EXPECT_EQ(info.st_size, (8 << 20) + 5) << "offsets stay as they are";
  EXPECT_LE(info.st_blocks * 512, 3 << 20);
  pb::ReadLogRequest request = OfWorker();
  const pb::LogChunk chunk = Read(request);
  EXPECT_GT(chunk.offset(), 4u << 20) << "what is gone is passed over";
  EXPECT_EQ(chunk.data().front(), 'x');
}

TEST_F(LogMonitorTest, UnwatchOfAnUnknownWorkerIsDoneAtOnce) {
  Start();
  EXPECT_TRUE(UnwatchAndWait());
}

TEST_F(LogMonitorTest, SaysThatThereIsNoFolderToFollow) {
  LogMonitor monitor(runner_.loop, runner_.loop.context(), {.session_dir = dir_ / "absent"}, [](auto&&...) {});
  const Status started = monitor.Start();
  EXPECT_EQ(started.code(), StatusCode::kNotFound);
  EXPECT_THAT(started.message(), HasSubstr(dir_ / "absent/logs"));
}

TEST_F(LogMonitorTest, ReadsByOffsetUntilTheEndOfAnEndedWorker) {
  Start();
  AppendOut("0123456789");
  pb::ReadLogRequest request = OfWorker();
  request.set_max_bytes(6);
  pb::LogChunk chunk = Read(request);
  EXPECT_EQ(chunk.data(), "012345");
  EXPECT_FALSE(chunk.end());
  request.set_offset(6);
  chunk = Read(request);
  EXPECT_EQ(chunk.data(), "6789");
  EXPECT_EQ(chunk.offset(), 6u);
  EXPECT_TRUE(chunk.end());
}

TEST_F(LogMonitorTest, AnEmptyLogThatHasBeenDeletedIsEmptyAndOneThatIsNotKnownIsNot) {
  LogMonitor::Options options;
  options.was_empty = [&](const std::string& path) { return path.ends_with(worker_.Hex() + ".out"); };
  Start(options);
  pb::ReadLogRequest request = OfWorker();
  const pb::LogChunk chunk = Read(request);
  EXPECT_EQ(chunk.error(), "");
  EXPECT_TRUE(chunk.end());
  request.set_is_stderr(true);
  EXPECT_THAT(Read(request).error(), HasSubstr("is on this node, or not any more"));
}

TEST_F(LogMonitorTest, ReadsTheTail) {
  Start();
  AppendOut("0123456789");
  pb::ReadLogRequest request = OfWorker();
  request.set_tail(true);
  request.set_max_bytes(3);
  const pb::LogChunk chunk = Read(request);
  EXPECT_EQ(chunk.data(), "789");
  EXPECT_EQ(chunk.offset(), 7u);
}

TEST_F(LogMonitorTest, WaitsForTheFirstByteOfARunningWorker) {
  Start();
  monitor_->Watch(worker_);
  pb::ReadLogRequest request = OfWorker();
  EXPECT_FALSE(Read(request).end()) << "without wait_ms: at once, with nothing";
  request.set_wait_ms(5'000);
  std::optional<pb::LogChunk> chunk;
  monitor_->Read(request, [&](const pb::LogChunk& reply) { chunk = reply; });
  runner_.Settle();
  EXPECT_FALSE(chunk);
  AppendOut("now\n");
  ASSERT_TRUE(runner_.Until([&] { return chunk.has_value(); }));
  EXPECT_EQ(chunk->data(), "now\n");
  EXPECT_FALSE(chunk->end());
}

TEST_F(LogMonitorTest, AReaderThatWaitsLearnsThatTheWorkerHasEnded) {
  Start();
  AppendOut("x");
  monitor_->Watch(worker_);
  pb::ReadLogRequest request = OfWorker();
  request.set_offset(1);
  request.set_wait_ms(5'000);
  std::optional<pb::LogChunk> chunk;
  monitor_->Read(request, [&](const pb::LogChunk& reply) { chunk = reply; });
  ASSERT_TRUE(UnwatchAndWait());
  ASSERT_TRUE(runner_.Until([&] { return chunk.has_value(); }));
  EXPECT_TRUE(chunk->end());
  EXPECT_THAT(chunk->data(), IsEmpty());
}

TEST_F(LogMonitorTest, AReaderThatWaitsInVainGetsNothingInTime) {
  Start();
  monitor_->Watch(worker_);
  pb::ReadLogRequest request = OfWorker();
  request.set_wait_ms(20);
  const pb::LogChunk chunk = Read(request);
  EXPECT_THAT(chunk.data(), IsEmpty());
  EXPECT_FALSE(chunk.end());
  EXPECT_THAT(chunk.error(), IsEmpty());
}

TEST_F(LogMonitorTest, ReadsTheLogOfASubmissionUntilItsDriverEnds) {
  Start();
  driver_running_ = true;
  Append("job-run.1.log", "hello\n");
  pb::ReadLogRequest request;
  request.set_source(pb::ReadLogRequest::SUBMISSION);
  request.set_submission("run.1");
  EXPECT_FALSE(Read(request).end());
  driver_running_ = false;
  const pb::LogChunk chunk = Read(request);
  EXPECT_EQ(chunk.data(), "hello\n");
  EXPECT_TRUE(chunk.end());
}

TEST_F(LogMonitorTest, StartsAgainWhenTheRayletsLogWasRotated) {
  Start();
  Append("raylet.log", "new\n");
  pb::ReadLogRequest request;
  request.set_source(pb::ReadLogRequest::RAYLET);
  request.set_offset(1'000);
  const pb::LogChunk chunk = Read(request);
  EXPECT_EQ(chunk.data(), "new\n");
  EXPECT_EQ(chunk.offset(), 0u);
  EXPECT_FALSE(chunk.end());
}

TEST_F(LogMonitorTest, NamesWhatIsNotThere) {
  Start();
  dir_.Write("secret", "secret");
  EXPECT_THAT(Read(OfWorker()).error(), HasSubstr("no log of worker " + worker_.Hex()));
  pb::ReadLogRequest request;
  request.set_source(pb::ReadLogRequest::HEAD);
  EXPECT_THAT(Read(request).error(), HasSubstr("no log of that kind"));
  request.set_source(pb::ReadLogRequest::SUBMISSION);
  for (const char* evil : {"", "..", "../../secret", "/etc/passwd", "a/b", "x\n", ".hidden"}) {
    request.set_submission(evil);
    const pb::LogChunk chunk = Read(request);
    EXPECT_THAT(chunk.error(), HasSubstr("id")) << evil;
    EXPECT_THAT(chunk.data(), IsEmpty()) << evil;
  }
}

}  // namespace
}  // namespace troupe::raylet
