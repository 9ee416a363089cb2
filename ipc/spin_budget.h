// SpinBudget: how long a thread looks again and again before it sleeps.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace troupe::ipc {

// Tells the processor that this is a spin loop.
inline void SpinPause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spinning for about the price of one wake-up costs at most twice what the best choice would have, whatever happens
// (the ski-rental bound). When spinning keeps failing, most spins are cut to a sixteenth and every eighth tries in
// full, so that busy machines lose little and a pair that starts to answer fast is found again. Any thread.
class SpinBudget {
 public:
  static constexpr std::chrono::nanoseconds kCap = std::chrono::microseconds(50);

  // `full`: the longest spin, cut to kCap; zero for none, also when this process may run on one processor only.
  explicit SpinBudget(std::chrono::nanoseconds full);

  // What one wake-up between two processors costs here: the median of some, cut to kCap; zero on one processor. Starts
  // two threads and takes 1 to 5 ms, more when the machine is overloaded: measure once per machine, hand the figure on.
  static std::chrono::nanoseconds MeasureWakeUp();

  // Looks at `ready()` until it is true or the budget is spent; returns what it said last. Always looks once.
  template <class Predicate>
  bool SpinUntil(Predicate&& ready);

  std::chrono::nanoseconds full() const { return full_; }

 private:
  static constexpr int kPausesPerClockRead = 16;
  static constexpr std::uint32_t kPatience = 4;

  std::chrono::nanoseconds Allowance() const {
    const std::uint32_t misses = misses_.load(std::memory_order_relaxed);
    return misses < kPatience || misses % 8 == 0 ? full_ : full_ / 16;
  }

  std::chrono::nanoseconds full_;
  // In a row. At first as many as if spinning had long failed: a process that has just begun waits to be told what to
  // do, and takes the processor from whoever is about to tell it.
  std::atomic<std::uint32_t> misses_{kPatience};
};

template <class Predicate>
bool SpinBudget::SpinUntil(Predicate&& ready) {
  if (ready()) return true;
  if (full_ == std::chrono::nanoseconds::zero()) return false;
  const auto deadline = std::chrono::steady_clock::now() + Allowance();
  do {
    for (int i = 0; i < kPausesPerClockRead; ++i) {
      SpinPause();
      if (!ready()) continue;
      if (misses_.load(std::memory_order_relaxed) != 0) misses_.store(0, std::memory_order_relaxed);
      return true;
    }
  } while (std::chrono::steady_clock::now() < deadline);
  misses_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

}  // namespace troupe::ipc
