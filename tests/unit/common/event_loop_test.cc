#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "common/asio_event_loop.h"
#include "common/manual_event_loop.h"

namespace troupe {
namespace {

using namespace std::chrono_literals;

TEST(ManualEventLoopTest, FiresTimersInOrderOfTheirTime) {
  ManualEventLoop loop;
  std::string log;
  loop.After(20ms, [&] { log += "b"; });
  loop.After(10ms, [&] {
    log += "a";
    loop.After(5ms, [&] { log += "+"; });
  });
  const TimerId cancelled = loop.After(12ms, [&] { log += "x"; });
  loop.Cancel(cancelled);
  loop.Advance(19ms);
  EXPECT_EQ(log, "a+");
  loop.Advance(1ms);
  EXPECT_EQ(log, "a+b");
  EXPECT_EQ(loop.Now(), MonotonicTime(20ms));
}

TEST(AsioEventLoopTest, RunsPostedWorkOnItsThread) {
  AsioEventLoop loop;
  std::thread thread([&] { loop.Run(); });
  bool in_loop = false;
  loop.Post([&] {
    in_loop = loop.InLoop();
    loop.After(1ms, [&] { loop.Stop(); });
  });
  thread.join();
  EXPECT_TRUE(in_loop);
  EXPECT_FALSE(loop.InLoop());
}

}  // namespace
}  // namespace troupe
