#include "client/peer_channel.h"

#include <gmock/gmock.h>

#include <atomic>
#include <random>
#include <string>
#include <vector>

#include "ipc/channel_layout.h"
#include "tests/unit/ipc/test_channel.h"

namespace troupe::client {
namespace {

using testing::ElementsAre;
using ReadEnd = PeerChannel::ReadEnd;

class PeerChannelTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kCapacity = 4096;

  void OpenBoth() {
    here_.Attach(*shared_.Open(ipc::Side::kA));
    there_.Attach(*shared_.Open(ipc::Side::kB));
  }
  ReadEnd Read() {
    return there_.Read([this](std::string_view frame, std::uint64_t) { frames_.emplace_back(frame); });
  }

  ipc::TestChannel shared_{kCapacity};
  PeerChannel here_;
  PeerChannel there_;
  std::vector<std::string> frames_;
};

TEST_F(PeerChannelTest, WhatIsWrittenBeforeTheChannelIsThereGoesFirst) {
  EXPECT_EQ(Read(), ReadEnd::kAllRead);
  here_.Write("first");
  EXPECT_EQ(here_.backlog_bytes(), 5U);
  OpenBoth();
  here_.Write("second");
  EXPECT_TRUE(here_.Flush());
  EXPECT_EQ(here_.backlog_bytes(), 0U);
  EXPECT_EQ(Read(), ReadEnd::kAllRead);
  EXPECT_THAT(frames_, ElementsAre("first", "second"));
}

TEST_F(PeerChannelTest, FramesLongerThanTheRingArriveWholeAndInOrder) {
  OpenBoth();
  std::string large;
  for (int i = 0; large.size() < 10 * kCapacity; ++i) large += std::to_string(i);
  here_.Write(large);
  here_.Write("small");
  EXPECT_GT(here_.backlog_bytes(), 0U);
  while (frames_.size() < 2) {
    ASSERT_EQ(Read(), ReadEnd::kAllRead);
    ASSERT_TRUE(here_.Flush());
  }
  EXPECT_THAT(frames_, ElementsAre(large, "small"));
  EXPECT_EQ(here_.backlog_bytes(), 0U);
}

TEST_F(PeerChannelTest, ATurnLeavesTheRestToTheNext) {
  OpenBoth();
  here_.Write("and");
  // A peer that is never done writing.
  EXPECT_EQ(there_.Read([this](std::string_view frame, std::uint64_t) { here_.Write(std::string(frame)); }),
            ReadEnd::kMore);
}

TEST_F(PeerChannelTest, APeerThatSendsTooMuchOrNonsenseIsNotHeardFurther) {
  auto raw = *shared_.Open(ipc::Side::kA);
  there_.Attach(*shared_.Open(ipc::Side::kB));
  const std::vector<std::byte> piece(raw.max_record());
  std::size_t sent = 0;
  ReadEnd end = ReadEnd::kAllRead;
  while (end == ReadEnd::kAllRead && sent < 2 * PeerChannel::kMaxFrame) {
    while (raw.TryWrite(2, piece)) sent += piece.size();  // never the last piece
    end = Read();
  }
  EXPECT_EQ(end, ReadEnd::kTooLong);
  EXPECT_TRUE(frames_.empty());

  ipc::TestChannel other(kCapacity);
  auto writer = *other.Open(ipc::Side::kA);
  PeerChannel reader;
  reader.Attach(*other.Open(ipc::Side::kB));
  ASSERT_TRUE(writer.TryWrite(7, piece));
  EXPECT_EQ(reader.Read([](std::string_view, std::uint64_t) { FAIL(); }), ReadEnd::kCorrupt);
}

TEST_F(PeerChannelTest, SaysThatAPeerSpoiltWhatIsWrittenToIt) {
  OpenBoth();
  here_.Write(std::string(1000, 'a'));
  EXPECT_TRUE(here_.Flush());
  // As if the reader had read more than was ever written.
  auto region = *ipc::SharedRegion::Open(shared_.name, ipc::Access::kReadWrite);
  auto* ring = reinterpret_cast<ipc::RingHeader*>(region.data() + sizeof(ipc::ChannelHeader));
  ring->head.store(1 << 20);
  for (int i = 0; i < 10; ++i) here_.Write(std::string(1000, 'b'));
  EXPECT_FALSE(here_.Flush());
}

TEST_F(PeerChannelTest, ALargerChannelTakesOverWithoutLossOrReordering) {
  std::mt19937 random(7);
  const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  for (int round = 0; round < 50; ++round) {
    ipc::TestChannel small(kCapacity);
    ipc::TestChannel large(16 * kCapacity);
    PeerChannel ends[2];
    std::vector<std::string> sent[2];
    std::vector<std::string> received[2];
    for (int i : {0, 1}) ends[i].Attach(*small.Open(i == 0 ? ipc::Side::kA : ipc::Side::kB));
    // Each side learns of the larger one at a time of its own.
    int learns[2] = {below(400), below(400)};
    const auto read = [&](int i) {
      const auto end = ends[i].Read([&](std::string_view frame, std::uint64_t number) {
        received[i].emplace_back(frame);
        EXPECT_EQ(number, received[i].size());
      });
      ASSERT_EQ(end, ReadEnd::kAllRead);
    };
    for (int step = 0; step < 500; ++step) {
      for (int i : {0, 1}) {
        if (step == learns[i]) {
          ASSERT_TRUE(ends[i].SetNext(*large.Open(i == 0 ? ipc::Side::kA : ipc::Side::kB)));
          EXPECT_TRUE(ends[i].Has(large.name.str()));
        }
      }
      const int i = below(2);
      if (below(3) == 0) {
        read(i);
      } else {
        sent[i].push_back(std::to_string(step) + std::string(below(10) == 0 ? below(20'000) : below(200), 'x'));
        EXPECT_EQ(ends[i].Write(sent[i].back()), sent[i].size());
      }
      ASSERT_TRUE(ends[below(2)].Flush());
    }
    while (ends[0].backlog_bytes() + ends[1].backlog_bytes() > 0) {
      for (int i : {0, 1}) {
        ASSERT_TRUE(ends[i].Flush());
        read(1 - i);
      }
    }
    for (int i : {0, 1}) read(i);
    ASSERT_EQ(received[0], sent[1]);
    ASSERT_EQ(received[1], sent[0]);
    for (int i : {0, 1}) {
      EXPECT_EQ(ends[i].written(), sent[i].size());
      EXPECT_EQ(ends[i].region(), std::string(large.name));
      EXPECT_FALSE(ends[i].Has(small.name.str()));
    }
  }
}

TEST_F(PeerChannelTest, WantsALargerChannelWhenItIsFullAgainAndAgain) {
  OpenBoth();
  int rounds = 0;
  for (; !here_.WantsLarger(); ++rounds) {
    ASSERT_LT(rounds, 20);
    while (here_.backlog_bytes() == 0) here_.Write(std::string(500, 'a'));
    while (here_.backlog_bytes() > 0) Read(), here_.Flush();
  }
  EXPECT_GT(rounds, 1);  // not for the first time
  EXPECT_FALSE(here_.WantsLarger());
}

// A reader that does not read is not helped by a larger ring.
TEST_F(PeerChannelTest, WantsNoLargerChannelForAPeerThatDoesNotRead) {
  OpenBoth();
  for (int i = 0; i < 1000; ++i) {
    here_.Write(std::string(500, 'a'));
    here_.Flush();
  }
  EXPECT_FALSE(here_.WantsLarger());
}

TEST_F(PeerChannelTest, AWordAfterTheEndOfTheOldRingIsCorrupt) {
  auto raw = *shared_.Open(ipc::Side::kA);
  there_.Attach(*shared_.Open(ipc::Side::kB));
  ASSERT_TRUE(raw.TryWrite(3, std::span<const std::byte>()));
  ASSERT_TRUE(raw.TryWrite(1, std::span<const std::byte>()));
  EXPECT_EQ(Read(), ReadEnd::kCorrupt);
}

TEST_F(PeerChannelTest, TheReadersWordOutlivesItAndTheMove) {
  EXPECT_EQ(here_.Begun(), 0U);
  OpenBoth();
  for (int i = 0; i < 5; ++i) here_.Write("call");
  Read();
  EXPECT_EQ(here_.Begun(), 0U);
  there_.SetBegun(2);
  EXPECT_EQ(here_.Begun(), 2U);
  // The writer has moved on, the reader says more in the old channel.
  ipc::TestChannel large(16 * kCapacity);
  ASSERT_TRUE(here_.SetNext(*large.Open(ipc::Side::kA)));
  here_.Write("call");
  there_.SetBegun(4);
  EXPECT_EQ(here_.Begun(), 4U);
  ASSERT_TRUE(there_.SetNext(*large.Open(ipc::Side::kB)));
  Read();
  EXPECT_EQ(here_.Begun(), 4U);
  there_.SetBegun(6);
  EXPECT_EQ(here_.Begun(), 6U);
}

TEST_F(PeerChannelTest, CountsWhatIsWhollyInTheRing) {
  here_.Write("waits for a channel");
  EXPECT_EQ(here_.written(), 0U);
  OpenBoth();
  ASSERT_TRUE(here_.Flush());
  EXPECT_EQ(here_.written(), 1U);
  EXPECT_EQ(here_.Write(std::string(10 * kCapacity, 'a')), 2U);
  EXPECT_EQ(here_.Write("behind it"), 3U);
  EXPECT_EQ(here_.written(), 1U);  // part of the second is no call
}

}  // namespace
}  // namespace troupe::client
