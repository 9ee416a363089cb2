#include "client/messenger.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "ipc/channel_layout.h"
#include "mini_raylet.h"

namespace troupe::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

// A process: a messenger, and what has arrived.
class Process : private MessageHandler {
 public:
  struct End {
    ProcessId process;
    std::string reason;
    std::uint64_t reached = 0;
  };

  Process(const MiniRaylet& raylet, std::uint64_t id, const RayletPatience& patience = {})
      : address{MiniRaylet::kNode, ProcessId{id}}, messenger(mutex, *this, patience) {
    pb::RegisterClient hello;
    hello.set_process(id);
    started = messenger.Start(raylet.path(), hello).status();
  }

  void Send(const Address& to, std::string frame) {
    std::lock_guard lock(mutex);
    messenger.Send(to, std::move(frame));
  }
  // Until it holds, or for a minute.
  bool Await(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex);
    return messenger.WaitUntil(lock, condition, Clock::now() + 60s);
  }
  bool AwaitFrames(std::size_t count) {
    return Await([this, count] { return frames.size() >= count; });
  }

  std::mutex mutex;
  Status started;
  const Address address;
  std::vector<std::string> frames;
  std::vector<std::uint64_t> numbers;
  std::vector<End> gone;
  std::vector<End> broken;
  std::string lost;
  Messenger messenger;

 private:
  void OnFrame(const Address&, std::string_view frame, std::uint64_t number) override {
    frames.emplace_back(frame);
    numbers.push_back(number);
  }
  void OnRaylet(const pb::RayletToClient&) override {}
  void OnLogLines(const pb::LogLines&) override {}
  void OnProcessGone(ProcessId process, const std::string& reason, std::uint64_t reached) override {
    gone.push_back({process, reason, reached});
  }
  void OnPathBroken(ProcessId process, const std::string& reason, std::uint64_t reached) override {
    broken.push_back({process, reason, reached});
  }
  void OnRayletLost(const std::string& reason) override { lost = reason; }
};

class MessengerTest : public testing::Test {
 protected:
  // The shared memory of the only channel.
  ipc::SharedRegion Region() {
    std::string name;
    raylet_.Do([&] { name = raylet_.channels.rbegin()->first; });
    return *ipc::SharedRegion::Open(name, ipc::Access::kReadWrite);
  }

  MiniRaylet raylet_;
};

TEST_F(MessengerTest, ABusyPairGetsALargerChannelAndLosesNothing) {
  Process a(raylet_, 1), b(raylet_, 2);
  constexpr std::size_t kFrames = 20'000;
  for (std::size_t i = 0; i < kFrames; ++i) {
    a.Send(b.address, std::to_string(i) + std::string(i % 50 == 0 ? 5'000 : 100, 'x'));
    if (i % 2 == 0) b.Send(a.address, std::to_string(i));
  }
  ASSERT_TRUE(b.AwaitFrames(kFrames));
  ASSERT_TRUE(a.AwaitFrames(kFrames / 2));
  for (std::size_t i = 0; i < kFrames; ++i) {
    ASSERT_EQ(b.frames[i].substr(0, b.frames[i].find('x')), std::to_string(i));
    ASSERT_EQ(b.numbers[i], i + 1);
  }
  for (std::size_t i = 0; i < kFrames / 2; ++i) ASSERT_EQ(a.frames[i], std::to_string(2 * i));
  std::vector<std::uint64_t> capacities;
  raylet_.Do([&] {
    for (const auto& [name, capacity] : raylet_.channels) capacities.push_back(capacity);
  });
  EXPECT_THAT(capacities, ElementsAre(ipc::kFirstRingCapacity, ipc::kGrownRingCapacity));
}

TEST_F(MessengerTest, APairThatExchangesLittleKeepsItsSmallChannel) {
  Process a(raylet_, 1), b(raylet_, 2);
  for (std::size_t i = 1; i <= 500; ++i) {
    a.Send(b.address, "call");
    ASSERT_TRUE(b.AwaitFrames(i));
    b.Send(a.address, "reply");
    ASSERT_TRUE(a.AwaitFrames(i));
  }
  raylet_.Do([&] { EXPECT_EQ(raylet_.channels.size(), 1U); });
}

TEST_F(MessengerTest, ACorruptRecordEndsTheChannelForBothAndTheNextFrameGoesThroughAnother) {
  Process a(raylet_, 1), b(raylet_, 2);
  a.Send(b.address, "first");
  ASSERT_TRUE(b.AwaitFrames(1));
  {
    // A tail that no writer writes, in the ring from a, which asked for the channel, to b.
    const ipc::SharedRegion region = Region();
    auto* ring = reinterpret_cast<ipc::RingHeader*>(region.data() + sizeof(ipc::ChannelHeader));
    ring->tail.store(3);
  }
  ASSERT_TRUE(b.Await([&] { return !b.broken.empty(); }));
  ASSERT_TRUE(a.Await([&] { return !a.broken.empty(); }));
  EXPECT_EQ(a.broken[0].process, b.address.process);
  EXPECT_EQ(a.broken[0].reached, 1U) << "one frame had left";
  EXPECT_EQ(b.broken[0].process, a.address.process);
  for (const Process* process : {&a, &b}) {
    EXPECT_THAT(process->broken[0].reason, HasSubstr("what no process of Troupe writes"));
    EXPECT_THAT(process->broken[0].reason, HasSubstr("(pid 1, program /bin/hello)"));
    EXPECT_THAT(process->gone, IsEmpty());
  }
  a.Send(b.address, "second");
  b.Send(a.address, "third");
  ASSERT_TRUE(b.AwaitFrames(2));
  ASSERT_TRUE(a.AwaitFrames(1));
  EXPECT_THAT(b.frames, ElementsAre("first", "second"));
  EXPECT_THAT(a.frames, ElementsAre("third"));
  EXPECT_EQ(a.broken.size() + b.broken.size(), 2U);
}

TEST_F(MessengerTest, AReaderThatSpoilsItsHeadIsFoundByTheWriter) {
  Process a(raylet_, 1), b(raylet_, 2);
  a.Send(b.address, "first");
  ASSERT_TRUE(b.AwaitFrames(1));
  {
    const ipc::SharedRegion region = Region();
    auto* ring = reinterpret_cast<ipc::RingHeader*>(region.data() + sizeof(ipc::ChannelHeader));
    ring->head.store(1 << 20);
  }
  for (int i = 0; i < 20; ++i) a.Send(b.address, std::string(500, 'x'));
  ASSERT_TRUE(a.Await([&] { return !a.broken.empty(); }));
  ASSERT_TRUE(b.Await([&] { return !b.broken.empty(); }));
  b.Send(a.address, "answer");
  EXPECT_TRUE(a.AwaitFrames(1));
}

TEST_F(MessengerTest, WithoutMemoryForAChannelNothingHasLeft) {
  raylet_.Do([&] { raylet_.full = true; });
  Process a(raylet_, 1), b(raylet_, 2);
  a.Send(b.address, "call");
  ASSERT_TRUE(a.Await([&] { return !a.broken.empty(); }));
  EXPECT_EQ(a.broken[0].reached, 0U);
  EXPECT_THAT(a.broken[0].reason, HasSubstr("full"));
  raylet_.Do([&] { raylet_.full = false; });
  a.Send(b.address, "again");
  EXPECT_TRUE(b.AwaitFrames(1));
  EXPECT_THAT(b.frames, ElementsAre("again"));
}

TEST_F(MessengerTest, SaysHowFarADeadProcessHadCome) {
  Process a(raylet_, 1);
  {
    Process b(raylet_, 2);
    for (const char* call : {"one", "two", "three"}) a.Send(b.address, call);
    ASSERT_TRUE(b.AwaitFrames(3));
    std::lock_guard lock(b.mutex);
    b.messenger.SayBegun(a.address.process, b.numbers[1]);
  }
  raylet_.TellGone(ProcessId{2});
  ASSERT_TRUE(a.Await([&] { return !a.gone.empty(); }));
  EXPECT_EQ(a.gone[0].reached, 2U);
}

// Its shared memory goes with its connection; how it ended is known, and told, a moment later.
TEST_F(MessengerTest, WhatIsSentToAProcessThatHasJustEndedWaitsForTheWordOfItsEnd) {
  Process a(raylet_, 1), b(raylet_, 2);
  for (const std::string& name : ipc::ListRegions("troupe-test-" + std::to_string(getpid()))) {
    if (name.ends_with("-bell-" + b.address.process.Hex())) ipc::SharedRegion::Unlink(name);
  }
  a.Send(b.address, "call");
  bool answered = false;
  {
    std::lock_guard lock(a.mutex);
    pb::ClientToRaylet message;
    message.mutable_ping();
    a.messenger.Request(std::move(message), [&](const pb::RayletToClient&) { answered = true; });
  }
  ASSERT_TRUE(a.Await([&] { return answered; })) << "after it was told of the channel";
  EXPECT_THAT(a.broken, IsEmpty());
  raylet_.TellGone(b.address.process);
  ASSERT_TRUE(a.Await([&] { return !a.gone.empty(); }));
  EXPECT_EQ(a.gone[0].reached, 0U);
  EXPECT_THAT(a.broken, IsEmpty());
}

// Also what is sent to other nodes, through the raylet, does not hold up those who do not need it.
TEST_F(MessengerTest, ARayletThatStandsStillHoldsUpNoCallWithinTheNode) {
  Process a(raylet_, 1), b(raylet_, 2);
  a.Send(b.address, "opens the channel");
  ASSERT_TRUE(b.AwaitFrames(1));
  constexpr std::size_t kFar = 64;
  const Address far{NodeId{0, 8}, ProcessId{3}};
  {
    const MiniRaylet::Standstill standstill(raylet_);
    for (std::size_t i = 0; i < kFar; ++i) a.Send(far, std::string(128 * 1024, 'f'));
    std::lock_guard lock(a.mutex);
    EXPECT_GT(a.messenger.Backlog(far), Outbox::kBacklogLimit) << "its callers wait";
    EXPECT_EQ(a.messenger.Backlog(b.address), 0U);
  }
  {
    const MiniRaylet::Standstill standstill(raylet_);
    a.Send(b.address, "goes on");
    ASSERT_TRUE(b.AwaitFrames(2));
  }
  EXPECT_TRUE(a.Await([&] { return a.messenger.Backlog(far) == 0; }));
  raylet_.Do([] {});
  EXPECT_TRUE(a.Await([&] { return raylet_.routed_bytes == kFar * (128 * 1024 + ipc::kRoutedHeaderBytes); }));
}

TEST_F(MessengerTest, RegistrationDoesNotWaitForEver) {
  raylet_.mute = true;
  const Process a(raylet_, 1, {.registration = 50ms, .silence = 10s, .questions = 3});
  EXPECT_EQ(a.started.code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(a.started.message(), HasSubstr(raylet_.path()));
}

TEST_F(MessengerTest, ASilentRayletIsAskedForASignOfLife) {
  Process a(raylet_, 1, {.registration = 60s, .silence = 20ms, .questions = 1000});
  std::unique_lock lock(a.mutex);
  EXPECT_FALSE(a.messenger.WaitUntil(
      lock, [&] { return !a.lost.empty(); }, Clock::now() + 500ms));
}

TEST_F(MessengerTest, WhatWaitsForARayletThatStandsStillEnds) {
  Process a(raylet_, 1, {.registration = 60s, .silence = 20ms, .questions = 3});
  const MiniRaylet::Standstill standstill(raylet_);
  std::string error;
  {
    std::lock_guard lock(a.mutex);
    pb::ClientToRaylet message;
    message.mutable_cluster_state();
    a.messenger.Request(std::move(message), [&](const pb::RayletToClient& reply) { error = reply.error().message(); });
  }
  ASSERT_TRUE(a.Await([&] { return !a.lost.empty(); }));
  EXPECT_THAT(a.lost, HasSubstr("has not answered"));
  EXPECT_EQ(error, a.lost);
}

TEST_F(MessengerTest, ARequestThatIsTooLongIsRefusedAtOnce) {
  Process a(raylet_, 1);
  std::string error;
  std::lock_guard lock(a.mutex);
  pb::ClientToRaylet message;
  message.mutable_find_actor()->set_name(std::string(17u << 20, 'n'));
  a.messenger.Request(std::move(message), [&](const pb::RayletToClient& reply) { error = reply.error().message(); });
  EXPECT_THAT(error, HasSubstr("16 MiB"));
}

}  // namespace
}  // namespace troupe::client
