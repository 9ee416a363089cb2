// What docs/programming-guide.md shows, as one program: each function is a section of it.
#include <troupe/troupe.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

long Square(long x) { return x * x; }

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void Tasks() {
  troupe::ObjectRef<long> nine = troupe::Run<&Square>(3);
  troupe::ObjectRef<long> eighty_one = troupe::Run<&Square>(nine);  // starts when nine has its value
  std::printf("tasks: %ld\n", troupe::Get(eighty_one));

  auto four = troupe::Run([](int x) { return x + 1; }, 3);
  auto gentle = troupe::Run<&Square>({.num_cpus = 0.5, .max_retries = 0}, 5);
  std::printf("tasks: %d %ld\n", four.Get(), gentle.Get());
}

class Account {
 public:
  explicit Account(std::string owner) : owner_(std::move(owner)) {}

  void Deposit(long cents) { balance_ += cents; }
  long Withdraw(long cents) {
    if (cents > balance_) throw std::out_of_range(owner_ + " has only " + std::to_string(balance_) + " cents");
    return balance_ -= cents;
  }
  long Balance() const { return balance_; }

 private:
  std::string owner_;
  long balance_ = 0;
};
TROUPE_ACTOR(Account, Deposit, Withdraw, Balance);

// A task that is given actors.
void Transfer(const troupe::ActorHandle<Account>& from, const troupe::ActorHandle<Account>& to, long cents) {
  troupe::Get(from.Withdraw(cents));
  troupe::Get(to.Deposit(cents));
}

void Actors() {
  auto ada = troupe::Spawn<Account>("Ada");
  auto grace = troupe::Spawn<Account>("Grace");
  troupe::Get(ada.Deposit(100));  // waits, so that it comes before what the task does
  troupe::Get(troupe::Run<&Transfer>(ada, grace, 30));
  auto [left, gained] = troupe::Get(ada.Balance(), grace.Balance());
  std::printf("actors: %ld %ld\n", left, gained);
}

void Refs() {
  auto values = troupe::Put(std::vector<double>(1'000'000, 0.5));  // stored once, for all the tasks below
  std::vector<troupe::ObjectRef<double>> means;
  for (int i = 0; i < 4; ++i) means.push_back(troupe::Run<&Mean>(values));

  auto [ready, pending] = troupe::Wait(means, {.num_returns = 1, .timeout = 10s});
  std::printf("refs: %zu ready, %zu pending\n", ready.size(), pending.size());
  for (double mean : troupe::Get(means)) std::printf("refs: %.1f\n", mean);
}

void Errors() {
  auto account = troupe::Spawn<Account>("Alan");
  try {
    troupe::Get(account.Withdraw(100));
  } catch (const troupe::TaskError& error) {
    std::printf("errors: %s: %s\n", error.remote_type().c_str(), error.remote_message().c_str());
  }

  const troupe::Expected<long> result = account.Withdraw(100).TryGet();
  if (!result) {
    switch (result.error().outcome) {
      case troupe::Outcome::kFailed: std::puts("errors: it ran and failed"); break;
      case troupe::Outcome::kNotExecuted: std::puts("errors: it did not run; send it again"); break;
      case troupe::Outcome::kUnknown: std::puts("errors: it may have run; look before sending it again"); break;
    }
  }
}

struct Reading {
  std::string sensor;
  std::map<std::string, double> values;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(sensor, values);
  }
};

double Hottest(const std::vector<Reading>& readings) {
  double hottest = -273.15;
  for (const Reading& reading : readings) {
    if (auto it = reading.values.find("celsius"); it != reading.values.end() && it->second > hottest) {
      hottest = it->second;
    }
  }
  return hottest;
}

void Serialization() {
  std::vector<Reading> readings = {{"roof", {{"celsius", 31.5}}}, {"cellar", {{"celsius", 12.0}}}};
  std::printf("serialization: %.1f\n", troupe::Get(troupe::Run<&Hottest>(readings)));
}

void Names() {
  auto treasury = troupe::Spawn<Account>(
      {.name = "treasury", .name_space = "bank", .lifetime = troupe::Lifetime::kDetached, .get_if_exists = true},
      "The bank");
  auto same = troupe::GetActor<Account>("treasury", "bank");  // from any program of the cluster
  std::printf("names: %s\n", same == treasury ? "the same actor" : "another actor");

  if (!troupe::TryGetActor<Account>("mint", "bank")) std::puts("names: there is no mint");
  troupe::Kill(treasury);  // a detached actor ends in no other way
}

class Cache {
 public:
  Cache() : restarted_(troupe::GetRuntimeContext().was_restarted) {}

  bool Restarted() const { return restarted_; }
  void Crash() { std::_Exit(1); }

 private:
  bool restarted_;
};
TROUPE_ACTOR(Cache, Restarted, Crash);

void Restarts() {
  auto cache = troupe::Spawn<Cache>({.max_restarts = 3});
  const troupe::Expected<void> crash = cache.Crash().TryGet();
  if (!crash && crash.error().outcome == troupe::Outcome::kUnknown) std::puts("restarts: the outcome is unknown");

  const bool restarted = troupe::Get(cache.With({.max_task_retries = -1}).Restarted());  // waits for the new process
  std::printf("restarts: %s\n", restarted ? "a new incarnation" : "the first incarnation");
}

void Resources() {
  auto packed = troupe::Spawn<Account>({.num_cpus = 0.1}, "Packed");
  auto spread = troupe::Spawn<Account>({.scheduling = troupe::Scheduling::Spread()}, "Spread");
  for (const troupe::NodeInfo& node : troupe::Nodes()) {
    if (!node.alive) continue;
    auto here = troupe::Spawn<Account>({.scheduling = troupe::Scheduling::OnNode(node.id)}, "Local");
    troupe::WaitAlive(here, 30s);
    std::printf("resources: an actor runs on %s\n", node.hostname.c_str());
  }
}

std::vector<int> VisibleGpus() { return troupe::GetRuntimeContext().gpu_ids; }

void Gpus() {
  if (!troupe::ClusterResources().contains("GPU")) return;
  for (int gpu : troupe::Get(troupe::Run<&VisibleGpus>({.num_gpus = 1}))) std::printf("gpus: %d\n", gpu);
}

int main(int argc, char** argv) {
  troupe::Init(argc, argv);
  Tasks();
  Actors();
  Refs();
  Errors();
  Serialization();
  Names();
  Restarts();
  Resources();
  Gpus();
}
