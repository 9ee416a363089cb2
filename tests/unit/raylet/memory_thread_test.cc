#include "raylet/objects/memory_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <thread>

#include "loop_runner.h"
#include "object_store/shared_segment.h"
#include "troupe/ids.h"

namespace troupe::raylet {
namespace {

class MemoryThreadTest : public ::testing::Test {
 protected:
  void TearDown() override {
    memory_.reset();
    for (std::uint64_t number = 0; number < 3; ++number) EXPECT_FALSE(Exists(number));
  }
  std::string Name(std::uint64_t number) const { return store::SegmentName(prefix_, 1, number); }
  bool Exists(std::uint64_t number) const { return std::filesystem::exists("/dev/shm/" + Name(number)); }
  void Release(std::uint64_t number) {
    bool done = false;
    memory_->Release(Name(number), [&] { done = true; });
    EXPECT_TRUE(runner_.Until([&] { return done; }));
  }

  const std::string prefix_ = "troupe-test-" + ProcessId::Random().Hex();
  test::LoopRunner runner_;
  std::unique_ptr<MemoryThread> memory_ = std::make_unique<MemoryThread>(runner_.loop);
};

TEST_F(MemoryThreadTest, ReservesOnAThreadAndAnswersOnTheLoop) {
  const auto loop = std::this_thread::get_id();
  std::optional<Status> told;
  memory_->Reserve(Name(0), 1 << 20, [&](const Status& status) {
    EXPECT_EQ(std::this_thread::get_id(), loop);
    told = status;
  });
  EXPECT_EQ(told, std::nullopt) << "not within the call";
  ASSERT_TRUE(runner_.Until([&] { return told.has_value(); }));
  EXPECT_EQ(*told, OkStatus());
  EXPECT_EQ(std::filesystem::file_size("/dev/shm/" + Name(0)), 1U << 20);
  Release(0);
}

TEST_F(MemoryThreadTest, WhoNeedsLittleDoesNotWaitForWhoNeedsMuch) {
  std::vector<std::string> order;
  memory_->Reserve(Name(0), 2 * MemoryThread::kPartBytes, [&](const Status& status) {
    EXPECT_EQ(status, OkStatus());
    order.emplace_back("large");
  });
  memory_->Reserve(Name(1), 4096, [&](const Status&) { order.emplace_back("small"); });
  ASSERT_TRUE(runner_.Until([&] { return order.size() == 2; }));
  EXPECT_THAT(order, ::testing::ElementsAre("small", "large"));
  EXPECT_EQ(std::filesystem::file_size("/dev/shm/" + Name(0)), 2 * MemoryThread::kPartBytes);
  Release(0);
  Release(1);
}

TEST_F(MemoryThreadTest, WhatCannotBeReservedLeavesNothing) {
  std::optional<Status> told;
  memory_->Reserve(Name(0), 1ULL << 60, [&](const Status& status) { told = status; });
  memory_.reset();  // while it goes on
  EXPECT_FALSE(Exists(0));
  memory_ = std::make_unique<MemoryThread>(runner_.loop);
  memory_->Reserve("no/name", 4096, [&](const Status& status) { told = status; });
  ASSERT_TRUE(runner_.Until([&] { return told.has_value(); }));
  EXPECT_FALSE(told->ok());
}

TEST_F(MemoryThreadTest, WhatIsStillToBeReleasedGoesWithIt) {
  std::optional<Status> told;
  memory_->Reserve(Name(0), 4096, [&](const Status& status) { told = status; });
  ASSERT_TRUE(runner_.Until([&] { return told.has_value(); }));
  memory_->Reserve(Name(1), MemoryThread::kPartBytes, [](const Status&) {});  // keeps the thread busy
  memory_->Release(Name(0), [] {});
  memory_.reset();
  EXPECT_FALSE(Exists(0));
}

}  // namespace
}  // namespace troupe::raylet
