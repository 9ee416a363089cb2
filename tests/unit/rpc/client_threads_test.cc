// In a program of its own: gRPC's threads belong to the whole process.
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "rpc/client.h"

namespace troupe::rpc {
namespace {

TEST(ClientThreadsTest, TakeNoneOfTheProgramsSignals) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  {
    Client client({.target = "127.0.0.1:1"});
    const auto reply = client.CallSync<google::protobuf::StringValue>(
        "/troupe.None/None", google::protobuf::StringValue(), std::chrono::seconds(5));
    EXPECT_FALSE(reply.ok());
    int threads = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      if (task.path().filename() == std::to_string(gettid())) continue;
      std::ifstream status(task.path() / "status");
      for (std::string line; std::getline(status, line);) {
        if (!line.starts_with("SigBlk:")) continue;
        ++threads;
        const auto blocked = std::stoull(line.substr(7), nullptr, 16);
        for (const int signal : {SIGTERM, SIGINT, SIGCHLD, SIGUSR1}) EXPECT_TRUE(blocked >> (signal - 1) & 1) << signal;
      }
    }
    EXPECT_GT(threads, 0) << "gRPC has no threads: this test says nothing";
  }
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal < NSIG; ++signal) EXPECT_EQ(sigismember(&after, signal), sigismember(&before, signal));
}

}  // namespace
}  // namespace troupe::rpc
