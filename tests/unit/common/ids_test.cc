#include "troupe/ids.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace troupe {
namespace {

TEST(IdsTest, HexAndBytesRoundTrip) {
  const ActorId id{0x0123456789abcdefULL, 42};
  EXPECT_EQ(id.Hex(), "0123456789abcdef000000000000002a");
  EXPECT_EQ(ActorId::FromHex(id.Hex()), id);
  EXPECT_EQ(ActorId::FromBytes(id.Bytes()), id);
}

TEST(IdsTest, RefusesTextOfAnotherShape) {
  for (std::string bad : {"", "0", "0123456789abcdef000000000000002", "0123456789abcdef000000000000002g",
                          "0123456789abcdef000000000000002aa", " 123456789abcdef000000000000002a"}) {
    EXPECT_FALSE(ActorId::FromHex(bad)) << bad;
  }
  EXPECT_FALSE(ActorId::FromBytes("short"));
}

TEST(IdsTest, RandomIdsDiffer) {
  std::unordered_set<ProcessId> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(ProcessId::Random()).second);
}

TEST(IdsTest, TheFirstResultOfACallHasItsId) {
  const TaskId task{7, 42};
  EXPECT_EQ(FirstResultId(task), (ObjectId{7, 42}));
  EXPECT_EQ(ResultId(task, 0), FirstResultId(task));
  EXPECT_EQ(ResultIndexOf(FirstResultId(task)), 0u);
}

TEST(IdsTest, AnObjectsIdNamesItsTaskAndWhichResultItIs) {
  for (const std::uint64_t counter : {std::uint64_t{1}, std::uint64_t{1} << 40, kMaxCounter}) {
    for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{1}, kMaxResultIndex}) {
      const auto id = ResultId({7, counter}, index);
      ASSERT_TRUE(id.has_value());
      EXPECT_EQ(TaskOf(*id), (TaskId{7, counter}));
      EXPECT_EQ(ResultIndexOf(*id), index);
    }
  }
}

TEST(IdsTest, WhatHasNoRoomInAnIdHasNone) {
  EXPECT_EQ(ResultId({7, kMaxCounter + 1}, 0), std::nullopt);
  EXPECT_EQ(ResultId({7, 1}, kMaxResultIndex + 1), std::nullopt);
}

TEST(IdsTest, HashesOfTheResultsOfOneCallDiffer) {
  std::unordered_set<std::size_t> hashes;
  for (std::uint64_t i = 0; i < 1024; ++i) hashes.insert(std::hash<ObjectId>()(*ResultId({7, 1}, i)));
  EXPECT_EQ(hashes.size(), 1024u);
}

}  // namespace
}  // namespace troupe
