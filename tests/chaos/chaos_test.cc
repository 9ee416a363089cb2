// A minute of SIGKILL and SIGSTOP for workers, raylets and drivers of a cluster under load; then rest, and the audit of
// all that was written down and of all that is left.
//
// CHAOS_SEED (default 1) draws the faults, CHAOS_SECONDS (default 60) is how long they last. The seed repeats the
// sequence of faults, not the interleaving of the processes.
#include <gtest/gtest.h>
#include <signal.h>
#include <troupe/troupe.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <list>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/chaos/census.h"
#include "tests/chaos/checkers.h"
#include "tests/chaos/workload.h"
#include "tests/integration/cluster_fixture.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"
#include "tests/integration/wait.h"

namespace troupe::chaos {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using integration::Cluster;
using integration::Eventually;
using integration::Program;

constexpr int kDrivers = 3;
constexpr auto kWarmUp = 5s;
constexpr auto kFaultEvery = 2s;
constexpr auto kMustEnd = 120s;

unsigned FromEnvironment(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text ? static_cast<unsigned>(std::stoul(text)) : otherwise;
}

class Session {
 public:
  explicit Session(unsigned seed) : random_(seed), cluster_({Node(), Node(), Node()}), history_(cluster_.NewFile()) {
    std::filesystem::create_directory(history_);
    nodes_ = {0, 1, 2};
  }

  // What there is once nothing runs any more but the daemons.
  Census AtRest() {
    EXPECT_EQ(Program::OfRole(kEndRole).Wait(), 0) << "the named actors do not end";
    std::map<pid_t, std::string> daemons;
    daemons.emplace(cluster_.session(0).head->pid, "the head");
    for (const std::size_t node : nodes_) {
      daemons.emplace(cluster_.session(node).node->pid, "the raylet of node " + std::to_string(node));
    }
    Census census;
    Eventually(
        [&] {
          census = Count(cluster_.root(), daemons, SharedMemory());
          std::erase_if(census.others, [](const auto& other) { return IsGuard(other.second); });
          return census.others.empty();
        },
        kMustEnd);
    return census;
  }

  void StartDrivers() {
    for (int i = 0; i < kDrivers; ++i) StartDriver();
  }

  // Draws one fault and injects it; returns what it was.
  std::string Fault() {
    switch (Draw(10)) {
      case 0:
      case 1:
      case 2:
      case 3: return KillWorker();
      case 4:
      case 5: return StopWorker();
      case 6: return KillRaylet();
      case 7: return StopRaylet();
      case 8: return KillDriver();
      default: return StopDriver();
    }
  }

  // Replaces drivers that have lost their raylet; fails on those that met something strange.
  void TendDrivers() {
    for (auto driver = drivers_.begin(); driver != drivers_.end();) {
      if (integration::IsRunning(driver->program.pid())) {
        ++driver;
        continue;
      }
      EXPECT_EQ(driver->program.Wait(), 0) << driver->name << ": " << driver->program.Errors();
      driver = drivers_.erase(driver);
      StartDriver();
    }
  }

  const std::vector<pid_t>& killed_raylets() const { return killed_raylets_; }

  // They end what they have begun, and leave.
  void EndDrivers() {
    std::ofstream(StopFile()) << "stop";
    for (Driver& driver : drivers_) {
      const bool ended = Eventually([&] { return !integration::IsRunning(driver.program.pid()); }, kMustEnd);
      EXPECT_TRUE(ended) << driver.name << " hangs";
      EXPECT_EQ(driver.program.Wait(), 0) << driver.name << ": " << driver.program.Errors();
    }
    drivers_.clear();
    std::filesystem::remove(StopFile());
  }

  // Those that have been stopped for long enough by `now`.
  void ContinueStopped(Clock::time_point now) {
    std::erase_if(stopped_, [now](const auto& entry) {
      if (entry.second > now) return false;
      kill(entry.first, SIGCONT);
      return true;
    });
  }

  History Read() const {
    History history = ReadHistory(history_);
    history.killed = killed_;
    return history;
  }

 private:
  struct Driver {
    std::string name;
    Program program;
  };

  // Of a raylet; it lives as long as that (docs/operations.md), and the fixture counts it at the end.
  static bool IsGuard(const std::string& command) { return command.starts_with("troupe-guard"); }

  static ClusterOptions Node() {
    ClusterOptions options = integration::SmallNode(2);
    options.object_store_memory = std::uint64_t{64} << 20;
    return options;
  }

  std::size_t Draw(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  std::string StopFile() const { return history_ + ".stop"; }

  std::set<std::string> SharedMemory() const {
    std::set<std::string> tags;
    for (const std::size_t node : nodes_) {
      tags.merge(integration::SharedMemoryTags(cluster_.session(node).node->pid));
    }
    return tags;
  }

  void StartDriver() {
    const std::string name = "driver-" + std::to_string(++last_driver_);
    const std::size_t node = nodes_[Draw(nodes_.size())];
    drivers_.push_back({name, Program::OfRole(kDriverRole, {history_, name, std::to_string(Draw(1u << 30)), StopFile()},
                                              {{"TROUPE_ADDRESS", cluster_.session(node).dir}})});
  }

  // Workers and templates, in an order that does not depend on their pids' values.
  std::vector<pid_t> Workers() {
    std::vector<pid_t> workers;
    for (const auto& [pid, command] : integration::ProcessesOf(cluster_.root())) {
      const bool is_daemon =
          command.find("troupe-head") != std::string::npos || command.find("troupe-raylet") != std::string::npos;
      const bool is_driver = std::any_of(drivers_.begin(), drivers_.end(),
                                         [pid = pid](const Driver& d) { return d.program.pid() == pid; });
      if (!is_daemon && !is_driver && !IsGuard(command)) workers.push_back(pid);
    }
    return workers;
  }

  std::string KillWorker() {
    const std::vector<pid_t> workers = Workers();
    const std::size_t drawn = Draw(1000);
    if (workers.empty()) return "no worker to kill";
    const pid_t pid = workers[drawn % workers.size()];
    kill(pid, SIGKILL);
    return "killed worker " + std::to_string(pid);
  }

  std::string StopWorker() {
    const std::vector<pid_t> workers = Workers();
    const std::size_t drawn = Draw(1000);
    if (workers.empty()) return "no worker to stop";
    return Stop(workers[drawn % workers.size()], "worker");
  }

  std::string Stop(pid_t pid, const std::string& what) {
    const auto time = std::chrono::milliseconds(200 + Draw(4'000));
    kill(pid, SIGSTOP);
    stopped_.emplace_back(pid, Clock::now() + time);
    return "stopped " + what + " " + std::to_string(pid) + " for " + std::to_string(time.count()) + " ms";
  }

  // Node 0 has the head's session, and stays.
  std::string KillRaylet() {
    const std::size_t at = 1 + Draw(nodes_.size() - 1);
    const std::size_t node = nodes_[at];
    kill(cluster_.session(node).node->pid, SIGCONT);
    killed_raylets_.push_back(cluster_.session(node).node->pid);
    cluster_.KillRaylet(node);
    nodes_[at] = cluster_.AddNode(Node());
    return "killed the raylet of node " + std::to_string(node) + ", and added node " + std::to_string(nodes_[at]);
  }

  std::string StopRaylet() {
    const std::size_t node = nodes_[Draw(nodes_.size())];
    return Stop(cluster_.session(node).node->pid, "the raylet of node " + std::to_string(node) + ",");
  }

  std::string KillDriver() {
    auto driver = std::next(drivers_.begin(), static_cast<std::ptrdiff_t>(Draw(drivers_.size())));
    const std::string name = driver->name;
    killed_.push_back(name);
    drivers_.erase(driver);  // kills it
    StartDriver();
    return "killed " + name;
  }

  std::string StopDriver() {
    auto driver = std::next(drivers_.begin(), static_cast<std::ptrdiff_t>(Draw(drivers_.size())));
    return Stop(driver->program.pid(), driver->name + ",");
  }

  std::mt19937 random_;
  Cluster cluster_;
  std::string history_;
  std::vector<std::size_t> nodes_;  // that live
  std::list<Driver> drivers_;
  std::vector<std::string> killed_;  // drivers
  std::vector<pid_t> killed_raylets_;
  std::vector<std::pair<pid_t, Clock::time_point>> stopped_;
  int last_driver_ = 0;
};

TEST(Chaos, KillingAndStoppingProcessesLosesNothing) {
  const unsigned seed = FromEnvironment("CHAOS_SEED", 1);
  const std::chrono::seconds length(FromEnvironment("CHAOS_SECONDS", 60));
  std::printf("CHAOS_SEED=%u CHAOS_SECONDS=%lld\n", seed, static_cast<long long>(length.count()));
  Session run(seed);
  run.StartDrivers();
  std::this_thread::sleep_for(kWarmUp);  // under load, for just this long: what caches grow by is no leak
  run.EndDrivers();
  Census before = run.AtRest();

  run.StartDrivers();
  const auto end = Clock::now() + length;
  for (auto next = Clock::now(); Clock::now() < end; std::this_thread::sleep_for(10ms)) {
    run.ContinueStopped(Clock::now());
    run.TendDrivers();
    if (Clock::now() < next) continue;
    std::printf("%s\n", run.Fault().c_str());
    std::fflush(stdout);
    next += kFaultEvery;
  }
  run.ContinueStopped(Clock::time_point::max());
  run.EndDrivers();

  const History history = run.Read();
  std::map<std::string, int> ends;
  for (const Returned& event : history.returned) ++ends[Name(event.how)];
  for (const auto& [how, count] : ends) std::printf("%8d calls: %s\n", count, how.c_str());
  EXPECT_GT(ends[Name(Ended::kValue)], 1000) << "with so little load the run says nothing";
  for (const std::string& violation : CheckAll(history)) ADD_FAILURE() << violation;
  for (const pid_t pid : run.killed_raylets()) before.daemons.erase(pid);
  for (const std::string& growth : Growth(before, run.AtRest(), Allowance())) ADD_FAILURE() << growth;
}

}  // namespace
}  // namespace troupe::chaos
