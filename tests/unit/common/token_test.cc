#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "common/session.h"
#include "session_fixture.h"

namespace troupe {
namespace {

using test::SessionTest;
using testing::HasSubstr;
using TokenTest = SessionTest;
namespace fs = std::filesystem;

const std::string kToken(64, 'a');

TEST_F(TokenTest, TakesThePathFromTheEnvironmentElseFromHome) {
  EXPECT_EQ(*TokenFile(), base_ + "/secret/token");
  unsetenv("TROUPE_TOKEN_FILE");
  const char* home = getenv("HOME");
  const std::string before = home ? home : "";
  SetEnv("HOME", "/somewhere");
  EXPECT_EQ(*TokenFile(), "/somewhere/.troupe/token");
  SetEnv("HOME", before);
}

TEST_F(TokenTest, MakesATokenThatOnlyThisUserCanReadAndKeepsIt) {
  const std::string path = *TokenFile();
  EXPECT_EQ(LoadToken(path).status().code(), StatusCode::kNotFound);
  const auto made = LoadOrMakeToken(path);
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_EQ(made->size(), 64u);
  EXPECT_EQ(fs::status(path).permissions(), fs::perms(0600));
  EXPECT_EQ(*LoadOrMakeToken(path), *made);
  EXPECT_EQ(*LoadToken(path), *made);
}

TEST_F(TokenTest, SaysHowToPutATokenElsewhereWhereItsFolderCannotBeWritten) {
  // /proc refuses everybody, root included.
  for (const char* path : {"/proc/token", "/proc/none/token"}) {
    const auto made = LoadOrMakeToken(path);
    ASSERT_FALSE(made.ok());
    EXPECT_THAT(made.status().message(), HasSubstr("TROUPE_TOKEN_FILE"));
  }
}

TEST_F(TokenTest, MakersAtTheSameTimeGetOneToken) {
  std::vector<std::string> tokens(8);
  std::vector<std::thread> threads;
  for (std::string& token : tokens) {
    threads.emplace_back([&token, path = *TokenFile()] {
      if (auto made = LoadOrMakeToken(path); made.ok()) token = *made;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(tokens.begin(), tokens.end()).size(), 1u);
  EXPECT_EQ(tokens[0].size(), 64u);
  EXPECT_EQ(std::distance(fs::directory_iterator(base_ + "/secret"), {}), 1) << "files written aside are removed";
}

TEST_F(TokenTest, RefusesAFileThatOthersCanRead) {
  const std::string path = WriteText(base_ + "/token", kToken);
  fs::permissions(path, fs::perms(0640));
  EXPECT_EQ(LoadToken(path).status().code(), StatusCode::kPermissionDenied);
  EXPECT_THAT(LoadOrMakeToken(path).status().message(), HasSubstr("chmod 600"));
  fs::permissions(path, fs::perms(0600));
  EXPECT_EQ(*LoadToken(path), kToken);
}

TEST_F(TokenTest, RefusesWhatIsNotAToken) {
  for (const std::string& text : {std::string(), std::string("secret"), kToken + "a", std::string(64, 'g'),
                                  " " + kToken.substr(1), kToken + "\n\n", std::string(64, '\0')}) {
    const std::string path = WriteText(base_ + "/token", text);
    fs::permissions(path, fs::perms(0600));
    const Status status = LoadToken(path).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(status.message(), testing::Not(HasSubstr(kToken))) << "a token is never printed";
  }
  EXPECT_EQ(LoadToken(base_).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace troupe
