#include "tests/chaos/workload.h"

#include <troupe/troupe.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/chaos/history.h"
#include "tests/integration/program.h"
#include "tests/integration/wait.h"

namespace troupe::chaos {

// Writes down each call that it runs, and answers with the number that came with it.
class Ledger {
 public:
  explicit Ledger(const std::string& folder, std::string name = "")
      : pen_(std::make_unique<Pen>(folder)), name_(std::move(name)) {}

  std::uint64_t Do(const std::string& call, std::uint64_t number) {
    const RuntimeContext context = GetRuntimeContext();
    const std::string holder = context.actor.Hex() + "#" + std::to_string(context.incarnation);
    pen_->Write(Ran{call, name_, holder, context.incarnation, Now()});
    return number;
  }

 private:
  std::unique_ptr<Pen> pen_;
  std::string name_;
};

// A task that adds up a value of the object store.
std::uint64_t Sum(const std::string& folder, const std::string& call, const std::vector<std::uint32_t>& numbers) {
  Pen(folder).Write(Ran{call, "", "task-" + std::to_string(getpid()) + "-" + std::to_string(Now()), 0, Now()});
  return std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0});
}

}  // namespace troupe::chaos

TROUPE_ACTOR(troupe::chaos::Ledger, Do);

namespace troupe::chaos {
namespace {

using namespace std::chrono_literals;

// Much longer than any fault lasts, and the time that a cluster may take to get over it.
constexpr auto kMustEnd = 60s;
constexpr int kCallsPerBatch = 20;

class Driver {
 public:
  Driver(std::string folder, std::string caller, unsigned seed)
      : folder_(std::move(folder)), caller_(std::move(caller)), random_(seed), pen_(folder_) {}

  // One round of each kind of work.
  void Round() {
    CallOwn(&plain_, "plain", {.max_restarts = -1}, false);
    CallOwn(&retried_, "retried", {.max_restarts = -1, .max_task_retries = -1}, true);
    CallNamed(kNames[Draw(std::size(kNames))]);
    RunTasks();
    if (Draw(8) == 0) plain_.reset();
  }

  // What was called did something that no fault explains.
  int strange() const { return strange_; }
  bool lost_raylet() const { return lost_raylet_; }

 private:
  struct Open {
    std::string call;
    std::uint64_t value;
    ObjectRef<std::uint64_t> result;
  };

  std::size_t Draw(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

  std::string Invoke(const std::string& target, bool retries) {
    const std::uint64_t sequence = ++sequence_;
    std::string call = caller_ + ":" + std::to_string(sequence);
    pen_.Write(Invoked{call, caller_, target, sequence, retries, Now()});
    return call;
  }

  void End(const std::string& call, Ended how, const std::string& why = "") {
    pen_.Write(Returned{call, how, why, Now()});
  }

  void EndBy(const std::string& call, const ErrorInfo& error) {
    if (error.kind == ErrorKind::kConnection) lost_raylet_ = true;
    if (error.kind == ErrorKind::kTimeout) return End(call, Ended::kTimeout, error.message);
    if (error.kind == ErrorKind::kThrew) {
      ++strange_;
      std::fprintf(stderr, "%s: call %s threw: %s\n", caller_.c_str(), call.c_str(), error.message.c_str());
    }
    switch (error.outcome) {
      case Outcome::kNotExecuted: return End(call, Ended::kNotExecuted, error.message);
      case Outcome::kFailed: return End(call, Ended::kFailed, error.message);
      case Outcome::kUnknown: return End(call, Ended::kUnknown, error.message);
    }
  }

  // Makes a call by `make`, which may throw: then it was not sent.
  void Make(std::vector<Open>* open, const std::string& call, std::uint64_t value,
            const std::function<ObjectRef<std::uint64_t>()>& make) {
    try {
      open->push_back({call, value, make()});
    } catch (const Error& error) {
      EndBy(call, error.info());
    }
  }

  // False when one ended because its actor is dead for good.
  bool Collect(const std::vector<Open>& open) {
    bool lives = true;
    for (const Open& call : open) {
      const auto result = call.result.TryGet(kMustEnd);
      if (!result.has_value()) {
        lives = lives && result.error().kind != ErrorKind::kActorDied;
        EndBy(call.call, result.error());
      } else if (*result != call.value) {
        End(call.call, Ended::kWrongValue, std::to_string(*result) + " instead of " + std::to_string(call.value));
      } else {
        End(call.call, Ended::kValue);
      }
    }
    return lives;
  }

  bool Batch(const ActorHandle<Ledger>& actor, const std::string& target, bool retries, int calls) {
    std::vector<Open> open;
    for (int i = 0; i < calls; ++i) {
      const std::string call = Invoke(target, retries);
      Make(&open, call, sequence_, [&] { return actor.Do(call, sequence_); });
    }
    return Collect(open);
  }

  void CallOwn(std::optional<ActorHandle<Ledger>>* actor, const std::string& target, ActorOptions options,
               bool retries) {
    try {
      if (!*actor) *actor = Spawn<Ledger>(std::move(options), folder_, std::string());
    } catch (const Error& error) {
      return Note(error);
    }
    if (!Batch(**actor, target, retries, kCallsPerBatch)) actor->reset();
  }

  // Whoever holds the name: this driver's, another's, or one that is just ending.
  void CallNamed(const std::string& name) {
    try {
      const auto actor = Spawn<Ledger>({.name = name,
                                        .name_space = kNameSpace,
                                        .lifetime = Lifetime::kDetached,
                                        .max_restarts = 2,
                                        .get_if_exists = true},
                                       folder_, name);
      Batch(actor, name, false, 5);
      if (Draw(4) == 0) Kill(actor);
    } catch (const Error& error) {
      Note(error);
    }
  }

  void RunTasks() {
    std::vector<Open> open;
    try {
      std::vector<std::uint32_t> numbers(20'000 + Draw(60'000));
      std::iota(numbers.begin(), numbers.end(), static_cast<std::uint32_t>(Draw(1000)));
      const std::uint64_t sum = std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0});
      const ObjectRef<std::vector<std::uint32_t>> stored = Put(numbers);
      for (int i = 0; i < 4; ++i) {
        const std::string call = Invoke("", true);
        Make(&open, call, sum, [&] { return Run<&Sum>({.max_retries = -1}, folder_, call, stored); });
      }
    } catch (const Error& error) {
      Note(error);
    }
    Collect(open);
  }

  void Note(const Error& error) {
    if (error.info().kind == ErrorKind::kConnection) lost_raylet_ = true;
  }

  std::string folder_;
  std::string caller_;
  std::mt19937 random_;
  Pen pen_;
  std::uint64_t sequence_ = 0;
  int strange_ = 0;
  bool lost_raylet_ = false;
  std::optional<ActorHandle<Ledger>> plain_, retried_;
};

int DriverMain(const std::vector<std::string>& arguments) {
  const std::string& folder = arguments.at(0);
  const std::string& caller = arguments.at(1);
  const std::string& stop = arguments.at(3);
  try {
    Init({.log_to_driver = false});
  } catch (const ConnectionError& error) {  // its raylet was killed meanwhile
    std::fprintf(stderr, "%s: %s\n", caller.c_str(), error.what());
    return 0;
  }
  Driver driver(folder, caller, static_cast<unsigned>(std::stoul(arguments.at(2))));
  while (!driver.lost_raylet() && !std::filesystem::exists(stop)) driver.Round();
  Shutdown();
  return driver.strange() == 0 ? 0 : 1;
}

// A name that is killed is free once its process has ended.
int EndMain(const std::vector<std::string>&) {
  Init({.name_space = kNameSpace});
  const bool ended = integration::Eventually([] {
    const std::vector<NamedActor> actors = ListNamedActors();
    for (const NamedActor& actor : actors) {
      if (const auto handle = TryGetActor<Ledger>(actor.name)) Kill(*handle);
    }
    return actors.empty();
  });
  Shutdown();
  return ended ? 0 : 1;
}

const bool registered =
    integration::RegisterRole(kDriverRole, DriverMain) && integration::RegisterRole(kEndRole, EndMain);

}  // namespace
}  // namespace troupe::chaos
