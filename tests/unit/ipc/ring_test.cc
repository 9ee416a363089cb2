#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string_view>
#include <thread>

#include "ipc/ring_consumer.h"
#include "ipc/ring_producer.h"
#include "tests/unit/ipc/record_pattern.h"
#include "tests/unit/ipc/test_region.h"

namespace troupe::ipc {
namespace {

std::span<const std::byte> Bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string Text(const Record& record) {
  return {reinterpret_cast<const char*>(record.payload.data()), record.payload.size()};
}

struct Ring : TestRing {
  explicit Ring(std::uint64_t capacity)
      : TestRing(capacity), producer(*RingProducer::Attach(memory())), consumer(*RingConsumer::Attach(memory())) {}
  RingProducer producer;
  RingConsumer consumer;
  Record record;
};

TEST(RingTest, GathersPartsIntoOneRecord) {
  Ring ring(4096);
  EXPECT_FALSE(ring.consumer.Readable());
  EXPECT_EQ(ring.consumer.TryRead(&ring.record), ReadResult::kNone);
  const std::array parts{Bytes("one "), Bytes(""), Bytes("record")};
  ASSERT_TRUE(ring.producer.TryWrite(7, parts));
  EXPECT_TRUE(ring.consumer.Readable());
  ASSERT_EQ(ring.consumer.TryRead(&ring.record), ReadResult::kRecord);
  EXPECT_EQ(ring.record.type, 7);
  EXPECT_EQ(Text(ring.record), "one record");
  EXPECT_FALSE(ring.consumer.Readable());
}

TEST(RingTest, CarriesRecordsWithoutPayload) {
  Ring ring(4096);
  ASSERT_TRUE(ring.producer.TryWrite(0, std::span<const std::byte>()));
  ASSERT_EQ(ring.consumer.TryRead(&ring.record), ReadResult::kRecord);
  EXPECT_TRUE(ring.record.payload.empty());
}

TEST(RingTest, KeepsContentsAndOrderAtEveryOffsetOfTheWrap) {
  for (std::size_t first = 0; first < 300; ++first) {
    Ring ring(4096);
    RecordPattern pattern(ring.producer.max_record());
    ASSERT_TRUE(ring.producer.TryWrite(1, pattern.Payload(0).first(0)));
    ASSERT_EQ(ring.consumer.TryRead(&ring.record), ReadResult::kRecord);
    for (std::uint64_t n = first; n < first + 60; ++n) {
      ASSERT_TRUE(ring.producer.TryWrite(RecordPattern::Type(n), pattern.Payload(n)));
      ASSERT_EQ(ring.consumer.TryRead(&ring.record), ReadResult::kRecord);
      ASSERT_TRUE(pattern.Matches(n, ring.record)) << n;
    }
  }
}

TEST(RingTest, TakesTheLargestRecordAtEveryPositionOfAnEmptyRing) {
  Ring ring(4096);
  const std::vector<std::byte> largest(ring.producer.max_record());
  for (int position = 0; position < 2'000; ++position) {
    ASSERT_TRUE(ring.producer.TryWrite(1, largest)) << position;
    ASSERT_EQ(ring.consumer.TryRead(&ring.record), ReadResult::kRecord);
    ASSERT_TRUE(ring.producer.TryWrite(1, std::span(largest).first(position % 9 * 8)));
    ASSERT_EQ(ring.consumer.TryRead(&ring.record), ReadResult::kRecord);
  }
}

TEST(RingTest, RefusesWhenFullAndAsksForSpaceUntilTheConsumerMadeSome) {
  Ring ring(4096);
  int written = 0;
  while (ring.producer.TryWrite(1, Bytes("twenty-four bytes of it."))) ++written;
  EXPECT_EQ(written, 4096 / 40);
  EXPECT_FALSE(ring.consumer.TakeSpaceWanted());  // nothing given back yet
  bool wanted = false;
  int read = 0;
  for (; !wanted && ring.consumer.TryRead(&ring.record) == ReadResult::kRecord; ++read) {
    wanted = ring.consumer.TakeSpaceWanted();
  }
  EXPECT_TRUE(wanted);
  EXPECT_LT(read, written);
  EXPECT_FALSE(ring.consumer.TakeSpaceWanted());
  EXPECT_TRUE(ring.producer.TryWrite(1, Bytes("again")));
}

TEST(RingTest, NeverLeavesAProducerWaitingOnARingThatWasReadEmpty) {
  for (std::size_t size = 0; size <= 1024; size += 8) {
    Ring ring(4096);
    RecordPattern pattern(size);
    for (int round = 0; round < 10; ++round) {
      while (ring.producer.TryWrite(1, std::span(pattern.Payload(0).data(), size))) {
      }
      while (ring.consumer.TryRead(&ring.record) == ReadResult::kRecord) {
      }
      ASSERT_TRUE(ring.producer.TryWrite(1, std::vector<std::byte>(ring.producer.max_record()))) << size;
    }
  }
}

TEST(RingTest, ARecordThatIsNotPublishedIsInvisible) {
  Ring ring(4096);
  ASSERT_TRUE(ring.producer.TryWrite(1, Bytes("published")));
  const std::uint64_t tail = ring.header()->tail.load();
  ASSERT_TRUE(ring.producer.TryWrite(1, Bytes("torn")));
  ring.header()->tail.store(tail);  // as if its writer had been killed just before the store
  ASSERT_EQ(ring.consumer.TryRead(&ring.record), ReadResult::kRecord);
  EXPECT_EQ(Text(ring.record), "published");
  EXPECT_EQ(ring.consumer.TryRead(&ring.record), ReadResult::kNone);
  EXPECT_FALSE(ring.consumer.Readable());
}

TEST(RingTest, RefusesMemoryThatHoldsNoRingOrAUsedOne) {
  EXPECT_FALSE(CheckRingCapacity(0).ok());
  EXPECT_FALSE(CheckRingCapacity(5000).ok());
  EXPECT_FALSE(CheckRingCapacity(2048).ok());
  EXPECT_FALSE(CheckRingCapacity(kMaxRingCapacity * 2).ok());

  TestRing ring(4096);
  EXPECT_FALSE(RingView::Attach(ring.memory().first(64)).ok());
  EXPECT_FALSE(RingView::Attach(ring.memory().first(4096)).ok());  // smaller than the header claims
  ring.header()->tail = 8;
  ring.header()->head = 8;
  EXPECT_EQ(RingProducer::Attach(ring.memory()).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(RingConsumer::Attach(ring.memory()).status().code(), StatusCode::kFailedPrecondition);
  ring.header()->version = kRingVersion + 1;
  EXPECT_FALSE(RingView::Attach(ring.memory()).ok());
  ring.header()->version = kRingVersion;
  ring.header()->capacity = 4095;
  EXPECT_FALSE(RingView::Attach(ring.memory()).ok());
  ring.header()->magic = 0;
  EXPECT_FALSE(RingView::Attach(ring.memory()).ok());
}

TEST(RingTest, CarriesMillionsOfRecordsBetweenTwoThreadsUnchanged) {
  constexpr std::uint64_t kRecords = 2'000'000;
  Ring ring(256 * 1024);
  const RecordPattern pattern(2'000);
  std::thread writer([&] {
    for (std::uint64_t n = 0; n < kRecords; ++n) {
      while (!ring.producer.TryWrite(RecordPattern::Type(n), pattern.Payload(n))) {
        if (ring.producer.poisoned()) return;
        std::this_thread::yield();
      }
    }
  });
  std::uint64_t read = 0;
  ReadResult result = ReadResult::kNone;
  while (read < kRecords && result != ReadResult::kCorrupt) {
    result = ring.consumer.TryRead(&ring.record);
    if (result == ReadResult::kNone) std::this_thread::yield();
    if (result != ReadResult::kRecord) continue;
    if (!pattern.Matches(read, ring.record)) break;
    ++read;
  }
  if (read < kRecords) ring.header()->head = ~0ULL;  // ends the writer
  writer.join();
  EXPECT_EQ(read, kRecords);
  EXPECT_FALSE(ring.consumer.poisoned());
}

}  // namespace
}  // namespace troupe::ipc
