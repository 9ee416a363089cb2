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

}  // namespace
}  // namespace troupe
