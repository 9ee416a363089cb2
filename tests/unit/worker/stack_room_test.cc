#include "worker/stack_room.h"

#include <gtest/gtest.h>

#include <array>

namespace troupe::worker {
namespace {

TEST(StackRoomTest, AllowsAnEighthOfTheStackWhicheverWayItGrows) {
  std::array<char, 1000> stack{};
  StackRoom room(800);
  room.Begin(&stack[500]);
  EXPECT_TRUE(room.Allows(&stack[500]));
  EXPECT_TRUE(room.Allows(&stack[400]));
  EXPECT_FALSE(room.Allows(&stack[399]));
  EXPECT_TRUE(room.Allows(&stack[600]));
  EXPECT_FALSE(room.Allows(&stack[601]));
  room.Begin(&stack[300]);
  EXPECT_TRUE(room.Allows(&stack[200])) << "the next task begins elsewhere";
}

}  // namespace
}  // namespace troupe::worker
