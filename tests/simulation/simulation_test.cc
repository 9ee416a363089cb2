// A cluster in a simulated world, by seeds. `simulation_test --seeds=1000 --first-seed=7` (before or instead of what
// GoogleTest takes) runs others; a seed that fails prints what is broken and what happened last.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/simulation/world.h"

namespace troupe::simulation {
namespace {

std::uint64_t first_seed = 1;
std::uint64_t seeds = 300;

TEST(SimulationTest, HoldsItsPromisesByEverySeed) {
  int failed = 0;
  std::uint64_t events = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + seeds && failed < 5; ++seed) {
    World world({.seed = seed});
    world.Run();
    events += world.trace().events();
    if (world.trace().broken().empty()) continue;
    ++failed;
    ADD_FAILURE() << "seed " << seed << "\n" << world.trace().Story();
  }
  EXPECT_GT(events, seeds * 100) << "something happens in it";
}

TEST(SimulationTest, DoesTheSameForTheSameSeed) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    World one({.seed = seed});
    one.Run();
    World again({.seed = seed});
    again.Run();
    EXPECT_EQ(one.trace().hash(), again.trace().hash()) << "seed " << seed;
    EXPECT_EQ(one.trace().events(), again.trace().events()) << "seed " << seed;
  }
}

// --- Negative controls: what is broken on purpose is found -----------------------------------------------------------

// What a few seeds find broken, all together.
std::string Found(Fault fault) {
  std::string found;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    World world({.seed = seed, .fault = fault});
    world.Run();
    for (const std::string& promise : world.trace().broken()) found += promise + "; ";
  }
  return found;
}

using ::testing::HasSubstr;

TEST(SimulationControlTest, FindsAnActorThatIsStartedTwice) {
  EXPECT_THAT(Found(Fault::kStartTwice), HasSubstr("one process"));
}

TEST(SimulationControlTest, FindsAProcessThatLivesOn) {
  const std::string found = Found(Fault::kKeepKilled);
  EXPECT_THAT(found, HasSubstr("one holder"));
  EXPECT_THAT(found, HasSubstr("dead is dead"));
}

TEST(SimulationControlTest, FindsAnAnswerThatIsLost) { EXPECT_THAT(Found(Fault::kDropReply), HasSubstr("answered;")); }

TEST(SimulationControlTest, FindsAnAnswerThatComesTwice) {
  EXPECT_THAT(Found(Fault::kReplyTwice), HasSubstr("answered once"));
}

TEST(SimulationControlTest, FindsWhatTheEndOfAWorkerWouldFree) {
  const std::string found = Found(Fault::kHideExit);
  EXPECT_THAT(found, HasSubstr("resources come back"));
  EXPECT_THAT(found, HasSubstr("alive is alive"));
}

TEST(SimulationControlTest, FindsAnActorThatOutlivesItsJob) {
  EXPECT_THAT(Found(Fault::kDropStop), HasSubstr("nothing lives on"));
}

TEST(SimulationControlTest, FindsALeaseThatIsNotGranted) {
  EXPECT_THAT(Found(Fault::kDropGrant), HasSubstr("leases are granted"));
}

TEST(SimulationControlTest, FindsAnActorThatIsNotStarted) {
  EXPECT_THAT(Found(Fault::kDropStart), HasSubstr("alive again"));
}

TEST(SimulationControlTest, FindsADeathThatIsNotTold) {
  EXPECT_THAT(Found(Fault::kHideDeath), HasSubstr("deaths are known"));
}

TEST(SimulationControlTest, FindsADeathThatIsToldToWhomItDoesNotConcern) {
  EXPECT_THAT(Found(Fault::kTellAll), HasSubstr("told by interest"));
}

TEST(SimulationControlTest, FindsRecordsThatAreLeft) {
  EXPECT_THAT(Found(Fault::kKeepDriver), HasSubstr("nothing is left"));
}

TEST(SimulationControlTest, FindsChanceThatHasNoSeed) {
  World one({.seed = 1, .fault = Fault::kUnseededChance});
  one.Run();
  World again({.seed = 1, .fault = Fault::kUnseededChance});
  again.Run();
  EXPECT_NE(one.trace().hash(), again.trace().hash());
}

}  // namespace
}  // namespace troupe::simulation

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--seeds=")) troupe::simulation::seeds = std::stoull(argument.substr(8));
    if (argument.starts_with("--first-seed=")) troupe::simulation::first_seed = std::stoull(argument.substr(13));
  }
  spdlog::set_level(std::getenv("SIMULATION_LOG") != nullptr ? spdlog::level::trace : spdlog::level::off);
  return RUN_ALL_TESTS();
}
