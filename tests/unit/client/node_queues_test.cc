#include "client/node_queues.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace troupe::client {
namespace {

using testing::ElementsAre;

class NodeQueuesTest : public testing::Test {
 protected:
  static constexpr Address kSlow{{0, 1}, ProcessId{1}};
  static constexpr Address kSlowToo{{0, 1}, ProcessId{2}};
  static constexpr Address kFast{{0, 2}, ProcessId{3}};

  std::vector<std::string> sent_;
  std::size_t room_ = 100;  // frames
  NodeQueues queues_{[this](const Address&, std::string_view frame) { sent_.emplace_back(frame), --room_; },
                     [this] { return room_ > 0; }};
};

TEST_F(NodeQueuesTest, ANodeWithoutCreditHoldsUpNobodyElse) {
  queues_.Write(kSlow, std::string(ipc::kRoutedWindow - 1, 'x'));
  queues_.Write(kSlow, "22");  // the last may go beyond
  queues_.Write(kSlow, "333");
  queues_.Write(kFast, "4");
  queues_.Write(kSlowToo, "5555");
  ASSERT_EQ(sent_.size(), 3U);
  EXPECT_EQ(sent_[1], "22");
  EXPECT_EQ(sent_[2], "4");
  EXPECT_EQ(queues_.bytes(kSlow.node), 7U);
  EXPECT_EQ(queues_.bytes(kFast.node), 0U);
  EXPECT_FALSE(queues_.empty());
  queues_.OnCredit(kSlow.node, 1);
  EXPECT_EQ(sent_.size(), 3U) << "it has sent one too many";
  queues_.OnCredit(kSlow.node, ipc::kRoutedWindow);
  ASSERT_EQ(sent_.size(), 5U);
  EXPECT_EQ(sent_[3], "333") << "in the order in which they came";
  EXPECT_EQ(sent_[4], "5555");
  EXPECT_TRUE(queues_.empty());
}

TEST_F(NodeQueuesTest, NoMoreCreditIsTakenThanWasUsed) {
  queues_.Write(kSlow, "1");
  queues_.OnCredit(kSlow.node, ~std::uint64_t{0});
  queues_.OnCredit(kFast.node, 1'000);  // nothing was sent there
  queues_.Write(kSlow, std::string(ipc::kRoutedWindow, 'x'));
  queues_.Write(kSlow, "3");
  EXPECT_EQ(sent_.size(), 2U);
}

TEST_F(NodeQueuesTest, WhatTheRayletHasNoRoomForWaitsAndGoesInTurn) {
  room_ = 1;
  for (const char* frame : {"a1", "a2", "a3"}) queues_.Write(kSlow, frame);
  for (const char* frame : {"b1", "b2"}) queues_.Write(kFast, frame);
  EXPECT_THAT(sent_, ElementsAre("a1"));
  EXPECT_EQ(queues_.bytes(kSlow.node), 4U);
  room_ = 2;
  queues_.OnRoom();
  EXPECT_THAT(sent_, ElementsAre("a1", "a2", "b1"));
  queues_.Write(kFast, "b3");
  room_ = 100;
  queues_.OnRoom();
  EXPECT_THAT(sent_, ElementsAre("a1", "a2", "b1", "a3", "b2", "b3"));
  EXPECT_TRUE(queues_.empty());
}

TEST_F(NodeQueuesTest, ARayletWithoutRoomIsNotFloodedWhenThereIsCreditAgain) {
  queues_.Write(kSlow, std::string(ipc::kRoutedWindow, 'x'));
  for (const char* frame : {"1", "2", "3"}) queues_.Write(kSlow, frame);
  room_ = 1;
  queues_.OnCredit(kSlow.node, ipc::kRoutedWindow);
  ASSERT_EQ(sent_.size(), 2U);
  EXPECT_EQ(sent_[1], "1");
}

TEST_F(NodeQueuesTest, WhatWaitsForADeadNodeIsDropped) {
  queues_.Write(kSlow, std::string(ipc::kRoutedWindow, 'x'));
  queues_.Write(kSlow, "1");
  queues_.Drop(kSlow.node);
  EXPECT_TRUE(queues_.empty());
  queues_.OnCredit(kSlow.node, ipc::kRoutedWindow);
  EXPECT_EQ(sent_.size(), 1U);
}

}  // namespace
}  // namespace troupe::client
