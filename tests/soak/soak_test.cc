// Nothing grows: not with objects that come and go, nor with actors, calls, tasks or jobs. Each workload runs for a
// while to warm up, then again, and what head, raylet, driver and workers take must be the same within small bounds.
//
// Under ctest with small numbers. tests/soak/run has the large ones.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <troupe/troupe.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>

#include "common/session_memory.h"
#include "tests/integration/program.h"
#include "tests/soak/usage.h"

namespace soaked {

class Actor {
 public:
  int One() { return 1; }
  std::string Big(std::size_t size) { return std::string(size, 'b'); }
  std::size_t Take(const std::string& value) { return value.size(); }
  // Faults, for the tests of the checks.
  void HoldDescriptors(int count) {
    for (int i = 0; i < count; ++i) held_.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  void HoldMemory(std::size_t bytes) { memory_.assign(bytes, 'm'); }

 private:
  std::vector<int> held_;
  std::string memory_;
};

int Increment(int x) { return x + 1; }

}  // namespace soaked

TROUPE_ACTOR(soaked::Actor, One, Big, Take, HoldDescriptors, HoldMemory);

namespace troupe::soak {
namespace {

using integration::DriverTest;
using integration::Program;
using integration::RegisterRole;
using soaked::Actor;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::size_t kLarge = 200'000;  // bytes of an object of the store

bool Full() { return std::getenv("TROUPE_SOAK_FULL") != nullptr; }

class SoakTest : public DriverTest {
 protected:
  // `work(n)` does something n times. Fails when the second time leaves more than the first did.
  void Run(int warm_up, int count, const Growth& allowed, const std::function<void(int)>& work) {
    work(warm_up);
    const Usage before = Measure(cluster());
    std::cout << "after " << warm_up << ":\n" << ToText(before);
    work(count);
    Usage after = Measure(cluster());
    // What was unfinished at the end is cleared away within seconds.
    for (int i = 0; i < 20 && !TooMuch(before, after, allowed).empty(); ++i) after = Measure(cluster());
    std::cout << "after " << count << " more:\n" << ToText(after);
    EXPECT_THAT(TooMuch(before, after, allowed), IsEmpty());
  }
};

TEST_F(SoakTest, ObjectsComeAndGo) {
  auto actor = Spawn<Actor>();
  Growth allowed{.memory = 4 * kMiB};
  allowed.shared_memory = 64 * kMiB;  // that the store of 256 MiB keeps warm, or not
  // Half of these are made here and read there, half the other way round. All together they would fill the store many
  // times over; large ones get segments of their own, which are retired.
  const int warm_up = Full() ? 5'000 : 200;
  const int count = Full() ? 100'000 : 1'000;
  Run(warm_up, count, allowed, [&](int n) {
    for (int i = 0; i < n; ++i) {
      const std::size_t size = i % (Full() ? 500 : 50) == 0 ? 20 * kMiB : kLarge;
      EXPECT_EQ(actor.Take(Put(std::string(size, 'x'))).Get(), size);
      EXPECT_EQ(actor.Big(size).Get().size(), size);
    }
  });
}

TEST_F(SoakTest, ActorsAreMadeAndKilled) {
  // The head remembers its last 10 000 dead actors and ended processes.
  const int warm_up = Full() ? 11'000 : 100;
  const int count = Full() ? 20'000 : 300;
  Growth allowed{.memory = 4 * kMiB};
  if (Full()) allowed.file_bytes = 64 * kMiB;
  if (!Full()) allowed.more_memory["head"] = static_cast<std::uint64_t>(count) * 8 * 1024;
  Run(warm_up, count, allowed, [&](int n) {
    for (int i = 0; i < n; ++i) {
      auto actor = Spawn<Actor>();
      if (i % 3 != 0) actor.One().Get();
      if (i % 2 != 0) Kill(actor);
    }
    Spawn<Actor>().One().Get();
  });
}

TEST_F(SoakTest, CallsAndTasks) {
  auto actor = Spawn<Actor>();
  const int warm_up = Full() ? 100'000 : 20'000;
  const int count = Full() ? 1'000'000 : 60'000;
  Growth allowed{.memory = 4 * kMiB};
  Run(warm_up, count, allowed, [&](int n) {
    std::deque<ObjectRef<int>> flight;
    for (int i = 0; i < n; ++i) {
      flight.push_back(i % 20 == 0 ? troupe::Run<&soaked::Increment>(i) : actor.One());
      if (flight.size() < 500) continue;
      flight.front().Get();
      flight.pop_front();
    }
    for (auto& ref : flight) ref.Get();
  });
}

int JoinAndLeave(const std::vector<std::string>& arguments) {
  for (int i = std::stoi(arguments.at(0)); i > 0; --i) {
    Init();
    Spawn<Actor>().One().Get();
    Shutdown();
  }
  return 0;
}
const bool kJoinAndLeave = RegisterRole("join and leave", JoinAndLeave);

TEST_F(SoakTest, JobsComeAndGo) {
  // The raylet remembers its last 1 000 ended jobs, the head 10 000.
  const int warm_up = Full() ? 1'100 : 3;
  const int count = Full() ? 2'000 : 10;
  Growth allowed{.memory = 4 * kMiB};
  if (Full()) allowed.file_bytes = 64 * kMiB;
  allowed.more_memory["head"] = static_cast<std::uint64_t>(count) * 16 * 1024;
  Run(warm_up, count, allowed, [&](int n) {
    for (; n > 0; n -= 50) {
      Program driver = Program::OfRole("join and leave", {std::to_string(std::min(n, 50))});
      EXPECT_EQ(driver.Wait(), 0) << driver.Errors();
    }
  });
}

// Each kind of growth is seen where it is made.
TEST_F(SoakTest, ItsChecksSeeWhatGrows) {
  auto actor = Spawn<Actor>();
  actor.One().Get();
  const Usage before = Measure(cluster());
  EXPECT_THAT(TooMuch(before, Measure(cluster()), {.memory = kMiB}), IsEmpty());

  std::vector<ObjectRef<std::string>> kept;
  for (int i = 0; i < 20; ++i) kept.push_back(Put(std::string(2 * kMiB, 'x')));
  actor.HoldDescriptors(50).Get();
  actor.HoldMemory(30 * kMiB).Get();
  const std::string leak(40 * kMiB, 'y');
  const std::string name = "/" + RegionTag(cluster().session(0).dir) + "-leak-";
  for (int i = 0; i < 20; ++i) close(shm_open((name + std::to_string(i)).c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  const std::string file = cluster().session(0).dir + "/logs/leak-";
  for (int i = 0; i < 20; ++i) std::ofstream(file + std::to_string(i)) << std::string(kMiB, 'z');
  std::vector<ActorHandle<Actor>> more;
  for (int i = 0; i < 6; ++i) more.push_back(Spawn<Actor>());
  for (auto& one : more) one.One().Get();

  std::string seen;
  for (const std::string& line : TooMuch(before, Measure(cluster()), {.memory = 8 * kMiB})) seen += line + "\n";
  for (const char* what :
       {"memory of driver", "memory of workers", "descriptors of workers", "number of workers", "\nshared memory",
        "names of shared memory", "files of sessions", "bytes of session files"}) {
    EXPECT_THAT("\n" + seen, HasSubstr(what));
  }
  for (int i = 0; i < 20; ++i) {
    shm_unlink((name + std::to_string(i)).c_str());
    unlink((file + std::to_string(i)).c_str());
  }
}

}  // namespace
}  // namespace troupe::soak
