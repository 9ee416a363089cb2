// A store whose memory comes later than the objects that are to lie in it.
#include "object_store/segment_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "tests/unit/object_store/slow_memory.h"
#include "tests/unit/object_store/store_test_support.h"

namespace troupe::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t kMiB = 1 << 20;

class SegmentMemoryTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(2 * kMiB); }
  void TearDown() override {
    store_.reset();
    EXPECT_THAT(SegmentsOf(prefix_), IsEmpty());
  }
  void Open(std::uint64_t warm_limit) {
    StoreOptions options;
    options.name_prefix = prefix_;
    options.capacity = 4 * kMiB;
    options.warm_limit = warm_limit;
    store_ = StoreOwner::Open(options, &memory_).value();
  }
  // What becomes of the object: nothing yet, or the code of what WhenReady() said.
  std::optional<StatusCode>& Await(ObjectId id) {
    auto& told = told_.emplace_back();
    store_->WhenReady(id, [&told](const Status& status) { told = status.code(); });
    return told;
  }

  const std::string prefix_ = RandomPrefix();
  const ProcessId writer_{1};
  const ProcessId other_{2};
  const ObjectId id_{1, 1};
  const ObjectId second_{1, 2};
  SlowMemory memory_;
  std::deque<std::optional<StatusCode>> told_;
  std::unique_ptr<StoreOwner> store_;
};

TEST_F(SegmentMemoryTest, AnObjectIsMadeAtOnceAndReadyWhenItsMemoryCame) {
  ASSERT_TRUE(store_->Create(writer_, id_, 1000).ok());
  const auto& first = Await(id_);
  EXPECT_EQ(first, std::nullopt);
  EXPECT_EQ(store_->Seal(writer_, id_).code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(store_->Create(writer_, second_, 1000).ok());
  const auto& second = Await(second_);
  EXPECT_THAT(memory_.log, ElementsAre("reserve")) << "one segment is enough for both";
  memory_.DoOne();
  EXPECT_EQ(first, StatusCode::kOk);
  EXPECT_EQ(second, StatusCode::kOk);
  EXPECT_EQ(Await(id_), StatusCode::kOk) << "at once";
  EXPECT_TRUE(store_->Seal(writer_, id_).ok());
}

TEST_F(SegmentMemoryTest, WhatItsMachineHasNoMemoryForIsGone) {
  memory_.failure = ResourceExhausted("no memory");
  ASSERT_TRUE(store_->Create(writer_, id_, 1000).ok());
  ASSERT_TRUE(store_->Create(writer_, second_, 1000).ok());
  store_->Delete(second_);  // its writer has it all the same
  const auto& first = Await(id_);
  const auto& second = Await(second_);
  memory_.DoOne();
  EXPECT_EQ(first, StatusCode::kResourceExhausted);
  EXPECT_EQ(second, StatusCode::kResourceExhausted);
  EXPECT_EQ(store_->GetUsage().objects, 0U);
  EXPECT_EQ(store_->GetUsage().unsealed, 0U);
  EXPECT_EQ(store_->GetUsage().reserved, 0U);
  EXPECT_EQ(store_->GetUsage().used, 0U);
  memory_.failure = OkStatus();
  ASSERT_TRUE(store_->Create(writer_, id_, 1000).ok());
  memory_.DoOne();
  EXPECT_EQ(Await(id_), StatusCode::kOk);
}

TEST_F(SegmentMemoryTest, GivesUpWhatIsKeptWarmBeforeItFails) {
  ASSERT_TRUE(store_->Create(writer_, id_, 1000).ok());
  memory_.DoOne();
  ASSERT_TRUE(store_->Abort(writer_, id_).ok());
  EXPECT_GT(store_->GetUsage().reserved, 0U);
  memory_.failure = ResourceExhausted("no memory");
  ASSERT_TRUE(store_->Create(writer_, second_, 2 * kMiB).ok());
  const auto& told = Await(second_);
  memory_.DoOne();
  EXPECT_EQ(told, std::nullopt);
  EXPECT_THAT(memory_.log, ElementsAre("reserve", "reserve", "release", "reserve"));
  memory_.failure = OkStatus();
  memory_.DoOne();
  memory_.DoOne();
  EXPECT_EQ(told, StatusCode::kOk);
}

TEST_F(SegmentMemoryTest, MemoryThatCameTooLateForItsWriterIsForOthers) {
  ASSERT_TRUE(store_->Create(writer_, id_, 1000).ok());
  store_->RemoveProcess(writer_);
  EXPECT_EQ(store_->GetUsage().objects, 0U);
  memory_.DoOne();
  ASSERT_TRUE(store_->Create(other_, second_, 1000).ok());
  EXPECT_EQ(Await(second_), StatusCode::kOk);
  EXPECT_EQ(store_->GetUsage().segments, 1U);
}

TEST_F(SegmentMemoryTest, MemoryThatCameTooLateIsNotKeptBeyondTheWarmLimit) {
  Open(0);
  ASSERT_TRUE(store_->Create(writer_, id_, 1000).ok());
  store_->RemoveProcess(writer_);
  memory_.DoOne();
  EXPECT_EQ(store_->GetUsage().reserved, 0U);
  memory_.DoOne();
  EXPECT_THAT(SegmentsOf(prefix_), IsEmpty());
}

TEST_F(SegmentMemoryTest, TellsOfARetiredSegmentWhenItsMemoryIsBack) {
  Open(0);
  std::vector<std::string> retired;
  store_->OnRetired([&](const std::string& segment) { retired.push_back(segment); });
  const auto extent = store_->Create(writer_, id_, 1000);
  memory_.DoOne();
  ASSERT_TRUE(store_->Abort(writer_, id_).ok());
  EXPECT_THAT(retired, IsEmpty());
  memory_.DoOne();
  EXPECT_THAT(retired, ElementsAre(extent->segment));
}

TEST_F(SegmentMemoryTest, TheOwnerItselfWaitsForMemoryToo) {
  EXPECT_EQ(store_->CreateLocal(id_, 1000).status().code(), StatusCode::kUnavailable);
  const auto& told = Await(id_);
  memory_.DoOne();
  EXPECT_EQ(told, StatusCode::kOk);
  const auto bytes = store_->LocalBytes(id_);
  ASSERT_TRUE(bytes.ok());
  FillPattern(id_, *bytes);
  ASSERT_TRUE(store_->SealLocal(id_).ok());
  EXPECT_TRUE(HasPattern(id_, store_->ReadLocal(id_)->bytes));
}

TEST_F(SegmentMemoryTest, AStoreMayGoWhileItsMemoryIsOnTheWay) {
  ASSERT_TRUE(store_->Create(writer_, id_, 1000).ok());
  const auto& told = Await(id_);
  store_.reset();
  memory_.failure = ResourceExhausted("no memory");
  memory_.DoOne();
  EXPECT_EQ(told, std::nullopt);
}

}  // namespace
}  // namespace troupe::store
