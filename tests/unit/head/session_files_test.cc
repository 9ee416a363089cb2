#include "head/session_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "head/head_options.h"
#include "head/log_file.h"
#include "tests/unit/head/temporary_folder.h"

namespace troupe::head {
namespace {

using testing::HasSubstr;

TEST(SessionFilesTest, TheSessionFolderMustBePrivate) {
  TemporaryFolder folder;
  EXPECT_TRUE(CheckSessionDirectory(folder.path()).ok());
  chmod(folder.path().c_str(), 0750);
  EXPECT_EQ(CheckSessionDirectory(folder.path()).code(), StatusCode::kPermissionDenied);
  chmod(folder.path().c_str(), 0700);
  EXPECT_FALSE(CheckSessionDirectory(folder.Write("file", "")).ok());
  EXPECT_THAT(CheckSessionDirectory(folder.File("none")).message(), HasSubstr(folder.File("none")));
}

TEST(SessionFilesTest, OnlyOneHoldsTheLockAndItsEndFreesIt) {
  TemporaryFolder folder;
  {
    auto first = FileLock::Take(folder.File("lock"));
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(FileLock::Take(folder.File("lock")).status().code(), StatusCode::kAlreadyExists);
  }
  EXPECT_TRUE(FileLock::Take(folder.File("lock")).ok());
}

TEST(SessionFilesTest, WritesFilesWhole) {
  TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder.File("f"), "one").ok());
  ASSERT_TRUE(WriteFileAtomically(folder.File("f"), "two").ok());
  EXPECT_EQ(folder.Read("f"), "two");
  EXPECT_EQ(folder.Count("."), 1u) << "nothing temporary is left";
  EXPECT_FALSE(WriteFileAtomically(folder.File("none/f"), "x").ok());
}

TEST(LogFileTest, ReadsFromAnOffsetOrTheEnd) {
  TemporaryFolder folder;
  folder.Write("log", "0123456789");
  pb::ReadLogRequest request;
  request.set_offset(8);
  auto chunk = ReadLogFile(folder.File("log"), request);
  ASSERT_TRUE(chunk.ok());
  EXPECT_EQ(chunk->data(), "89");
  EXPECT_EQ(chunk->offset(), 8u);
  request.set_offset(99);
  EXPECT_EQ(ReadLogFile(folder.File("log"), request)->data(), "");
  request.set_tail(true);
  request.set_max_bytes(3);
  EXPECT_EQ(ReadLogFile(folder.File("log"), request)->data(), "789");
  EXPECT_EQ(ReadLogFile(folder.File("none"), request).status().code(), StatusCode::kNotFound);
}

class HeadOptionsTest : public testing::Test {
 protected:
  Result<HeadOptions> Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "troupe-head");
    return ParseHeadOptions(static_cast<int>(arguments.size()), arguments.data(), &exit_code_);
  }
  int exit_code_ = -1;
};

TEST_F(HeadOptionsTest, TakesWhatIsGivenAndDefaultsForTheRest) {
  auto options = Parse({"--session-dir", "/s", "--token-file", "/t", "--port", "7000", "--cluster-id",
                        "00000000000000010000000000000002"});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->bind, "127.0.0.1");
  EXPECT_EQ(options->port, 7000);
  EXPECT_EQ(options->cluster, (ClusterId{1, 2}));
  auto fresh = Parse({"--session-dir", "/s", "--token-file", "/t"});
  ASSERT_TRUE(fresh.ok());
  EXPECT_EQ(fresh->port, 0);
  EXPECT_FALSE(static_cast<bool>(fresh->cluster)) << "the registry may have one";
}

TEST_F(HeadOptionsTest, MistakesEndWithStatusTwo) {
  const std::vector<std::vector<const char*>> cases = {
      {},
      {"--session-dir", "/s"},
      {"--session-dir", "/s", "--token-file", "/t", "--port", "65536"},
      {"--session-dir", "/s", "--token-file", "/t", "--cluster-id", "xyz"},
      {"--session-dir", "/s", "--token-file", "/t", "--token", "secret"},
  };
  for (const auto& arguments : cases) {
    exit_code_ = -1;
    EXPECT_FALSE(Parse(arguments).ok());
    EXPECT_EQ(exit_code_, 2);
  }
}

}  // namespace
}  // namespace troupe::head
