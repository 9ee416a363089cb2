// What a peer gone wrong may leave in a ring: each kind is recognised, and what was recognised once stays so.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <ostream>

#include "ipc/ring_consumer.h"
#include "ipc/ring_producer.h"
#include "tests/unit/ipc/test_region.h"

namespace troupe::ipc {
namespace {

constexpr std::uint64_t kCapacity = 4096;

void StoreAt(TestRing* ring, std::uint64_t offset, std::uint64_t word) {
  std::memcpy(ring->data() + offset, &word, sizeof(word));
}

struct Corruption {
  const char* name;
  std::function<void(TestRing*)> apply;
};

void PrintTo(const Corruption& corruption, std::ostream* out) { *out << corruption.name; }
std::string CaseName(const ::testing::TestParamInfo<Corruption>& info) { return info.param.name; }

// To a ring whose consumer has read one record of 24 bytes, with two more, of 1000 and 24 bytes, to come.
class ConsumerCorruptionTest : public ::testing::TestWithParam<Corruption> {};

TEST_P(ConsumerCorruptionTest, PoisonsForGood) {
  TestRing ring(kCapacity);
  auto producer = RingProducer::Attach(ring.memory());
  auto consumer = RingConsumer::Attach(ring.memory());
  Record record;
  const std::vector<std::byte> payload(984);
  ASSERT_TRUE(producer->TryWrite(1, std::span(payload).first(8)));
  ASSERT_EQ(consumer->TryRead(&record), ReadResult::kRecord);
  ASSERT_TRUE(producer->TryWrite(1, payload));
  ASSERT_TRUE(producer->TryWrite(1, std::span(payload).first(8)));

  const std::vector<std::byte> intact(ring.memory().begin(), ring.memory().end());
  GetParam().apply(&ring);
  EXPECT_EQ(consumer->TryRead(&record), ReadResult::kCorrupt);
  EXPECT_TRUE(consumer->poisoned());
  std::memcpy(ring.memory().data(), intact.data(), intact.size());
  EXPECT_EQ(consumer->TryRead(&record), ReadResult::kCorrupt);
  EXPECT_TRUE(consumer->Readable());
}

// The control: untouched, the same ring reads well.
TEST(ConsumerCorruptionControlTest, ReadsTheSameRingWhenNothingIsTouched) {
  TestRing ring(kCapacity);
  auto producer = RingProducer::Attach(ring.memory());
  auto consumer = RingConsumer::Attach(ring.memory());
  Record record;
  const std::vector<std::byte> payload(984);
  for (const std::size_t size : {8, 984, 8}) {
    ASSERT_TRUE(producer->TryWrite(1, std::span(payload).first(size)));
    ASSERT_EQ(consumer->TryRead(&record), ReadResult::kRecord);
  }
}

// The second record begins at 24 and ends at 1024.
constexpr std::uint64_t kAt = 24;

INSTANTIATE_TEST_SUITE_P(
    Kinds, ConsumerCorruptionTest,
    ::testing::Values(
        Corruption{"TailFarAhead", [](TestRing* ring) { ring->header()->tail = ~7ULL; }},
        Corruption{"TailOnePastCapacity", [](TestRing* ring) { ring->header()->tail = kCapacity + 8; }},
        Corruption{"TailBehindHead", [](TestRing* ring) { ring->header()->tail = 16; }},
        Corruption{"TailUnaligned", [](TestRing* ring) { ring->header()->tail = 1029; }},
        Corruption{"LengthZero", [](TestRing* ring) { StoreAt(ring, kAt, RecordWord(0, 1)); }},
        Corruption{"LengthBelowHeader", [](TestRing* ring) { StoreAt(ring, kAt, RecordWord(15, 1)); }},
        Corruption{"LengthHuge", [](TestRing* ring) { StoreAt(ring, kAt, RecordWord(0xffffffff, 1)); }},
        Corruption{"LengthAboveLargestRecord",
                   [](TestRing* ring) {
                     ring->header()->tail = kCapacity;
                     StoreAt(ring, kAt, RecordWord(16 + 1024 + 1, 1));
                   }},
        Corruption{"LengthPastTail", [](TestRing* ring) { StoreAt(ring, kAt, RecordWord(1025, 1)); }},
        Corruption{"FlagsSet", [](TestRing* ring) { StoreAt(ring, kAt, RecordWord(1000, 1) | 1ULL << 48); }},
        Corruption{"SequenceSkipped", [](TestRing* ring) { StoreAt(ring, kAt + 8, 2); }},
        Corruption{"SequenceRepeated", [](TestRing* ring) { StoreAt(ring, kAt + 8, 0); }},
        Corruption{"PadShortOfTheEnd", [](TestRing* ring) { StoreAt(ring, kAt, RecordWord(1000, kPadRecord)); }},
        Corruption{"PadWithFlags",
                   [](TestRing* ring) {
                     ring->header()->tail = kCapacity + 24;
                     StoreAt(ring, kAt, RecordWord(kCapacity - kAt, kPadRecord) | 1ULL << 48);
                   }},
        Corruption{"PadWithoutARecordAfterIt",
                   [](TestRing* ring) {
                     ring->header()->tail = kCapacity;
                     StoreAt(ring, kAt, RecordWord(kCapacity - kAt, kPadRecord));
                   }},
        Corruption{"PadAfterPad",
                   [](TestRing* ring) {
                     ring->header()->tail = kCapacity + 24;
                     StoreAt(ring, kAt, RecordWord(kCapacity - kAt, kPadRecord));
                     StoreAt(ring, 0, RecordWord(kCapacity, kPadRecord));
                   }}),
    CaseName);

TEST(ConsumerCorruptionControlTest, RefusesARecordThatCrossesTheEnd) {
  TestRing ring(kCapacity);
  auto producer = RingProducer::Attach(ring.memory());
  auto consumer = RingConsumer::Attach(ring.memory());
  Record record;
  const std::vector<std::byte> payload(984);
  for (int i = 0; i < 4; ++i) {  // to 96 bytes before the end
    ASSERT_TRUE(producer->TryWrite(1, payload));
    ASSERT_EQ(consumer->TryRead(&record), ReadResult::kRecord);
  }
  StoreAt(&ring, 4000, RecordWord(200, 1));
  StoreAt(&ring, 4008, 4);
  ring.header()->tail = 4200;
  EXPECT_EQ(consumer->TryRead(&record), ReadResult::kCorrupt);
}

// To a producer that filled the ring and has seen half of it read.
class ProducerCorruptionTest : public ::testing::TestWithParam<Corruption> {};

bool FillRing(RingProducer* producer) {
  const std::vector<std::byte> payload(984);
  int written = 0;
  while (producer->TryWrite(1, payload)) ++written;
  return written > 0;
}

TEST_P(ProducerCorruptionTest, PoisonsForGood) {
  TestRing ring(kCapacity);
  auto producer = RingProducer::Attach(ring.memory());
  ASSERT_TRUE(FillRing(&*producer));
  ring.header()->head = 2000;
  ASSERT_TRUE(FillRing(&*producer));
  GetParam().apply(&ring);
  EXPECT_FALSE(FillRing(&*producer));
  EXPECT_TRUE(producer->poisoned());
  ring.header()->head = ring.header()->tail.load();
  EXPECT_FALSE(FillRing(&*producer));
}

TEST(ProducerCorruptionControlTest, WritesOnWhenTheHeadIsRight) {
  TestRing ring(kCapacity);
  auto producer = RingProducer::Attach(ring.memory());
  ASSERT_TRUE(FillRing(&*producer));
  ring.header()->head = 2000;
  ASSERT_TRUE(FillRing(&*producer));
  ring.header()->head = ring.header()->tail.load();
  EXPECT_TRUE(FillRing(&*producer));
  EXPECT_FALSE(producer->poisoned());
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, ProducerCorruptionTest,
    ::testing::Values(Corruption{"HeadBeyondTail",
                                 [](TestRing* ring) { ring->header()->head = ring->header()->tail + 8; }},
                      Corruption{"HeadHuge", [](TestRing* ring) { ring->header()->head = ~7ULL; }},
                      Corruption{"HeadGoesBack", [](TestRing* ring) { ring->header()->head = 1000; }},
                      Corruption{"HeadUnaligned", [](TestRing* ring) { ring->header()->head = 2001; }}),
    CaseName);

}  // namespace
}  // namespace troupe::ipc
