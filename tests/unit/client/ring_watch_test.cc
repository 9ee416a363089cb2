// Who reads the rings, over rings and a doorbell that the test plays.
#include "client/ring_watch.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>
#include <utility>
#include <vector>

#include "ipc/doorbell.h"

namespace troupe::client {
namespace {

using namespace std::chrono_literals;

constexpr auto kLong = 30s;

// Holds what has arrived; draining it moves it to `read`. `broken`: somebody read while another thread looked or slept.
class FakeRings final : public Rings {
 public:
  void Drain() override {
    if (looking > 0) broken = true;
    ++drains;
    read += arrived_.exchange(0);
    last_reader = std::this_thread::get_id();
  }
  void BeforeSleep() override {}
  bool AnyReadable() const override {
    ++looking;
    std::this_thread::yield();
    const bool any = arrived_ > 0;
    --looking;
    return any;
  }
  void Arrive() { ++arrived_; }

  std::atomic<int> read = 0;
  int drains = 0;
  std::thread::id last_reader;
  mutable std::atomic<int> looking = 0;
  std::atomic<bool> broken = false;

 private:
  std::atomic<int> arrived_ = 0;
};

class FakeBell final : public Bell {
 public:
  explicit FakeBell(FakeRings& rings) : rings_(rings) {}
  std::uint32_t Prepare() override {
    const std::lock_guard lock(mutex_);
    return word_;
  }
  void Wait(std::uint32_t word, std::chrono::nanoseconds timeout) override {
    std::unique_lock lock(mutex_);
    sleeper_ = std::this_thread::get_id();
    ++sleeps_;
    changed_.notify_all();
    ++rings_.looking;
    // Whoever relies on the end of a long sleep was not woken.
    rung_.wait_for(lock, timeout < ipc::kDoorbellTimeout ? timeout : kLong, [&] { return word_ != word; });
    --rings_.looking;
    sleeper_ = {};
  }
  void Finish() override {}
  void Ring() override {
    const std::lock_guard lock(mutex_);
    ++word_;
    rung_.notify_all();
  }

  // Until some thread sleeps, and which.
  std::thread::id AwaitSleeper() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kLong, [&] { return sleeper_ != std::thread::id(); }));
    return sleeper_;
  }
  int sleeps() {
    const std::lock_guard lock(mutex_);
    return sleeps_;
  }

 private:
  FakeRings& rings_;
  std::mutex mutex_;
  std::condition_variable rung_, changed_;
  std::uint32_t word_ = 0;
  std::thread::id sleeper_;
  int sleeps_ = 0;
};

class RingWatchTest : public testing::Test {
 protected:
  ~RingWatchTest() override {
    StopService();
    EXPECT_FALSE(rings_.broken) << "the rings had two readers";
  }

  void StartService() {
    service_ = std::thread([this] {
      std::unique_lock lock(mutex_);
      watch_.Serve(lock, [this](std::unique_lock<std::mutex>&) {
        ++chores_;
        return more_chores_;
      });
    });
  }
  void StopService() {
    if (!service_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      watch_.Stop();
    }
    service_.join();
  }
  template <class F>
  auto Locked(const F& f) {
    const std::lock_guard lock(mutex_);
    return f();
  }
  struct Wait {
    std::atomic<int> looks = 0;  // at its condition
    std::atomic<bool> done = false;
  };
  // A thread that waits until `frames` have been read.
  std::thread Waiter(int frames, Wait* wait, const SleepHook* hook = nullptr) {
    return std::thread([this, frames, wait, hook] {
      std::unique_lock lock(mutex_);
      wait->done = watch_.WaitUntil(
          lock,
          [&] {
            ++wait->looks;
            return rings_.read >= frames;
          },
          Clock::now() + kLong, hook);
    });
  }
  // Until it waits for the thread that sleeps: having looked in vain, it does not leave the mutex before.
  void AwaitLook(const Wait& wait) {
    while (wait.looks == 0) std::this_thread::yield();
    Locked([] {});
  }
  void Arrive() {
    rings_.Arrive();
    bell_.Ring();
  }

  std::mutex mutex_;
  FakeRings rings_;
  FakeBell bell_{rings_};
  RingWatch watch_{rings_, bell_, 0ns};
  std::thread service_;
  int chores_ = 0;
  bool more_chores_ = false;
};

TEST_F(RingWatchTest, WhatIsThereIsReadWithoutASleep) {
  rings_.Arrive();
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(watch_.WaitUntil(
      lock, [&] { return rings_.read == 1; }, {}, nullptr));
  EXPECT_EQ(rings_.last_reader, std::this_thread::get_id());
  EXPECT_EQ(bell_.sleeps(), 0);
}

TEST_F(RingWatchTest, WhatCannotHoldAnyMoreEndsAtTheDeadline) {
  std::unique_lock lock(mutex_);
  EXPECT_FALSE(watch_.WaitUntil(
      lock, [] { return false; }, Clock::now() + 20ms, nullptr));
  EXPECT_TRUE(lock.owns_lock());
  EXPECT_FALSE(watch_.WaitUntil(
      lock, [] { return false; }, Clock::now() - 1s, nullptr));
}

TEST_F(RingWatchTest, TheFirstWaiterReadsForAllAndAnotherTakesOver) {
  Wait first_wait, second_wait;
  std::thread first = Waiter(1, &first_wait);
  EXPECT_EQ(bell_.AwaitSleeper(), first.get_id());
  std::thread second = Waiter(2, &second_wait);
  AwaitLook(second_wait);
  Arrive();
  first.join();
  EXPECT_TRUE(first_wait.done);
  EXPECT_EQ(bell_.AwaitSleeper(), second.get_id());
  EXPECT_FALSE(second_wait.done);
  Arrive();
  second.join();
  EXPECT_TRUE(second_wait.done);
}

TEST_F(RingWatchTest, AWaiterWhoseConditionTheSleeperBringsAboutLeavesBeforeIt) {
  Wait first_wait, second_wait;
  std::thread first = Waiter(2, &first_wait);
  EXPECT_EQ(bell_.AwaitSleeper(), first.get_id());
  std::thread second = Waiter(1, &second_wait);
  AwaitLook(second_wait);
  Arrive();
  second.join();
  EXPECT_TRUE(second_wait.done);
  EXPECT_FALSE(first_wait.done);
  Arrive();
  first.join();
}

TEST_F(RingWatchTest, AKickMakesWaitersLookAgain) {
  bool holds = false;
  std::atomic<bool> done = false;
  std::thread waiter([&] {
    std::unique_lock lock(mutex_);
    done = watch_.WaitUntil(
        lock, [&] { return holds; }, Clock::now() + kLong, nullptr);
  });
  bell_.AwaitSleeper();
  Locked([&] {
    holds = true;
    watch_.KickWaiting();
  });
  waiter.join();
  EXPECT_TRUE(done);
}

TEST_F(RingWatchTest, TheHookIsToldOnceOfEachWaitThatSleeps) {
  std::vector<bool> told;
  const SleepHook hook = [&](bool sleeping) {
    EXPECT_TRUE(mutex_.try_lock()) << "the mutex is held";
    told.push_back(sleeping);
    mutex_.unlock();
  };
  Wait wait;
  std::thread waiter = Waiter(2, &wait, &hook);
  for (int i = 0; i < 2; ++i) {
    bell_.AwaitSleeper();
    Arrive();
    while (rings_.read <= i) std::this_thread::yield();
  }
  waiter.join();
  EXPECT_EQ(told, (std::vector<bool>{true, false}));
  rings_.Arrive();
  std::unique_lock lock(mutex_);
  watch_.WaitUntil(
      lock, [&] { return rings_.read == 3; }, {}, &hook);
  EXPECT_EQ(told.size(), 2u) << "nobody slept";
}

TEST_F(RingWatchTest, TheServiceThreadReadsWhenNobodyWaits) {
  StartService();
  EXPECT_EQ(bell_.AwaitSleeper(), service_.get_id());
  Arrive();
  while (rings_.read == 0) std::this_thread::yield();
  EXPECT_EQ(Locked([&] { return rings_.last_reader; }), service_.get_id());
  EXPECT_GE(Locked([&] { return chores_; }), 1);
}

TEST_F(RingWatchTest, TheServiceThreadGivesWayToAWaiter) {
  StartService();
  bell_.AwaitSleeper();
  Wait wait;
  std::thread waiter = Waiter(1, &wait);
  while (bell_.AwaitSleeper() != waiter.get_id()) std::this_thread::yield();
  Arrive();
  waiter.join();
  EXPECT_TRUE(wait.done);
}

TEST_F(RingWatchTest, TheServiceThreadWakesForChoresWhileAnotherWaits) {
  StartService();
  Wait wait;
  std::thread waiter = Waiter(1, &wait);
  // It looks less and less, until it sleeps for good.
  int before = -1;
  while (before != Locked([&] { return chores_; })) {
    before = Locked([&] { return chores_; });
    std::this_thread::sleep_for(50ms);
  }
  Locked([&] { watch_.WakeService(); });
  while (Locked([&] { return chores_; }) == before) std::this_thread::yield();
  Arrive();
  waiter.join();
  EXPECT_TRUE(wait.done);
}

TEST_F(RingWatchTest, WhileChoresAreLeftTheServiceThreadKeepsLooking) {
  more_chores_ = true;
  StartService();
  Wait wait;
  std::thread waiter = Waiter(1, &wait);
  while (Locked([&] { return chores_; }) < 40) std::this_thread::yield();
  Arrive();
  waiter.join();
}

TEST_F(RingWatchTest, AThreadThatMakesCallsReadsEverySoOften) {
  rings_.Arrive();
  Locked([&] {
    for (int i = 0; i < 1'000 && rings_.read == 0; ++i) watch_.OnCallMade();
    EXPECT_EQ(rings_.read, 1);
    const int drains = rings_.drains;
    watch_.OnCallMade();
    EXPECT_EQ(rings_.drains, drains) << "not at each call";
  });
}

TEST_F(RingWatchTest, AThreadThatMakesCallsLeavesTheRingsToTheOneThatWaits) {
  Wait wait;
  std::thread waiter = Waiter(1, &wait);
  bell_.AwaitSleeper();
  Locked([&] {
    for (int i = 0; i < 1'000; ++i) watch_.OnCallMade();
  });
  Arrive();
  waiter.join();
  EXPECT_EQ(rings_.last_reader == std::this_thread::get_id(), false);
}

// Many threads that wait, one that answers and one that serves: nobody is forgotten, whatever the order.
TEST_F(RingWatchTest, NoWaiterIsForgotten) {
  StartService();
  constexpr int kThreads = 6, kWaits = 300;
  std::atomic<int> wanted = 0, running = kThreads;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int wait = 0; wait < kWaits; ++wait) {
        const int mine = ++wanted;
        std::unique_lock lock(mutex_);
        ASSERT_TRUE(watch_.WaitUntil(
            lock, [&] { return rings_.read >= mine; }, Clock::now() + kLong, nullptr));
      }
      --running;
    });
  }
  for (int sent = 0; running > 0;) {
    if (sent < wanted) {
      Arrive();
      ++sent;
    } else {
      std::this_thread::yield();
    }
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace troupe::client
