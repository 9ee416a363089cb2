#include "raylet/links/event_outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace troupe::raylet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EventOutboxTest : public ::testing::Test {
 protected:
  void Add(const std::string& reason) {
    pb::NodeToHead event;
    event.mutable_leaving()->set_reason(reason);
    outbox_.Add(std::move(event), &dropped_);
  }
  std::vector<std::string> Kept() const {
    std::vector<std::string> kept;
    for (const pb::NodeToHead& event : outbox_.kept()) {
      kept.push_back(std::to_string(event.event()) + event.leaving().reason());
    }
    return kept;
  }

  EventOutbox outbox_;
  bool dropped_ = false;
};

TEST_F(EventOutboxTest, KeepsEachEventUntilItIsAcknowledged) {
  for (const char* event : {"a", "b", "c"}) Add(event);
  EXPECT_THAT(Kept(), ElementsAre("1a", "2b", "3c"));
  outbox_.Acknowledge(2);
  EXPECT_THAT(Kept(), ElementsAre("3c"));
  outbox_.Acknowledge(2);
  Add("d");
  EXPECT_THAT(Kept(), ElementsAre("3c", "4d"));
  outbox_.Acknowledge(9);
  EXPECT_THAT(Kept(), IsEmpty());
  Add("e");
  EXPECT_THAT(Kept(), ElementsAre("5e"));
  EXPECT_FALSE(dropped_);
}

TEST_F(EventOutboxTest, DropsTheOldestAboveItsBound) {
  for (std::size_t i = 0; i < EventOutbox::kMaxKept; ++i) Add("");
  EXPECT_FALSE(dropped_);
  Add("");
  EXPECT_TRUE(dropped_);
  EXPECT_EQ(outbox_.kept().size(), EventOutbox::kMaxKept);
  EXPECT_EQ(outbox_.kept().front().event(), 2u);
}

}  // namespace
}  // namespace troupe::raylet
