// Channels between processes: what does not fit, what is corrupt, what waits for ever, and what they cost.
#include <troupe/troupe.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/integration/cluster_fixture.h"
#include "tests/integration/processes.h"
#include "tests/integration/wait.h"

namespace channels {
class Peer;
}  // namespace channels

// Before the class, which has a handle to its own kind.
TROUPE_ACTOR(channels::Peer, Echo, Meet, Flood, Tick, Seen, Many, Count, Throw, AwaitFile);

namespace channels {

using Refs = std::vector<troupe::ObjectRef<int>>;

Refs ManyRefs(int count) { return Refs(static_cast<std::size_t>(count), troupe::Put(7)); }

class Peer {
 public:
  int Echo(int value) const { return value; }
  void Meet(troupe::ActorHandle<Peer> other) { other_ = std::move(other); }
  void Flood(int count);
  void Tick() { ++seen_; }
  int Seen() const { return seen_; }
  Refs Many(int count) const { return ManyRefs(count); }
  int Count(const Refs& refs) const { return static_cast<int>(refs.size()); }
  void Throw(int length) const { throw std::runtime_error(std::string(static_cast<std::size_t>(length), 'x')); }
  // Holds the mailbox until the file is there.
  int AwaitFile(const std::string& file) const {
    while (!std::filesystem::exists(file)) usleep(1'000);
    return 1;
  }

 private:
  std::optional<troupe::ActorHandle<Peer>> other_;
  int seen_ = 0;
};

}  // namespace channels

void channels::Peer::Flood(int count) {
  for (int i = 0; i < count; ++i) other_->Tick();
}

namespace troupe::integration {
namespace {

using namespace std::chrono_literals;
using channels::Peer;

class Channels : public DriverTest {
 protected:
  // The channels' shared memory of the node: names and bytes.
  static std::vector<std::string> Regions() {
    std::vector<std::string> regions;
    for (const std::string& tag : SharedMemoryTags(getpid())) {
      for (const std::string& name : SharedMemoryNames(tag)) {
        if (name.find("-ch-") != std::string::npos) regions.push_back("/dev/shm/" + name);
      }
    }
    return regions;
  }
  static std::uintmax_t Bytes() {
    std::uintmax_t bytes = 0;
    for (const std::string& region : Regions()) bytes += std::filesystem::file_size(region);
    return bytes;
  }
};

TEST_F(Channels, CostLittleUntilTrafficAsksForMore) {
  constexpr int kActors = 8;
  const std::uintmax_t before = Bytes();
  std::vector<ActorHandle<Peer>> actors;
  for (int i = 0; i < kActors; ++i) actors.push_back(Spawn<Peer>());
  for (const auto& from : actors) {
    for (const auto& to : actors) {
      from.Meet(to).Get(kDeadline);
      from.Flood(1).Get(kDeadline);
    }
  }
  for (const auto& actor : actors) {
    EXPECT_TRUE(Eventually([&] { return actor.Seen().Get(kDeadline) == kActors; }));
  }
  constexpr int kPairs = kActors + kActors * (kActors - 1) / 2;  // with the driver, and among themselves
  EXPECT_LE(Bytes() - before, kPairs * 12'288U);
  std::vector<ObjectRef<int>> results;
  for (int i = 0; i < 20'000; ++i) results.push_back(actors[0].Echo(i));
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(results[static_cast<std::size_t>(i)].Get(kDeadline), i);
  EXPECT_GT(Bytes() - before, 500'000U);
  EXPECT_LT(Bytes() - before, 600'000U + kPairs * 12'288U);
}

// 53 bytes each in a message, which may have 16 MiB.
TEST_F(Channels, TooManyRefsForAMessageEndOneCallAndNoOther) {
  constexpr int kTooMany = 330'000;
  auto actor = Spawn<Peer>();
  EXPECT_EQ(actor.Echo(1).Get(kDeadline), 1);
  const auto result = actor.Many(kTooMany).TryGet(kDeadline);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kSystem);
  EXPECT_EQ(result.error().outcome, Outcome::kFailed);
  EXPECT_NE(result.error().message.find("330000 refs"), std::string::npos) << result.error().message;
  EXPECT_EQ(actor.Echo(2).Get(kDeadline), 2);
  const auto count = actor.Count(channels::ManyRefs(kTooMany)).TryGet(kDeadline);
  ASSERT_FALSE(count.has_value());
  EXPECT_EQ(count.error().outcome, Outcome::kNotExecuted);
  EXPECT_NE(count.error().message.find("they name 330000 refs"), std::string::npos) << count.error().message;
  EXPECT_EQ(actor.Echo(3).Get(kDeadline), 3);
  EXPECT_EQ(actor.Count(channels::ManyRefs(1'000)).Get(kDeadline), 1'000);
  const auto task = troupe::Run<&channels::ManyRefs>({.max_retries = 0}, kTooMany).TryGet(kDeadline);
  ASSERT_FALSE(task.has_value());
  EXPECT_EQ(task.error().outcome, Outcome::kFailed);
}

TEST_F(Channels, AnExceptionWithAVeryLongTextIsCut) {
  auto actor = Spawn<Peer>();
  const auto result = actor.Throw(20'000'000).TryGet(kDeadline);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kThrew);
  EXPECT_LT(result.error().message.size(), 100'000U);
  EXPECT_EQ(actor.Echo(1).Get(kDeadline), 1);
}

TEST_F(Channels, ACorruptRingEndsItsCallsAndTheNextOnesGoOn) {
  auto actor = Spawn<Peer>();
  EXPECT_EQ(actor.Echo(1).Get(kDeadline), 1);
  const std::string go = cluster().NewFile();
  auto waits = actor.AwaitFile(go);
  for (const std::string& region : Regions()) {
    std::fstream file(region, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(128 + 128);  // the tail of the ring from A to B
    file.write("\3\0\0\0\0\0\0\0", 8);
  }
  std::ofstream{go};
  const auto result = waits.TryGet(kDeadline);
  if (!result.has_value()) {
    EXPECT_EQ(result.error().outcome, Outcome::kUnknown);
    EXPECT_NE(result.error().message.find("program"), std::string::npos) << result.error().message;
  }
  // The pair goes on over another channel; its first calls may still find the old one.
  EXPECT_TRUE(Eventually([&] {
    const auto echo = actor.Echo(2).TryGet(kDeadline);
    return echo.has_value() && *echo == 2;
  }));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(actor.Echo(i).Get(kDeadline), i);
}

TEST_F(Channels, TwoActorsThatFloodEachOtherGoOnOrAreTold) {
  constexpr int kCalls = 100'000;  // above what may be unanswered
  auto a = Spawn<Peer>();
  auto b = Spawn<Peer>();
  a.Meet(b).Get(kDeadline);
  b.Meet(a).Get(kDeadline);
  auto from_a = a.Flood(kCalls);
  auto from_b = b.Flood(kCalls);
  int told = 0;
  for (auto* flood : {&from_a, &from_b}) {
    const auto result = flood->TryGet(kDeadline);
    if (result.has_value()) continue;
    ++told;
    EXPECT_EQ(result.error().kind, ErrorKind::kThrew) << result.error().message;
    EXPECT_NE(result.error().message.find("would wait for ever"), std::string::npos) << result.error().message;
    EXPECT_NE(result.error().message.find("Peer"), std::string::npos) << result.error().message;
  }
  EXPECT_LE(told, 1) << "one gives way, the other goes on";
  EXPECT_GT(a.Seen().Get(kDeadline) + b.Seen().Get(kDeadline), kCalls);
}

TEST_F(Channels, AnActorThatFloodsItselfIsTold) {
  auto actor = Spawn<Peer>();
  actor.Meet(actor).Get(kDeadline);
  const auto result = actor.Flood(100'000).TryGet(kDeadline);
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message.find("would wait for ever"), std::string::npos) << result.error().message;
  EXPECT_GE(actor.Seen().Get(kDeadline), 65'536);
}

TEST_F(Channels, CallsAfterATerminateAreNeverUnknown) {
  for (int round = 0; round < 20; ++round) {
    auto actor = Spawn<Peer>();
    EXPECT_EQ(actor.Echo(1).Get(kDeadline), 1);
    Terminate(actor);
    std::vector<ObjectRef<int>> after;
    for (int i = 0; i < 50; ++i) after.push_back(actor.Echo(i));
    for (const auto& call : after) {
      const auto result = call.TryGet(kDeadline);
      ASSERT_FALSE(result.has_value());
      ASSERT_EQ(result.error().outcome, Outcome::kNotExecuted) << "round " << round << ": " << result.error().message;
    }
  }
}

}  // namespace
}  // namespace troupe::integration
