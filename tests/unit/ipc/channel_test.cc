#include "ipc/channel.h"

#include <gtest/gtest.h>

#include <thread>

#include "ipc/channel_layout.h"
#include "tests/unit/ipc/record_pattern.h"
#include "tests/unit/ipc/test_channel.h"

namespace troupe::ipc {
namespace {

TEST(ChannelTest, CarriesRecordsBothWays) {
  TestChannel channel(4096);
  auto a = channel.Open(Side::kA);
  auto b = channel.Open(Side::kB);
  ASSERT_TRUE(a.ok() && b.ok());
  const std::byte ping[] = {std::byte{1}};
  const std::byte pong[] = {std::byte{2}, std::byte{3}};
  ASSERT_TRUE(a->TryWrite(10, ping));
  ASSERT_TRUE(b->TryWrite(11, pong));
  Record record;
  EXPECT_TRUE(b->Readable());
  ASSERT_EQ(b->TryRead(&record), ReadResult::kRecord);
  EXPECT_EQ(record.type, 10);
  EXPECT_EQ(record.payload.size(), 1u);
  ASSERT_EQ(a->TryRead(&record), ReadResult::kRecord);
  EXPECT_EQ(record.type, 11);
  EXPECT_EQ(record.payload.size(), 2u);
  EXPECT_EQ(a->TryRead(&record), ReadResult::kNone);
  EXPECT_EQ(a->max_record(), 1024u);
}

TEST(ChannelTest, RefusesASideThatWasUsedBefore) {
  TestChannel channel(4096);
  {
    auto a = channel.Open(Side::kA);
    ASSERT_TRUE(a->TryWrite(1, std::span<const std::byte>()));
  }
  EXPECT_EQ(channel.Open(Side::kA).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(channel.Open(Side::kB).ok());
}

TEST(ChannelTest, RefusesRegionsThatLie) {
  TestChannel channel(4096);
  auto region = SharedRegion::Open(channel.name, Access::kReadWrite);
  auto* header = reinterpret_cast<ChannelHeader*>(region->data());
  header->ring_capacity = 8192;  // more than the region has
  EXPECT_EQ(channel.Open(Side::kA).status().code(), StatusCode::kFailedPrecondition);
  header->ring_capacity = ~0ULL;
  EXPECT_EQ(channel.Open(Side::kA).status().code(), StatusCode::kFailedPrecondition);
  header->ring_capacity = 4096;
  header->version = 99;
  EXPECT_EQ(channel.Open(Side::kA).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(CreateChannelRegion(TestName(), 5000).code(), StatusCode::kInvalidArgument);
}

// One side of a pair that floods the other while it reads; sleeps on its doorbell whenever it can do neither.
void Flood(Channel* channel, OwnDoorbell* own, std::uint64_t records, bool* ok) {
  const RecordPattern pattern(channel->max_record());
  Record record;
  std::uint64_t written = 0;
  std::uint64_t read = 0;
  *ok = true;
  const auto progress = [&] {
    bool any = false;
    while (written < records && channel->TryWrite(RecordPattern::Type(written), pattern.Payload(written))) {
      ++written;
      any = true;
    }
    while (channel->TryRead(&record) == ReadResult::kRecord) {
      *ok = *ok && pattern.Matches(read, record);
      ++read;
      any = true;
    }
    return any;
  };
  while ((written < records || read < records) && *ok && !channel->poisoned()) {
    if (progress()) continue;
    const std::uint32_t word = own->Prepare();
    if (!progress()) own->Wait(word);
    own->Finish();
  }
  *ok = *ok && written == records && read == records;
}

TEST(ChannelTest, BothSidesMayFloodEachOtherAndSleepWithoutDeadlock) {
  constexpr std::uint64_t kRecords = 50'000;
  TestChannel channel(4096);
  auto a = channel.Open(Side::kA);
  auto b = channel.Open(Side::kB);
  auto own_a = *OwnDoorbell::Open(channel.bell_a);
  auto own_b = *OwnDoorbell::Open(channel.bell_b);
  bool ok_a = false;
  bool ok_b = false;
  std::thread other([&] { Flood(&*b, own_b.get(), kRecords, &ok_b); });
  Flood(&*a, own_a.get(), kRecords, &ok_a);
  other.join();
  EXPECT_TRUE(ok_a);
  EXPECT_TRUE(ok_b);
}

TEST(ChannelTest, IsPoisonedByAPeerThatScribbles) {
  TestChannel channel(4096);
  auto a = channel.Open(Side::kA);
  auto b = channel.Open(Side::kB);
  auto region = SharedRegion::Open(channel.name, Access::kReadWrite);
  reinterpret_cast<RingHeader*>(region->data() + sizeof(ChannelHeader))->tail = 12345678;
  Record record;
  EXPECT_EQ(b->TryRead(&record), ReadResult::kCorrupt);
  EXPECT_TRUE(b->poisoned());
  EXPECT_FALSE(a->poisoned());
}

}  // namespace
}  // namespace troupe::ipc
