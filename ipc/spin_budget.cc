#include "ipc/spin_budget.h"

#include <sched.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "ipc/futex.h"

namespace troupe::ipc {

namespace {

constexpr int kRounds = 15;
constexpr std::uint32_t kLastRound = ~0U;
// On a machine so busy that the rounds take longer than this, fewer must do.
constexpr std::chrono::milliseconds kMeasuringLimit{5};

// The first processors that this process may run on, at most two. Empty only where there are more processors than the
// set can hold.
std::vector<int> TwoProcessors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::vector<int> found;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return found;
  for (int cpu = 0; cpu < CPU_SETSIZE && found.size() < 2; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) found.push_back(cpu);
  }
  return found;
}

bool SingleProcessor() { return TwoProcessors().size() == 1; }

// Without this the scheduler may put both threads on one processor, where a wake-up costs a tenth.
void RunOn(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  sched_setaffinity(0, sizeof(one), &one);  // when refused, the figure is merely worse
}

// Sleeps until `word` is something else than `old`, and returns it.
std::uint32_t AwaitOtherThan(std::atomic<std::uint32_t>* word, std::uint32_t old) {
  std::uint32_t seen;
  while ((seen = word->load(std::memory_order_acquire)) == old) FutexWait(word, old, std::chrono::milliseconds(10));
  return seen;
}

void Set(std::atomic<std::uint32_t>* word, std::uint32_t value) {
  word->store(value, std::memory_order_release);
  FutexWakeAll(word);
}

}  // namespace

SpinBudget::SpinBudget(std::chrono::nanoseconds full)
    : full_(SingleProcessor() ? std::chrono::nanoseconds::zero()
                              : std::clamp(full, std::chrono::nanoseconds::zero(), kCap)) {}

std::chrono::nanoseconds SpinBudget::MeasureWakeUp() {
  const std::vector<int> processors = TwoProcessors();
  if (processors.size() == 1) return std::chrono::nanoseconds::zero();
  std::atomic<std::uint32_t> ping{0};
  std::atomic<std::uint32_t> pong{0};
  std::thread echo([&] {
    if (processors.size() == 2) RunOn(processors[1]);
    for (std::uint32_t seen = 0; seen != kLastRound;) {
      seen = AwaitOtherThan(&ping, seen);
      Set(&pong, seen);
    }
  });
  std::vector<std::chrono::nanoseconds> one_way;
  std::thread timer([&] {  // not the caller, whose processors are not ours to change
    if (processors.size() == 2) RunOn(processors[0]);
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint32_t round = 1, sent = 0; sent != kLastRound; ++round) {
      const auto start = std::chrono::steady_clock::now();
      sent = round >= kRounds || start - begin > kMeasuringLimit ? kLastRound : round;
      const std::uint32_t before = pong.load(std::memory_order_relaxed);
      Set(&ping, sent);
      AwaitOtherThan(&pong, before);
      one_way.push_back((std::chrono::steady_clock::now() - start) / 2);
    }
  });
  timer.join();
  echo.join();
  const auto median = one_way.begin() + static_cast<std::ptrdiff_t>(one_way.size() / 2);
  std::nth_element(one_way.begin(), median, one_way.end());
  return std::min(*median, kCap);
}

}  // namespace troupe::ipc
