#include "client/node_queues.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace troupe::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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

TEST_F(NodeQueuesTest, ACongestedNodeHoldsUpNobodyElse) {
  queues_.Write(kSlow, "1");
  queues_.SetCongested(kSlow.node, true);
  queues_.Write(kSlow, "22");
  queues_.Write(kFast, "3");
  queues_.Write(kSlowToo, "444");
  EXPECT_THAT(sent_, ElementsAre("1", "3"));
  EXPECT_EQ(queues_.bytes(kSlow.node), 5U);
  EXPECT_EQ(queues_.bytes(kFast.node), 0U);
  EXPECT_FALSE(queues_.empty());
  queues_.SetCongested(kSlow.node, false);
  EXPECT_THAT(sent_, ElementsAre("1", "3", "22", "444")) << "in the order in which they came";
  EXPECT_TRUE(queues_.empty());
  queues_.Write(kSlow, "5");
  EXPECT_EQ(sent_.back(), "5");
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

TEST_F(NodeQueuesTest, ARayletWithoutRoomIsNotFloodedWhenTheWayIsFreeAgain) {
  queues_.SetCongested(kSlow.node, true);
  for (const char* frame : {"1", "2", "3"}) queues_.Write(kSlow, frame);
  room_ = 1;
  queues_.SetCongested(kSlow.node, false);
  EXPECT_THAT(sent_, ElementsAre("1"));
  queues_.SetCongested(kSlow.node, true);
  room_ = 100;
  queues_.OnRoom();
  EXPECT_THAT(sent_, ElementsAre("1"));
}

TEST_F(NodeQueuesTest, SaidTwiceTheWordKeepsWhatWaits) {
  queues_.SetCongested(kSlow.node, true);
  queues_.Write(kSlow, "1");
  queues_.SetCongested(kSlow.node, true);
  queues_.SetCongested(kSlow.node, false);
  queues_.SetCongested(kSlow.node, false);
  EXPECT_THAT(sent_, ElementsAre("1"));
}

TEST_F(NodeQueuesTest, WhatWaitsForADeadNodeIsDropped) {
  queues_.SetCongested(kSlow.node, true);
  queues_.Write(kSlow, "1");
  queues_.Drop(kSlow.node);
  EXPECT_TRUE(queues_.empty());
  queues_.SetCongested(kSlow.node, false);
  EXPECT_THAT(sent_, IsEmpty());
}

}  // namespace
}  // namespace troupe::client
