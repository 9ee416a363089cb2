// What tests of sessions and daemons share: a session root, token and programs of their own.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/local_cluster.h"

namespace troupe::test {

// Sets the environment for the test's life; ends every daemon of its sessions afterwards.
class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    // Without links, as sessions are named.
    std::string path = std::filesystem::canonical(std::filesystem::temp_directory_path()) / "troupe-session.XXXXXX";
    base_ = mkdtemp(path.data());
    root_ = base_ + "/root";
    std::filesystem::create_directories(base_ + "/install/bin");
    for (const char* name : {"troupe-head", "troupe-raylet"}) {
      std::filesystem::create_symlink(FAKE_DAEMON, base_ + "/install/bin/" + name);
    }
    SetEnv("TROUPE_SESSION_ROOT", root_);
    SetEnv("TROUPE_HOME", base_ + "/install");
    SetEnv("TROUPE_TOKEN_FILE", base_ + "/secret/token");
    unsetenv("TROUPE_ADDRESS");
    unsetenv("TROUPE_FAKE");
  }
  void TearDown() override {
    for (const Session& session : ListSessions(root_)) EXPECT_TRUE(StopSession(session, std::chrono::seconds(60)).ok());
    std::filesystem::remove_all(base_);
  }

  static void SetEnv(const char* name, const std::string& value) { setenv(name, value.c_str(), 1); }
  static std::string ReadText(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string WriteText(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::string base_;
  std::string root_;
};

}  // namespace troupe::test
