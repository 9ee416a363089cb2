#include "bench/rows.h"

#include <troupe/troupe.h>

#include <cstdint>

namespace troupe::bench {
class Caller;
class Echo;
}  // namespace troupe::bench

TROUPE_ACTOR(troupe::bench::Echo, Ping);
TROUPE_ACTOR(troupe::bench::Caller, CallAll);

namespace troupe::bench {

// Does nothing, so that what is measured is the way there and back.
class Echo {
 public:
  int Ping(int value) { return value; }
};

// Nothing, as a task.
int Nothing(int value) { return value; }

// The leaves and inner nodes of a tree of tasks: what a task costs that a task waits for.
int Fibonacci(int n) {
  if (n < 2) return n;
  auto a = Run<&Fibonacci>(n - 1), b = Run<&Fibonacci>(n - 2);
  return a.Get() + b.Get();
}

// Calls others on somebody's behalf.
class Caller {
 public:
  explicit Caller(std::vector<ActorHandle<Echo>> targets) : targets_(std::move(targets)) {}
  void CallAll(int each) {
    std::vector<ObjectRef<int>> results;
    for (int i = 0; i < each; ++i) {
      for (auto& target : targets_) results.push_back(target.Ping(i));
    }
    Get(results);
  }

 private:
  std::vector<ActorHandle<Echo>> targets_;
};

namespace {

constexpr int kBatch = 1'000;

std::vector<ActorHandle<Echo>> SpawnEchoes(std::size_t count) {
  std::vector<ActorHandle<Echo>> actors;
  for (std::size_t i = 0; i < count; ++i) actors.push_back(Spawn<Echo>());
  for (auto& actor : actors) WaitAlive(actor);
  return actors;
}

Sample GetCalls(const RowOptions& options) {
  const ObjectRef<int> ref = Put(1);
  return Measure(
      options.seconds, kBatch,
      [&] {
        for (int i = 0; i < kBatch; ++i) Get(ref);
      },
      options.progress);
}

Sample PutCalls(const RowOptions& options) {
  return Measure(
      options.seconds, kBatch,
      [&] {
        for (int i = 0; i < kBatch; ++i) Put(i);
      },
      options.progress);
}

// An operation is 10^9 bytes, put as values of 64 MiB.
Sample PutGigabytes(const RowOptions& options) {
  const std::vector<std::uint8_t> value(64u << 20, 7);
  const Sample puts = Measure(
      options.seconds, 1, [&] { Put(value); }, options.progress);
  Sample gigabytes;
  const double us = 1e6 / (puts.Rate() * static_cast<double>(value.size()) / 1e9);
  gigabytes.Add(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::micro>(us)));
  return gigabytes;
}

// An operation is a list of refs taken apart: of 1 000 calls under way, one wait after another for the next that is
// done.
Sample WaitForEach(const RowOptions& options) {
  auto actor = SpawnEchoes(1).front();
  return Measure(
      options.seconds, 1,
      [&] {
        std::vector<ObjectRef<int>> left;
        for (int i = 0; i < kBatch; ++i) left.push_back(actor.Ping(i));
        while (!left.empty()) left = Wait(std::move(left)).pending;
      },
      options.progress);
}

Sample TasksSync(const RowOptions& options) {
  return Measure(
      options.seconds, 1, [] { Get(Run<&Nothing>(1)); }, options.progress);
}

Sample TasksAsync(const RowOptions& options) {
  return Measure(
      options.seconds, kBatch,
      [] {
        std::vector<ObjectRef<int>> results;
        for (int i = 0; i < kBatch; ++i) results.push_back(Run<&Nothing>(i));
        Get(results);
      },
      options.progress);
}

Sample NestedTasks(const RowOptions& options) {
  constexpr std::size_t kTasks = 177;
  return Measure(
      options.seconds, kTasks, [] { Get(Run<&Fibonacci>(10)); }, options.progress);
}

Sample OneToOneSync(const RowOptions& options) {
  auto actor = SpawnEchoes(1).front();
  return Measure(
      options.seconds, 1, [&] { Get(actor.Ping(1)); }, options.progress);
}

Sample CallAsync(const RowOptions& options, std::size_t count) {
  auto actors = SpawnEchoes(count);
  const auto each = static_cast<std::size_t>(10 * kBatch) / count;
  return Measure(
      options.seconds, each * count,
      [&] {
        std::vector<ObjectRef<int>> results;
        results.reserve(each * count);
        for (std::size_t i = 0; i < each; ++i) {
          for (auto& actor : actors) results.push_back(actor.Ping(static_cast<int>(i)));
        }
        Get(results);
      },
      options.progress);
}

Sample OneToOneAsync(const RowOptions& options) { return CallAsync(options, 1); }
Sample OneToManyAsync(const RowOptions& options) { return CallAsync(options, options.actors); }

Sample ManyToManyAsync(const RowOptions& options) {
  auto targets = SpawnEchoes(options.actors);
  std::vector<ActorHandle<Caller>> callers;
  for (std::size_t i = 0; i < options.actors; ++i) callers.push_back(Spawn<Caller>(targets));
  for (auto& caller : callers) WaitAlive(caller);
  return Measure(
      options.seconds, static_cast<std::size_t>(kBatch) * targets.size() * callers.size(),
      [&] {
        std::vector<ObjectRef<void>> done;
        for (auto& caller : callers) done.push_back(caller.CallAll(kBatch));
        Get(done);
      },
      options.progress);
}

Sample CreationSync(const RowOptions& options) {
  return Measure(
      options.seconds, 1, [] { SpawnEchoes(1); }, options.progress);
}

Sample CreationAsync(const RowOptions& options) {
  constexpr std::size_t kActors = 20;
  return Measure(
      options.seconds, kActors, [] { SpawnEchoes(kActors); }, options.progress);
}

}  // namespace

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"single_client_get_calls", "calls/s", "", GetCalls},
      {"single_client_put_calls", "calls/s", "", PutCalls},
      {"single_client_put_gigabytes", "GB/s", "memcpy_gigabytes", PutGigabytes},
      {"single_client_wait_1k_refs", "lists/s", "", WaitForEach},
      {"single_client_tasks_sync", "tasks/s", "ring_round_trip", TasksSync},
      {"single_client_tasks_async", "tasks/s", "ring_rate", TasksAsync},
      {"nested_tasks", "tasks/s", "", NestedTasks},
      {"1_1_actor_calls_sync", "calls/s", "ring_round_trip", OneToOneSync},
      {"1_1_actor_calls_async", "calls/s", "ring_rate", OneToOneAsync},
      {"1_n_actor_calls_async", "calls/s", "ring_rate", OneToManyAsync},
      {"n_n_actor_calls_async", "calls/s", "ring_rate", ManyToManyAsync},
      {"actor_creation_sync", "actors/s", "fork", CreationSync},
      {"actor_creation_async", "actors/s", "fork", CreationAsync},
  };
  return rows;
}

}  // namespace troupe::bench
