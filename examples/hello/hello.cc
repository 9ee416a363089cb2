// A first program: an actor that counts, and a task that estimates pi.
#include <troupe/troupe.h>

#include <cstdio>
#include <random>
#include <vector>

class Counter {
 public:
  explicit Counter(int start) : count_(start) {}
  int Add(int by) { return count_ += by; }
  int Count() const { return count_; }

 private:
  int count_;
};
TROUPE_ACTOR(Counter, Add, Count);

// How many of `points` random points of the unit square lie in the quarter circle.
long Sample(long points, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit;
  long inside = 0;
  for (long i = 0; i < points; ++i) {
    const double x = unit(random), y = unit(random);
    if (x * x + y * y <= 1) ++inside;
  }
  return inside;
}

int main(int argc, char** argv) {
  troupe::Init(argc, argv);

  auto counter = troupe::Spawn<Counter>(0);     // runs in a process of its own
  troupe::ObjectRef<int> sum = counter.Add(1);  // returns at once
  std::printf("count: %d\n", troupe::Get(counter.Add(2)));
  std::printf("first: %d\n", sum.Get());

  constexpr long kPoints = 1'000'000;
  std::vector<troupe::ObjectRef<long>> samples;
  for (unsigned seed = 0; seed < 8; ++seed) samples.push_back(troupe::Run<&Sample>(kPoints, seed));
  long inside = 0;
  for (long count : troupe::Get(samples)) inside += count;
  std::printf("pi: %.3f\n", 4.0 * static_cast<double>(inside) / (8 * kPoints));
}
