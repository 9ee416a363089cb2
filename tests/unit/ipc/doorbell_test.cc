#include "ipc/doorbell.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "ipc/doorbell_layout.h"
#include "tests/unit/ipc/test_region.h"

namespace troupe::ipc {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct TestBell {
  TestBell() { TROUPE_CHECK(CreateDoorbellRegion(name).ok()); }
  std::unique_ptr<OwnDoorbell> Own() { return *OwnDoorbell::Open(name); }
  Doorbell Peer() { return *Doorbell::Open(name); }
  TestName name;
};

TEST(DoorbellTest, RefusesARegionThatHoldsNone) {
  TestName name;
  EXPECT_EQ(Doorbell::Open(name).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(SharedRegion::Create(name, 4096).ok());
  EXPECT_EQ(Doorbell::Open(name).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(CreateDoorbellRegion(name).code(), StatusCode::kAlreadyExists);
}

// Whether a Wait() for what `ring` returns is cut short. Once, a busy machine may hold it up past its timeout all the
// same; a ring that wakes nobody is slept through every time.
bool EndsAWait(OwnDoorbell* own, const std::function<std::uint32_t()>& ring) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    const std::uint32_t word = ring();
    const auto start = Clock::now();
    own->Wait(word);
    own->Finish();
    if (Clock::now() - start < kDoorbellTimeout) return true;
  }
  return false;
}

TEST(DoorbellTest, WaitReturnsAtOnceWhenItRangAfterPrepare) {
  TestBell bell;
  auto own = bell.Own();
  EXPECT_TRUE(EndsAWait(own.get(), [&] {
    const std::uint32_t word = own->Prepare();
    bell.Peer().Ring();
    return word;
  }));
}

TEST(DoorbellTest, WaitEndsWithItsTimeoutWhenNobodyRings) {
  TestBell bell;
  auto own = bell.Own();
  const auto start = Clock::now();
  own->Wait(own->Prepare(), 2ms);
  own->Finish();
  EXPECT_GE(Clock::now() - start, 2ms);
}

// Why the rings are to be looked at again after Prepare(): a ring before it wakes nobody.
TEST(DoorbellTest, RingBeforePrepareIsNotRemembered) {
  TestBell bell;
  auto own = bell.Own();
  bell.Peer().Ring();
  const auto start = Clock::now();
  own->Wait(own->Prepare(), 2ms);
  own->Finish();
  EXPECT_GE(Clock::now() - start, 2ms);
}

TEST(DoorbellTest, KeepsRingingForTheThreadsThatStillSleep) {
  TestBell bell;
  auto own = bell.Own();
  EXPECT_TRUE(EndsAWait(own.get(), [&] {
    own->Prepare();
    const std::uint32_t word = own->Prepare();  // two threads wait,
    own->Finish();                              // one of them leaves
    bell.Peer().Ring();
    return word;
  }));
}

TEST(DoorbellTest, RingAlwaysWakesEvenWhenAKilledPeerTookTheFlag) {
  TestBell bell;
  auto own = bell.Own();
  auto region = SharedRegion::Open(bell.name, Access::kReadWrite);
  EXPECT_TRUE(EndsAWait(own.get(), [&] {
    const std::uint32_t word = own->Prepare();
    reinterpret_cast<DoorbellLayout*>(region->data())->sleeping = 0;
    bell.Peer().RingAlways();
    return word;
  }));
}

// Sleeps until `ready`. False when it slept on although it was ready and nobody was still about to ring: after five
// seconds, a ringer that was merely held up has rung.
bool SleepUntil(OwnDoorbell* own, const std::function<bool()>& ready) {
  while (!ready()) {
    const std::uint32_t word = own->Prepare();
    const auto start = Clock::now();
    bool lost = false;
    while (!ready() && !lost) {
      const auto before = Clock::now();
      own->Wait(word);
      const bool woken = Clock::now() - before < kDoorbellTimeout;
      if (woken) break;
      lost = ready() && Clock::now() - start > 5s;
    }
    own->Finish();
    if (lost) return false;
  }
  return true;
}

TEST(DoorbellTest, LosesNoWakeUpBetweenTwoThreadsThatAlwaysSleep) {
  constexpr int kRounds = 100'000;
  const auto end = Clock::now() + 5s;  // a busy machine gets through fewer
  std::atomic<int> rounds{kRounds};
  TestBell bells[2];
  std::atomic<int> turn{0};
  std::atomic<bool> lost{false};
  std::atomic<int> timeouts{0};
  const auto play = [&](int me) {
    auto own = bells[me].Own();
    const Doorbell peer = bells[1 - me].Peer();
    for (int round = me; round < rounds && !lost; round += 2) {
      if (me == 0 && Clock::now() > end) rounds = std::min(rounds.load(), round + 2);
      while (turn.load(std::memory_order_acquire) != round && !lost) {
        const std::uint32_t word = own->Prepare();
        if (turn.load(std::memory_order_acquire) != round) {
          const auto start = Clock::now();
          own->Wait(word);
          // A ringer that is merely held up between its store and its ring cannot be told from a lost wake-up once; a
          // lost one shows again and again.
          const bool slept_through = Clock::now() - start >= kDoorbellTimeout;
          if (slept_through && turn.load() == round && ++timeouts > 20) lost = true;
        }
        own->Finish();
      }
      turn.store(round + 1, std::memory_order_release);
      peer.Ring();
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
  EXPECT_FALSE(lost);
  EXPECT_EQ(turn, rounds);
}

TEST(DoorbellTest, WakesEveryThreadThatWaits) {
  TestBell bell;
  auto own = bell.Own();
  std::atomic<bool> ready{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { EXPECT_TRUE(SleepUntil(own.get(), [&] { return ready.load(); })); });
  ready = true;
  own->WakeLocal();
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace troupe::ipc
