// A peer may be killed at any instruction: what it published is read whole, nothing else is, and nobody hangs.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "ipc/channel.h"
#include "tests/unit/ipc/record_pattern.h"
#include "tests/unit/ipc/test_region.h"

namespace troupe::ipc {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kCapacity = 8 * 1024;

struct Names {
  TestName channel;
  TestName bell_a;
  TestName bell_b;
};

// What the child does until it is killed: writes as fast as it can, reads what comes back, sleeps when it can do
// neither.
[[noreturn]] void WriteUntilKilled(const Names& names) {
  auto own = OwnDoorbell::Open(names.bell_a);
  auto peer = Doorbell::Open(names.bell_b);
  if (!own.ok() || !peer.ok()) _exit(1);
  auto channel = Channel::Open(names.channel, Side::kA, *std::move(peer));
  if (!channel.ok()) _exit(2);
  const RecordPattern pattern(channel->max_record());
  Record record;
  std::uint64_t n = 0;
  const auto write = [&] {
    while (channel->TryRead(&record) == ReadResult::kRecord) {
    }
    const bool written = channel->TryWrite(RecordPattern::Type(n), pattern.Payload(n));
    if (written) ++n;
    return written;
  };
  while (!channel->poisoned()) {
    if (write()) continue;
    const std::uint32_t word = (*own)->Prepare();
    if (!write()) (*own)->Wait(word);
    (*own)->Finish();
  }
  _exit(3);
}

// The parent's side of one victim.
class Survivor {
 public:
  Survivor(const Names& names)
      : own_(*OwnDoorbell::Open(names.bell_b)),
        channel_(*Channel::Open(names.channel, Side::kB, *Doorbell::Open(names.bell_a))),
        pattern_(channel_.max_record()) {}

  // Reads all there is, echoing; false at a record that is not what the victim wrote.
  bool Drain() {
    ReadResult result;
    while ((result = channel_.TryRead(&record_)) == ReadResult::kRecord) {
      if (!pattern_.Matches(read_, record_)) return false;
      ++read_;
      (void)channel_.TryWrite(1, record_.payload.first(std::min<std::size_t>(record_.payload.size(), 64)));
    }
    return result == ReadResult::kNone && !channel_.poisoned();
  }

  bool ReadFor(std::chrono::nanoseconds time) {
    const auto end = Clock::now() + time;
    while (Clock::now() < end) {
      if (!Drain()) return false;
      const std::uint32_t word = own_->Prepare();
      if (!channel_.Readable()) own_->Wait(word, 200us);
      own_->Finish();
    }
    return true;
  }

  std::uint64_t read() const { return read_; }

 private:
  std::unique_ptr<OwnDoorbell> own_;
  Channel channel_;
  RecordPattern pattern_;
  Record record_;
  std::uint64_t read_ = 0;
};

TEST(ChannelKillTest, ReaderSurvivesWritersKilledAtAnyMoment) {
  constexpr int kKills = 250;
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto end = Clock::now() + 10s;  // a busy machine gets through fewer
  std::uint64_t records = 0;
  int kills = 0;
  for (; kills < kKills && Clock::now() < end; ++kills) {
    Names names;
    ASSERT_TRUE(CreateDoorbellRegion(names.bell_a).ok() && CreateDoorbellRegion(names.bell_b).ok());
    ASSERT_TRUE(CreateChannelRegion(names.channel, kCapacity).ok());
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) WriteUntilKilled(names);
    Survivor survivor(names);
    const bool good = survivor.ReadFor(std::chrono::microseconds(random() % 4'000));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer left with code " << WEXITSTATUS(status);
    ASSERT_TRUE(good && survivor.Drain()) << "kill " << kills << ", record " << survivor.read();
    records += survivor.read();
  }
  EXPECT_GT(records, static_cast<std::uint64_t>(kills)) << "the writers were killed before they wrote";
}

TEST(ChannelKillTest, WriterToAKilledReaderIsRefusedAndNotHung) {
  Names names;
  ASSERT_TRUE(CreateDoorbellRegion(names.bell_a).ok() && CreateDoorbellRegion(names.bell_b).ok());
  ASSERT_TRUE(CreateChannelRegion(names.channel, kCapacity).ok());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) WriteUntilKilled(names);
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  auto channel = Channel::Open(names.channel, Side::kB, *Doorbell::Open(names.bell_a));
  ASSERT_TRUE(channel.ok());
  const std::vector<std::byte> payload(100);
  int written = 0;
  while (channel->TryWrite(1, payload)) ++written;
  EXPECT_LE(written, static_cast<int>(kCapacity / 100));
  EXPECT_FALSE(channel->poisoned());
}

}  // namespace
}  // namespace troupe::ipc
