#include "raylet/leases/node_lease.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/manual_event_loop.h"

namespace troupe::raylet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

class NodeLeaseTest : public ::testing::Test {
 protected:
  NodeLeaseTest() {
    lease_.SetDuration(5s);
    lease_.OnSent(0);
    lease_.OnAcknowledged(0);
    happened_.clear();
  }

  ManualEventLoop loop_;
  MonotonicTime published_{};
  std::vector<std::string> happened_;
  NodeLease lease_{loop_,
                   {.publish = [this](MonotonicTime until) { published_ = until; },
                    .on_over = [this] { happened_.emplace_back("over"); },
                    .on_held = [this] { happened_.emplace_back("held"); }}};
};

TEST_F(NodeLeaseTest, IsOverWhenNothingIsAcknowledged) {
  EXPECT_TRUE(lease_.held());
  EXPECT_EQ(published_, 5s);
  loop_.Advance(4999ms);
  EXPECT_THAT(happened_, IsEmpty());
  loop_.Advance(1ms);
  EXPECT_THAT(happened_, ElementsAre("over"));
  EXPECT_FALSE(lease_.held());
}

TEST_F(NodeLeaseTest, CountsFromTheSendingAndNotFromTheAnswer) {
  loop_.Advance(1s);
  lease_.OnSent(1);
  loop_.Advance(3s);
  lease_.OnAcknowledged(1);
  EXPECT_EQ(published_, 6s);
  loop_.Advance(1999ms);
  EXPECT_THAT(happened_, IsEmpty());
  loop_.Advance(1ms);
  EXPECT_THAT(happened_, ElementsAre("over"));
}

TEST_F(NodeLeaseTest, ReportsWithoutAnAnswerRenewNothing) {
  for (std::uint64_t version = 1; version <= 4; ++version) {
    loop_.Advance(1s);
    lease_.OnSent(version);
  }
  lease_.OnAcknowledged(2);
  EXPECT_EQ(published_, 7s);
}

TEST_F(NodeLeaseTest, AnAnswerThatComesTooLateRenewsNothing) {
  loop_.Advance(1s);
  lease_.OnSent(1);
  loop_.Advance(6s);
  EXPECT_THAT(happened_, ElementsAre("over"));
  lease_.OnAcknowledged(1);
  EXPECT_FALSE(lease_.held());
  lease_.OnSent(2);
  lease_.OnAcknowledged(2);
  EXPECT_THAT(happened_, ElementsAre("over", "held"));
  EXPECT_EQ(published_, 12s);
}

TEST_F(NodeLeaseTest, WhatWasSentOnABrokenConnectionCountsNoMore) {
  loop_.Advance(1s);
  lease_.OnSent(1);
  lease_.OnDisconnected();
  loop_.Advance(1s);
  lease_.OnAcknowledged(1);
  EXPECT_EQ(published_, 5s);
  lease_.OnSent(0);
  lease_.OnAcknowledged(0);
  EXPECT_EQ(published_, 7s);
}

TEST_F(NodeLeaseTest, GoesOnWithoutAHeadWhoseEndWasSeenUntilThereIsOneAgain) {
  lease_.OnHeadEnded();
  loop_.Advance(1h);
  EXPECT_THAT(happened_, IsEmpty());
  EXPECT_GT(published_, 1000h);
  lease_.OnSent(0);
  lease_.OnAcknowledged(0);
  EXPECT_EQ(published_, 1h + 5s);
  loop_.Advance(5s);
  EXPECT_THAT(happened_, ElementsAre("over"));
}

TEST_F(NodeLeaseTest, AHeadThatEndsWhenTheLeaseIsOverChangesNothing) {
  loop_.Advance(5s);
  lease_.OnHeadEnded();
  EXPECT_FALSE(lease_.held());
}

}  // namespace
}  // namespace troupe::raylet
