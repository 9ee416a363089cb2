#include "client/peer_channel.h"

#include <gmock/gmock.h>

#include <atomic>
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
    return there_.Read([this](std::string_view frame) { frames_.emplace_back(frame); });
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
  EXPECT_EQ(there_.Read([this](std::string_view frame) { here_.Write(std::string(frame)); }), ReadEnd::kMore);
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
  EXPECT_EQ(reader.Read([](std::string_view) { FAIL(); }), ReadEnd::kCorrupt);
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

}  // namespace
}  // namespace troupe::client
