#include "common/session.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session_fixture.h"

namespace troupe {
namespace {

using test::SessionTest;
using testing::HasSubstr;
namespace fs = std::filesystem;

std::string NodeJson(pid_t pid, const std::string& head) {
  return R"({"node_id":"ab","address":"127.0.0.1:2","head":")" + head + R"(","pid":)" + std::to_string(pid) +
         R"(,"socket":"/s","cluster_id":"c","version":"0.1.0"})";
}

TEST_F(SessionTest, MakesTheRootForThisUserAlone) {
  const auto root = SessionRoot();
  ASSERT_TRUE(root.ok()) << root.status().ToString();
  EXPECT_EQ(*root, root_);
  EXPECT_EQ(fs::status(root_).permissions(), fs::perms::owner_all);
}

TEST_F(SessionTest, RefusesARootThatOthersMayEnter) {
  fs::create_directory(root_);
  fs::permissions(root_, fs::perms(0755));
  EXPECT_EQ(SessionRoot().status().code(), StatusCode::kPermissionDenied);
  EXPECT_THAT(SessionRoot().status().message(), HasSubstr("chmod 700"));
}

TEST_F(SessionTest, RefusesARootThatIsALink) {
  fs::create_directory(base_ + "/elsewhere");
  fs::permissions(base_ + "/elsewhere", fs::perms(0700));
  fs::create_directory_symlink(base_ + "/elsewhere", root_);
  EXPECT_EQ(SessionRoot().status().code(), StatusCode::kPermissionDenied);
}

TEST_F(SessionTest, SaysWhyARootCannotBeMade) {
  SetEnv("TROUPE_SESSION_ROOT", base_ + "/no/such/parent");
  EXPECT_THAT(SessionRoot().status().message(), HasSubstr("TROUPE_SESSION_ROOT"));
}

TEST_F(SessionTest, ReadsReadyFilesAndToleratesWrongOnes) {
  const std::string dir = root_ + "/session_a";
  WriteText(dir + "/head.json", R"({"address":"h:1","pid":1,"cluster_id":"c","version":"v","started_ms":5})");
  WriteText(dir + "/node.json", NodeJson(1, "h:1"));
  auto session = ReadSession(dir);
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE(session->head && session->node);
  EXPECT_EQ(session->head->address, "h:1");
  EXPECT_EQ(session->head->started_ms, 5);
  EXPECT_EQ(session->node->socket, "/s");

  for (const char* text : {"", "{", "[]", "7", R"({"address":7,"pid":1})", R"({"address":"h:1","pid":"x"})",
                           R"({"address":"h:1","pid":-1})", "\xff\xfe"}) {
    WriteText(dir + "/head.json", text);
    session = ReadSession(dir);
    ASSERT_TRUE(session.ok());
    EXPECT_FALSE(session->head) << text;
  }
}

TEST_F(SessionTest, AProcessThatWasNotStartedForTheSessionIsNotItsDaemon) {
  const std::string dir = root_ + "/session_a";
  WriteText(dir + "/node.json", NodeJson(getpid(), "h:1"));
  const auto session = ReadSession(dir);
  ASSERT_TRUE(session.ok());
  EXPECT_TRUE(session->node);
  EXPECT_FALSE(session->alive());
}

TEST_F(SessionTest, ListsTheNewestFirstAndLinkedOnesToo) {
  WriteText(root_ + "/session_old/node.json", NodeJson(1, "h:1"));
  WriteText(root_ + "/session_new/node.json", NodeJson(1, "h:1"));
  WriteText(base_ + "/own/node.json", NodeJson(1, "h:1"));
  WriteText(root_ + "/notes/node.json", NodeJson(1, "h:1"));
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(root_ + "/session_old/node.json", now - std::chrono::hours(2));
  fs::last_write_time(base_ + "/own/node.json", now - std::chrono::hours(1));
  ASSERT_TRUE(LinkSession(root_, base_ + "/own").ok());
  ASSERT_TRUE(LinkSession(root_, base_ + "/own").ok());
  const auto sessions = ListSessions(root_);
  ASSERT_EQ(sessions.size(), 3u);
  EXPECT_EQ(sessions[0].dir, root_ + "/session_new");
  EXPECT_EQ(sessions[1].dir, base_ + "/own");
  EXPECT_TRUE(sessions[1].listed_only);
  EXPECT_EQ(sessions[2].dir, root_ + "/session_old");
}

TEST_F(SessionTest, FindSaysWhatIsMissing) {
  EXPECT_THAT(FindSession("").status().message(), HasSubstr("TROUPE_ADDRESS"));
  EXPECT_EQ(FindSession("").status().code(), StatusCode::kNotFound);
  EXPECT_THAT(FindSession("10.0.0.1:6480").status().message(), HasSubstr("troupe start --address 10.0.0.1:6480"));
  EXPECT_EQ(FindSession("nonsense").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(FindSession("/no/such/folder").status().code(), StatusCode::kNotFound);
  WriteText(root_ + "/session_a/node.json", NodeJson(1, "h:1"));
  EXPECT_THAT(FindSession(root_ + "/session_a").status().message(), HasSubstr("no node runs"));
  EXPECT_EQ(NewestSession().status().code(), StatusCode::kNotFound);
}

TEST_F(SessionTest, KnowsTheStartTimeOfRunningProcessesOnly) {
  EXPECT_TRUE(ProcessStartTime(getpid()));
  EXPECT_FALSE(ProcessStartTime(0));
  EXPECT_FALSE(ProcessStartTime(-1));
  EXPECT_FALSE(ProcessStartTime(0x7ffffff0));
}

}  // namespace
}  // namespace troupe
