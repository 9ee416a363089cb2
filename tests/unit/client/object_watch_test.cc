#include "client/object_watch.h"

#include <gtest/gtest.h>

#include <optional>

namespace troupe::client {
namespace {

using Link = ObjectWatch::Link;

TEST(ObjectWatchTest, CountsEachObjectOnceAsItGetsItsValue) {
  Link* objects[3] = {};
  ObjectWatch watch(3);
  for (Link*& object : objects) watch.Add(object);
  EXPECT_EQ(watch.ready(), 0U);
  ObjectWatch::Ready(objects[1]);
  EXPECT_EQ(watch.ready(), 1U);
  ObjectWatch::Ready(objects[1]);  // its owner was asked once more
  EXPECT_EQ(watch.ready(), 1U);
  ObjectWatch::Ready(objects[0]);
  ObjectWatch::Ready(objects[2]);
  EXPECT_EQ(watch.ready(), 3U);
}

TEST(ObjectWatchTest, OneObjectMayBeInSeveralThatEndInAnyOrder) {
  Link* object = nullptr;
  std::optional<ObjectWatch> first(std::in_place, 1), second(std::in_place, 1), third(std::in_place, 1);
  for (auto* watch : {&first, &second, &third}) (*watch)->Add(object);
  second.reset();
  ObjectWatch::Ready(object);
  EXPECT_EQ(object, nullptr);
  EXPECT_EQ(first->ready(), 1U);
  EXPECT_EQ(third->ready(), 1U);
}

TEST(ObjectWatchTest, LeavesNothingBehindInAnObjectThatHasNoValueYet) {
  Link* object = nullptr;
  std::optional<ObjectWatch> first(std::in_place, 1), last(std::in_place, 1);
  first->Add(object);
  last->Add(object);
  last.reset();
  EXPECT_NE(object, nullptr) << "the other waits on";
  first.reset();
  EXPECT_EQ(object, nullptr);
}

}  // namespace
}  // namespace troupe::client
