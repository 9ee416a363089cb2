// Dice: chance by a seed, the same on every machine.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace troupe::simulation {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t Below(std::uint64_t bound) { return engine_() % bound; }
  bool Chance(std::uint64_t percent) { return Below(100) < percent; }
  std::chrono::nanoseconds Between(std::chrono::milliseconds from, std::chrono::milliseconds to) {
    const std::chrono::microseconds span = to - from;
    return from + std::chrono::microseconds(Below(static_cast<std::uint64_t>(span.count()) + 1));
  }
  template <class Container>
  auto& Pick(Container& from) {
    return from[Below(from.size())];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace troupe::simulation
