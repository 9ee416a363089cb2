// What grows is told, what stays within its allowance is not; and real processes, memory and files are seen.
#include "tests/chaos/census.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/integration/processes.h"
#include "tests/integration/program.h"
#include "tests/integration/wait.h"

namespace troupe::chaos {
namespace {

constexpr Allowance kAllowance{.descriptors = 2, .resident_bytes = 1000, .shared_bytes = 100, .files = 3};

Census AtRest() {
  Census census;
  census.daemons[10] = {"head", 20, 5000};
  census.shared_bytes = 300;
  census.files = 7;
  return census;
}

TEST(CensusTest, AllowsWhatStaysWithinItsBounds) {
  Census after = AtRest();
  after.daemons[10] = {"head", 22, 6000};
  after.shared_bytes += 100;
  after.files += 3;
  EXPECT_TRUE(Growth(AtRest(), after, kAllowance).empty());
}

TEST(CensusTest, TellsDescriptorsMemoryFilesAndProcessesThatStay) {
  const auto grown = [](const std::function<void(Census&)>& change) {
    Census after = AtRest();
    change(after);
    return Growth(AtRest(), after, kAllowance).size();
  };
  EXPECT_EQ(grown([](Census& c) { c.daemons[10].descriptors = 23; }), 1u);
  EXPECT_EQ(grown([](Census& c) { c.daemons[10].resident_bytes = 6001; }), 1u);
  EXPECT_EQ(grown([](Census& c) { c.daemons.clear(); }), 1u);
  EXPECT_EQ(grown([](Census& c) { c.others[11] = "worker"; }), 1u);
  EXPECT_EQ(grown([](Census& c) { c.shared_bytes = 401; }), 1u);
  EXPECT_EQ(grown([](Census& c) { c.files = 11; }), 1u);
}

TEST(CensusTest, CountsWhatIsReallyThere) {
  std::string root = std::filesystem::temp_directory_path() / "troupe-census-XXXXXX";
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  const integration::Program sleeper({"/bin/sleep", "60"}, {{integration::kMark, root}});
  // A process's environment can be read a moment after posix_spawn has returned: its new program is being laid out.
  ASSERT_TRUE(integration::Eventually([&] { return Count(root, {}, {}).others.count(sleeper.pid()) == 1; }));
  const std::string tag = "troupe-census" + std::to_string(getpid());
  const std::string shared = "/dev/shm/" + tag + "-1";
  std::ofstream(shared) << std::string(10'000, 'x');
  std::ofstream(root + "/a.log") << "x";
  const auto other = Count(root, {}, {tag});
  EXPECT_GE(other.shared_bytes, 10'000u);
  EXPECT_EQ(other.files, 1u);
  const auto daemon = Count(root, {{sleeper.pid(), "sleeper"}}, {});
  ASSERT_EQ(daemon.daemons.count(sleeper.pid()), 1u);
  EXPECT_GE(daemon.daemons.at(sleeper.pid()).descriptors, 3);
  EXPECT_GT(daemon.daemons.at(sleeper.pid()).resident_bytes, 0u);
  std::filesystem::remove(shared);
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace troupe::chaos
