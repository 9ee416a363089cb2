#include <signal.h>

#include "cli_fixture.h"

namespace troupe::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SubmitTest : public CliTest {
 protected:
  std::string Script() {
    const std::string path = WriteText(base_ + "/program.sh", "#!/bin/sh\n");
    std::filesystem::permissions(path, std::filesystem::perms(0700));
    return path;
  }
  const pb::SubmitJobRequest& Request() { return head_.submissions.begin()->second; }
};

TEST_F(SubmitTest, ShipsAProgramAndPrintsItsOutputAlone) {
  ASSERT_EQ(AtHead({"submit", "--", Script(), "--flag", "[1,2]", "--", "-x"}), kOk) << err_;
  EXPECT_EQ(out_, "hello\n");
  EXPECT_THAT(Request().argv(), ElementsAre("bin/program.sh", "--flag", "[1,2]", "--", "-x"));
  EXPECT_NE(Request().package(), "");
}

TEST_F(SubmitTest, TakesAProgramWithoutTheMark) {
  ASSERT_EQ(AtHead({"submit", "--env", "A=b=c", "--env", "D=", "date", "-u", "--", "x"}), kOk) << err_;
  EXPECT_THAT(Request().argv(), ElementsAre("date", "-u", "--", "x"));
  EXPECT_EQ(Request().package(), "");
  EXPECT_EQ(Request().environment().at("A"), "b=c");
  EXPECT_EQ(Request().environment().at("D"), "");
}

TEST_F(SubmitTest, DoesNotShipWhatIsOnTheNode) {
  ASSERT_EQ(AtHead({"submit", "--no-ship", "--namespace", "n", "--", "/opt/x"}), kOk) << err_;
  EXPECT_THAT(Request().argv(), ElementsAre("/opt/x"));
  EXPECT_EQ(Request().name_space(), "n");
}

TEST_F(SubmitTest, ReturnsTheProgramsExitCode) {
  head_.run_jobs = false;
  ASSERT_EQ(AtHead({"submit", "--no-wait", "--json", "--submission-id", "a", "--", "x"}), kOk) << err_;
  EXPECT_EQ(Json()["submission_id"], "a");
  head_.run_jobs = true;
  EXPECT_EQ(AtHead({"submit", "--submission-id", "ok", "--", "x"}), kOk);

  // It ends while its output is followed.
  head_.run_jobs = false;
  std::thread ends([this] {
    for (;;) {
      {
        const std::lock_guard lock(head_.mutex());
        if (head_.jobs.contains("b")) break;
      }
      std::this_thread::yield();
    }
    head_.End("b", pb::JobInfo::FAILED, 7);
  });
  EXPECT_EQ(AtHead({"submit", "--submission-id", "b", "--", "x"}), 7);
  ends.join();
}

TEST_F(SubmitTest, StopsTheJobAtAnInterrupt) {
  head_.run_jobs = false;
  std::thread interrupts([this] {
    for (;;) {
      {
        const std::lock_guard lock(head_.mutex());
        // It follows the log, so it watches for signals.
        if (!head_.log_requests.empty()) break;
      }
      std::this_thread::yield();
    }
    kill(getpid(), SIGINT);
  });
  EXPECT_EQ(AtHead({"submit", "--submission-id", "c", "--", "x"}), kInterrupted);
  interrupts.join();
  EXPECT_EQ(head_.jobs["c"].state(), pb::JobInfo::STOPPED);
}

TEST_F(SubmitTest, SaysWhyAProgramCannotBeSubmitted) {
  EXPECT_EQ(AtHead({"submit", "--", base_ + "/none"}), kNotFound);
  EXPECT_THAT(err_, HasSubstr("there is no program"));
  const std::string plain = WriteText(base_ + "/plain", "text");
  EXPECT_EQ(AtHead({"submit", "--", plain}), kUsage);
  EXPECT_EQ(AtHead({"submit", "--submission-id", "taken", "--", "x"}), kFailed);
  EXPECT_EQ(Troupe({"submit", "--", "x"}), kUnreachable);
  EXPECT_EQ(Troupe({"submit", "--address", "127.0.0.1:1", "--", "x"}), kUnreachable);
}

}  // namespace
}  // namespace troupe::cli
