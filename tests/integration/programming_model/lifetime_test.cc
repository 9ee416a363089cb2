// Which actors live for how long: names, detached ones, handles, Kill, Terminate, ExitActor, restarts and retries.
#include <signal.h>
#include <troupe/troupe.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/processes.h"
#include "tests/integration/program.h"
#include "tests/integration/programming_model/suite.h"

namespace lifetime {

// Leaves marks in a file, which outlive it.
class Mortal {
 public:
  explicit Mortal(std::string file = "") : file_(std::move(file)) { Note("made\n"); }
  ~Mortal() { Note("destroyed\n"); }
  int Pid() const { return getpid(); }
  int Count() { return ++count_; }
  void Note(const std::string& line) {
    if (!file_.empty()) std::ofstream(file_, std::ios::app) << line;
  }
  void Leave() { troupe::ExitActor(); }
  void Crash() { _exit(3); }
  // Crashes the first time; the mark in the file tells.
  int CrashOnce() {
    std::ifstream seen(file_ + ".seen");
    if (!seen) {
      std::ofstream(file_ + ".seen") << "x";
      _exit(3);
    }
    return 5;
  }
  void Throw() { Note("threw\n"), throw std::runtime_error("thrown"); }
  std::pair<std::uint64_t, bool> Incarnation() const {
    const troupe::RuntimeContext context = troupe::GetRuntimeContext();
    return {context.incarnation, context.was_restarted};
  }
  std::string Blob(std::size_t size) const { return std::string(size, 'b'); }
  std::string Name() const { return troupe::GetRuntimeContext().actor_name; }
  void WaitFor(const std::string& path) const {
    troupe::integration::Eventually([&] { return access(path.c_str(), F_OK) == 0; });
  }

 private:
  std::string file_;
  int count_ = 0;
};

// Made from values that no message holds: one given as it is, one as a ref.
class Heir {
 public:
  Heir(std::string large, std::string ref) : large_(std::move(large)), ref_(std::move(ref)) {}
  std::pair<std::size_t, std::size_t> Sizes() const { return {large_.size(), ref_.size()}; }
  void Crash() { _exit(3); }

 private:
  std::string large_;
  std::string ref_;
};

}  // namespace lifetime

TROUPE_ACTOR(lifetime::Heir, Sizes, Crash);
TROUPE_ACTOR(lifetime::Mortal, Pid, Count, Note, Leave, Crash, CrashOnce, Throw, Incarnation, Blob, Name, WaitFor);

namespace lifetime {

// Has a child, and an object that a task of its own has put.
class Mother {
 public:
  Mother()
      : child_(troupe::Spawn<Mortal>()), kept_(troupe::Run([] { return troupe::Put(std::string("kept")); }).Get()) {}
  int Pid() const { return getpid(); }
  int ChildPid() const { return child_.Pid().Get(); }
  int TaskPid() const {
    return troupe::Run([] { return static_cast<int>(getpid()); }).Get();
  }
  std::string Kept() const { return kept_.Get(); }

 private:
  troupe::ActorHandle<Mortal> child_;
  troupe::ObjectRef<std::string> kept_;
};

}  // namespace lifetime

TROUPE_ACTOR(lifetime::Mother, Pid, ChildPid, TaskPid, Kept);

namespace troupe::integration {
namespace {

using lifetime::Heir;
using lifetime::Mortal;
using lifetime::Mother;

class Lifetimes : public ModelTest {
 protected:
  static std::string File() { return cluster().NewFile(); }
  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

bool IsListed(const std::string& name, bool all_namespaces = false) {
  const std::vector<NamedActor> actors = ListNamedActors(all_namespaces);
  return std::any_of(actors.begin(), actors.end(), [&](const NamedActor& actor) { return actor.name == name; });
}

TEST_F(Lifetimes, ANamedActorIsFoundByItsName) {
  auto actor = Spawn<Mortal>({.name = "found"});
  auto same = GetActor<Mortal>("found");
  EXPECT_EQ(same, actor);
  EXPECT_EQ(actor.Count().Get(kDeadline), 1);
  EXPECT_EQ(same.Count().Get(kDeadline), 2);
  EXPECT_EQ(same.Name().Get(kDeadline), "found");
  EXPECT_TRUE(IsListed("found"));
  EXPECT_THROW(GetActor<Mortal>("not-there"), ActorDiedError);
  EXPECT_FALSE(TryGetActor<Mortal>("not-there").has_value());
}

TEST_F(Lifetimes, ANameIsTakenOnce) {
  auto actor = Spawn<Mortal>({.name = "once"});
  EXPECT_THROW(Spawn<Mortal>({.name = "once"}), RefusedError);
  auto same = Spawn<Mortal>({.name = "once", .get_if_exists = true});
  EXPECT_EQ(same.id(), actor.id());
  auto elsewhere = Spawn<Mortal>({.name = "once", .name_space = "other"});
  EXPECT_NE(elsewhere.id(), actor.id());
  EXPECT_EQ(GetActor<Mortal>("once", "other"), elsewhere);
  EXPECT_EQ(elsewhere.Count().Get(kDeadline), 1);
}

TEST_F(Lifetimes, NamesAreTextInAnyLanguage) {
  for (const char* name : {"two words", "semi;colon", "Z\u00e4hler", "\u30ab\u30a6\u30f3\u30bf 1", " "}) {
    auto actor = Spawn<Mortal>({.name = name, .name_space = "Werk S\u00fcd"});
    EXPECT_EQ(GetActor<Mortal>(name, "Werk S\u00fcd"), actor) << name;
    EXPECT_EQ(actor.Name().Get(kDeadline), name);
    EXPECT_TRUE(IsListed(name, /*all_namespaces=*/true)) << name;
    EXPECT_EQ(Spawn<Mortal>({.name = name, .name_space = "Werk S\u00fcd", .get_if_exists = true}), actor) << name;
  }
}

TEST_F(Lifetimes, NamesThatAreNoneAreRefusedAtOnce) {
  for (const std::string& name : {std::string("line\nbreak"), std::string("\x01"), std::string("Z\xe4hler"),
                                  std::string("a\0b", 3), std::string(100'000, 'x')}) {
    EXPECT_THROW(Spawn<Mortal>({.name = name}), UsageError) << name.substr(0, 20);
    EXPECT_THROW(Spawn<Mortal>({.name = "fine", .name_space = name}), UsageError) << name.substr(0, 20);
    EXPECT_THROW(GetActor<Mortal>(name), UsageError) << name.substr(0, 20);
    EXPECT_THROW(GetActor<Mortal>("fine", name), UsageError) << name.substr(0, 20);
  }
  EXPECT_THROW(GetActor<Mortal>(""), UsageError);
}

TEST_F(Lifetimes, GetIfExistsNeedsAName) {
  try {
    Spawn<Mortal>({.get_if_exists = true});
    FAIL() << "no exception";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("give .name"), std::string::npos) << error.what();
  }
}

// The name of an actor that ends leads to it until it has ended; nobody should be given it then.
TEST_F(Lifetimes, AnActorThatIsDroppedGivesItsNameToTheNext) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Spawn<Mortal>({.name = "next", .get_if_exists = true}).Count().Get(kDeadline), 1);
  }
}

TEST_F(Lifetimes, ThreadsThatShareAnActorByItsNameAlwaysGetALivingOne) {
  constexpr int kThreads = 4, kRounds = 40;
  std::vector<std::string> errors(kThreads);
  std::vector<std::thread> threads;
  for (std::string& error : errors) {
    threads.emplace_back([&error] {
      try {
        for (int i = 0; i < kRounds; ++i) {
          Spawn<Mortal>({.name = "shared", .get_if_exists = true}).Count().Get(kDeadline);
        }
      } catch (const Error& thrown) {
        error = thrown.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& error : errors) EXPECT_EQ(error, "");
}

// Each call ends, whoever looks for whom when.
TEST_F(Lifetimes, ThreadsThatLookForAnActorWhichIsKilledAreTold) {
  for (int round = 0; round < 5; ++round) {
    const std::string name = "prey" + std::to_string(round), file = File();
    const int pid = Spawn<Mortal>({.name = name, .lifetime = Lifetime::kDetached}).Pid().Get(kDeadline);
    std::vector<std::string> errors(4);
    std::vector<std::thread> threads;
    for (std::string& error : errors) {
      threads.emplace_back([&error, &name, &file] {
        try {
          for (int i = 0; i < 20; ++i) GetActor<Mortal>(name).Count().Get(kDeadline);
          GetActor<Mortal>(name).WaitFor(file).Get(kDeadline);
        } catch (const ActorDiedError&) {
        } catch (const Error& thrown) {
          error = thrown.what();
        }
      });
    }
    kill(pid, SIGKILL);
    for (std::thread& thread : threads) thread.join();
    for (const std::string& error : errors) EXPECT_EQ(error, "");
  }
}

TEST_F(Lifetimes, AKilledActorGivesItsNameBack) {
  auto first = Spawn<Mortal>({.name = "reused"});
  const int pid = first.Pid().Get(kDeadline);
  Kill(first);
  EXPECT_TRUE(WaitGone(pid));
  EXPECT_TRUE(Eventually([] { return !IsListed("reused"); }));
  auto second = Spawn<Mortal>({.name = "reused"});
  EXPECT_EQ(second.Count().Get(kDeadline), 1);
}

TEST_F(Lifetimes, AnAnonymousActorEndsWithItsLastHandle) {
  const std::string file = File();
  auto actor = Spawn<Mortal>(file);
  const int pid = actor.Pid().Get(kDeadline);
  auto copy = actor;
  actor = {};
  EXPECT_EQ(copy.Count().Get(kDeadline), 1);
  auto last_call = copy.Count();
  copy = {};
  EXPECT_EQ(last_call.Get(kDeadline), 2);
  EXPECT_TRUE(WaitGone(pid));
  EXPECT_EQ(Read(file), "made\ndestroyed\n");
}

TEST_F(Lifetimes, TerminateRunsWhatIsQueuedAndTheDestructor) {
  const std::string file = File();
  auto actor = Spawn<Mortal>(file);
  const int pid = actor.Pid().Get(kDeadline);
  std::vector<ObjectRef<int>> counts;
  for (int i = 0; i < 50; ++i) counts.push_back(actor.Count());
  Terminate(actor);
  EXPECT_EQ(Get(counts, kDeadline).back(), 50);
  EXPECT_TRUE(WaitGone(pid));
  EXPECT_EQ(Read(file), "made\ndestroyed\n");
  EXPECT_THROW(actor.Count().Get(kDeadline), ActorDiedError);
}

TEST_F(Lifetimes, EveryReplyBeforeTheEndArrives) {
  auto actor = Spawn<Mortal>();
  WaitAlive(actor, kDeadline);
  std::vector<ObjectRef<std::string>> blobs;  // more than the rings between the two can hold
  for (int i = 0; i < 200; ++i) blobs.push_back(actor.Blob(std::size_t{60'000}));
  Terminate(actor);
  for (const std::string& blob : Get(blobs, kDeadline)) EXPECT_EQ(blob.size(), 60'000U);
}

TEST_F(Lifetimes, KillEndsWhatRunsWithAnUnknownOutcome) {
  auto actor = Spawn<Mortal>();
  const int pid = actor.Pid().Get(kDeadline);
  auto running = actor.WaitFor("/there is no such file");
  Kill(actor);
  const auto result = running.TryGet(kDeadline);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kActorDied) << result.error().message;
  EXPECT_TRUE(WaitGone(pid));
  const auto later = actor.Count().TryGet(kDeadline);
  ASSERT_FALSE(later.has_value());
  EXPECT_EQ(later.error().kind, ErrorKind::kActorDied);
  EXPECT_EQ(later.error().outcome, Outcome::kNotExecuted);
}

TEST_F(Lifetimes, ExitActorEndsItForGood) {
  const std::string file = File();
  auto actor = Spawn<Mortal>({.max_restarts = -1}, file);
  const int pid = actor.Pid().Get(kDeadline);
  const auto left = actor.Leave().TryGet(kDeadline);
  ASSERT_FALSE(left.has_value());
  EXPECT_EQ(left.error().kind, ErrorKind::kActorDied);
  EXPECT_TRUE(WaitGone(pid));
  EXPECT_THROW(actor.Count().Get(kDeadline), ActorDiedError);
  EXPECT_EQ(Read(file), "made\ndestroyed\n");
}

TEST_F(Lifetimes, ARestartRunsTheConstructorAgain) {
  const std::string file = File();
  auto actor = Spawn<Mortal>({.max_restarts = 1}, file);
  EXPECT_EQ(actor.Incarnation().Get(kDeadline), (std::pair<std::uint64_t, bool>(1, false)));
  EXPECT_EQ(actor.Count().Get(kDeadline), 1);
  const int pid = actor.Pid().Get(kDeadline);
  const auto crash = actor.Crash().TryGet(kDeadline);
  ASSERT_FALSE(crash.has_value());
  EXPECT_EQ(crash.error().kind, ErrorKind::kActorDied);
  EXPECT_EQ(crash.error().outcome, Outcome::kUnknown);
  EXPECT_EQ(actor.Incarnation().Get(kDeadline), (std::pair<std::uint64_t, bool>(2, true)));
  EXPECT_EQ(actor.Count().Get(kDeadline), 1);
  EXPECT_NE(actor.Pid().Get(kDeadline), pid);
  EXPECT_EQ(Read(file), "made\nmade\n");
  EXPECT_FALSE(actor.Crash().TryGet(kDeadline).has_value());
  const auto after = actor.Count().TryGet(kDeadline);
  ASSERT_FALSE(after.has_value()) << "it has used its one restart";
  EXPECT_EQ(after.error().kind, ErrorKind::kActorDied);
}

TEST_F(Lifetimes, KillWithRestartUsesTheBudget) {
  auto actor = Spawn<Mortal>({.max_restarts = 1});
  const int pid = actor.Pid().Get(kDeadline);
  Kill(actor, /*no_restart=*/false);
  EXPECT_TRUE(WaitGone(pid));
  // That the process is gone may not be known here yet; the call would end with an unknown outcome.
  EXPECT_EQ(actor.With({.max_task_retries = -1}).Incarnation().Get(kDeadline).first, 2U);
}

TEST_F(Lifetimes, ACallWithRetriesSurvivesItsActorsCrash) {
  auto actor = Spawn<Mortal>({.max_restarts = -1, .max_task_retries = 1}, File());
  EXPECT_EQ(actor.CrashOnce().Get(kDeadline), 5);
  auto other = Spawn<Mortal>({.max_restarts = -1}, File());
  EXPECT_EQ(other.With({.max_task_retries = -1}).CrashOnce().Get(kDeadline), 5);
}

TEST_F(Lifetimes, ExceptionsOfTheApplicationAreNotRetried) {
  const std::string file = File();
  auto actor = Spawn<Mortal>({.max_restarts = -1, .max_task_retries = -1}, file);
  EXPECT_THROW(actor.Throw().Get(kDeadline), TaskError);
  EXPECT_EQ(actor.Count().Get(kDeadline), 1);
  EXPECT_EQ(Read(file), "made\nthrew\n");
}

TEST_F(Lifetimes, AFullMailboxRefusesWhenAsked) {
  const std::string gate = File();
  auto actor = Spawn<Mortal>({.max_pending_calls = 3});
  WaitAlive(actor, kDeadline);
  std::vector<ObjectRef<void>> calls;
  for (int i = 0; i < 8; ++i) calls.push_back(actor.WaitFor(gate));
  EXPECT_EQ(Wait(calls, {.num_returns = 4, .timeout = kDeadline}).ready.size(), 4U);  // one runs, three wait
  std::ofstream{gate};
  int refused = 0;
  for (auto& call : calls) {
    const auto result = call.TryGet(kDeadline);
    if (result) continue;
    EXPECT_EQ(result.error().kind, ErrorKind::kRefused) << result.error().message;
    EXPECT_EQ(result.error().outcome, Outcome::kNotExecuted);
    ++refused;
  }
  EXPECT_GE(refused, 4);
  EXPECT_LE(refused, 5);
}

// --- A second driver ---------------------------------------------------------------------------------------------

int MakeDetached(const std::vector<std::string>& arguments) {
  Init({.name_space = "shared"});
  auto detached = Spawn<Mortal>({.name = arguments.at(0), .lifetime = Lifetime::kDetached});
  auto scoped = Spawn<Mortal>({.name = arguments.at(0) + "-scoped"});
  detached.Count().Get();
  std::printf("%d %d\n", detached.Pid().Get(), scoped.Pid().Get());
  return 0;
}
const bool kMakeDetached = RegisterRole("make detached", MakeDetached);

int FindDetached(const std::vector<std::string>& arguments) {
  Init({.name_space = "shared"});
  std::printf("count %d\n", GetActor<Mortal>(arguments.at(0)).Count().Get());
  return 0;
}
const bool kFindDetached = RegisterRole("find detached", FindDetached);

TEST_F(Lifetimes, ADetachedActorSurvivesItsCreatorAndServesAnotherProgram) {
  Program maker = Program::OfRole("make detached", {"service"});
  ASSERT_EQ(maker.Wait(), 0) << maker.Errors();
  int detached = 0, scoped = 0;
  ASSERT_EQ(std::sscanf(maker.Output().c_str(), "%d %d", &detached, &scoped), 2) << maker.Output();
  EXPECT_TRUE(WaitGone(scoped));
  EXPECT_FALSE(TryGetActor<Mortal>("service").has_value()) << "this program has another namespace";
  EXPECT_TRUE(IsListed("service", /*all_namespaces=*/true));
  for (int i = 2; i < 4; ++i) {
    Program finder = Program::OfRole("find detached", {"service"});
    EXPECT_EQ(finder.Wait(), 0) << finder.Errors();
    EXPECT_EQ(finder.Output(), "count " + std::to_string(i) + "\n");
  }
  auto actor = GetActor<Mortal>("service", "shared");
  EXPECT_EQ(actor.Pid().Get(kDeadline), detached);
  EXPECT_TRUE(IsRunning(detached));
  Kill(actor);
  EXPECT_TRUE(WaitGone(detached));
}

std::string LargeText(std::size_t size) { return std::string(size, 't'); }

int MakeHeir(const std::vector<std::string>&) {
  Init({.name_space = "shared"});
  auto ref = Run<&LargeText>(std::size_t{300'000});
  auto heir = Spawn<Heir>({.name = "heir", .lifetime = Lifetime::kDetached, .max_restarts = -1},
                          std::string(1'000'000, 'x'), ref);
  heir.Sizes().Get();
  try {
    Spawn<Heir>({.name = "rich-heir", .lifetime = Lifetime::kDetached, .max_restarts = 1}, std::string(9'000'000, 'x'),
                ref);
  } catch (const UsageError& error) {
    std::printf("%s\n", error.what());
  }
  auto once = Spawn<Heir>({.name = "rich-once", .lifetime = Lifetime::kDetached}, std::string(9'000'000, 'x'), ref);
  std::printf("%zu\n", once.Sizes().Get().first);
  Kill(once);
  return 0;
}
const bool kMakeHeir = RegisterRole("make heir", MakeHeir);

TEST_F(Lifetimes, ADetachedActorRestartsFromLargeArgumentsAfterItsCreatorHasGone) {
  Program maker = Program::OfRole("make heir");
  ASSERT_EQ(maker.Wait(), 0) << maker.Errors();
  EXPECT_NE(maker.Output().find("of a detached actor that may restart at most"), std::string::npos) << maker.Output();
  EXPECT_NE(maker.Output().find("\n9000000\n"), std::string::npos) << maker.Output();
  auto heir = GetActor<Heir>("heir", "shared");
  EXPECT_FALSE(heir.Crash().TryGet(kDeadline).has_value());
  const auto sizes = heir.With({.max_task_retries = -1}).Sizes().Get(kDeadline);
  EXPECT_EQ(sizes, std::pair(std::size_t{1'000'000}, std::size_t{300'000}));
  Kill(heir);
}

int MakeMother(const std::vector<std::string>&) {
  Init({.name_space = "shared"});
  auto mother = Spawn<Mother>({.name = "mother", .lifetime = Lifetime::kDetached});
  auto scoped = Spawn<Mortal>();
  std::printf("%d %d %d\n", mother.Pid().Get(), mother.ChildPid().Get(), scoped.Pid().Get());
  return 0;
}
const bool kMakeMother = RegisterRole("make mother", MakeMother);

TEST_F(Lifetimes, WhatADetachedActorMadeOutlivesTheJobWithIt) {
  Program maker = Program::OfRole("make mother");
  ASSERT_EQ(maker.Wait(), 0) << maker.Errors();
  int mother = 0, child = 0, scoped = 0;
  ASSERT_EQ(std::sscanf(maker.Output().c_str(), "%d %d %d", &mother, &child, &scoped), 3) << maker.Output();
  EXPECT_TRUE(WaitGone(scoped)) << "the job has ended";
  auto actor = GetActor<Mother>("mother", "shared");
  EXPECT_EQ(actor.ChildPid().Get(kDeadline), child);
  EXPECT_EQ(actor.Kept().Get(kDeadline), "kept");
  const int worker = actor.TaskPid().Get(kDeadline);
  Kill(actor);
  for (const int pid : {mother, child, worker}) EXPECT_TRUE(WaitGone(pid)) << "nothing needs it any more";
}

// Two jobs, one after the other, in one process; says what uses of what is left of the first come to.
int UseWhatIsOver(const std::vector<std::string>&) {
  Init();
  auto actor = Spawn<Mortal>();
  ObjectRef<int> call = actor.Count(), unanswered = actor.Count();
  call.Get();
  auto put = Put(5);
  Shutdown();
  Init();
  auto fresh = Spawn<Mortal>();
  const auto said = [](const char* use, const auto& work) {
    try {
      work();
      std::printf("%s: no error\n", use);
    } catch (const UsageError& error) {
      std::printf("%s: %s\n", use, error.what());
    } catch (const Error& error) {
      std::printf("%s: another error: %s\n", use, error.what());
    }
  };
  said("Get", [&] { call.Get(); });
  said("TryGet", [&] { (void)unanswered.TryGet(kDeadline); });
  said("Wait", [&] { Wait(std::vector{put}); });
  said("call", [&] { actor.Count(); });
  said("argument", [&] { fresh.Blob(troupe::Run([](int x) { return static_cast<std::size_t>(x); }, put)); });
  said("inside", [&] { Put(std::vector{put}); });
  said("handle inside", [&] { Put(std::vector{actor}); });
  said("Kill", [&] { Kill(actor); });
  said("Terminate", [&] { Terminate(actor); });
  said("WaitAlive", [&] { WaitAlive(actor); });
  std::printf("fresh: %d\n", fresh.Count().Get());
  return 0;
}
const bool kUseWhatIsOver = RegisterRole("use what is over", UseWhatIsOver);

TEST_F(Lifetimes, RefsAndHandlesOfAJobThatHasEndedSaySo) {
  Program driver = Program::OfRole("use what is over");
  ASSERT_EQ(driver.Wait(), 0) << driver.Output() << driver.Errors();
  const std::string output = driver.Output();
  const std::string of_ref = "this ObjectRef is of a job that has ended";
  const std::string of_handle = "lifetime::Mortal: this ActorHandle is of a job that has ended";
  for (const char* use : {"Get", "TryGet", "Wait", "argument", "inside"}) {
    EXPECT_NE(output.find(std::string(use) + ": " + of_ref), std::string::npos) << use << "\n" << output;
  }
  for (const char* use : {"call", "handle inside", "Kill", "Terminate", "WaitAlive"}) {
    EXPECT_NE(output.find(std::string(use) + ": " + of_handle), std::string::npos) << use << "\n" << output;
  }
  EXPECT_NE(output.find("\nfresh: 1\n"), std::string::npos) << output;
}

int DropFailures(const std::vector<std::string>&) {
  Init();
  auto actor = Spawn<Mortal>();
  for (int i = 0; i < 3; ++i) actor.Throw();
  (void)actor.Throw().TryGet();  // heard of, and the others have ended before it
  return 0;
}
const bool kDropFailures = RegisterRole("drop failures", DropFailures);

TEST_F(Lifetimes, AFailureWhoseRefIsDroppedIsToldOnce) {
  Program driver = Program::OfRole("drop failures");
  ASSERT_EQ(driver.Wait(), 0) << driver.Errors();
  const std::string errors = driver.Errors();
  const std::size_t first = errors.find("threw std::runtime_error: thrown");
  ASSERT_NE(first, std::string::npos) << errors;
  EXPECT_NE(errors.find("lifetime::Mortal::Throw"), std::string::npos) << errors;
  EXPECT_EQ(errors.find("threw std::runtime_error: thrown", first + 1), std::string::npos) << errors;
}

int HoldActors(const std::vector<std::string>&) {
  Init();
  auto actor = Spawn<Mortal>();
  std::printf("%d ready\n", actor.Pid().Get());
  std::fflush(stdout);
  actor.WaitFor("/there is no such file").Get();
  return 0;
}
const bool kHoldActors = RegisterRole("hold actors", HoldActors);

TEST_F(Lifetimes, ActorsEndWithAKilledDriver) {
  Program driver = Program::OfRole("hold actors");
  ASSERT_TRUE(driver.WaitForOutput("ready")) << driver.Errors();
  int pid = 0;
  ASSERT_EQ(std::sscanf(driver.Output().c_str(), "%d", &pid), 1);
  EXPECT_TRUE(IsRunning(pid));
  driver.Signal(SIGKILL);
  EXPECT_EQ(driver.Wait(), 128 + SIGKILL);
  EXPECT_TRUE(WaitGone(pid));
}

}  // namespace
}  // namespace troupe::integration
