#include "raylet/logs/log_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "loop_runner.h"

namespace troupe::raylet {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class LogKeeperTest : public ::testing::Test {
 protected:
  LogKeeperTest() {
    char folder[] = "/tmp/troupe-log-keeper-XXXXXX";
    options_.folder = mkdtemp(folder);
  }
  ~LogKeeperTest() override { fs::remove_all(options_.folder); }

  void Make() { keeper_ = std::make_unique<LogKeeper>(runner_.loop, options_); }
  std::string Path(const std::string& name) const { return options_.folder + "/" + name; }
  void Write(const std::string& name, std::size_t bytes) { std::ofstream(Path(name)) << std::string(bytes, 'x'); }
  // A worker that has printed to one of its files.
  void End(const std::string& name, std::size_t bytes = 10) {
    Write(name + ".out", bytes);
    Write(name + ".err", 0);
    keeper_->OnEnded({name + ".out", name + ".err"});
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(options_.folder)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  // Until the folder holds these and no others.
  void ExpectFiles(const std::vector<std::string>& names) {
    EXPECT_TRUE(runner_.Until([&] { return Files() == names; }, std::chrono::seconds(10)))
        << ::testing::PrintToString(Files());
    runner_.Settle();
    EXPECT_EQ(Files(), names);
  }

  test::LoopRunner runner_;
  LogKeeper::Options options_;
  std::unique_ptr<LogKeeper> keeper_;
};

TEST_F(LogKeeperTest, EmptyFilesGoWithTheirProcess) {
  Make();
  Write("worker-0.out", 0);  // of one that runs
  End("worker-1");
  End("worker-2", 0);
  ExpectFiles({"worker-0.out", "worker-1.out"});
  EXPECT_TRUE(runner_.Until([&] { return keeper_->WasEmpty(Path("worker-2.err")); }));
  EXPECT_TRUE(keeper_->WasEmpty(Path("worker-1.err")));
  EXPECT_FALSE(keeper_->WasEmpty(Path("worker-1.out")));
  EXPECT_FALSE(keeper_->WasEmpty(Path("worker-3.out")));
}

TEST_F(LogKeeperTest, GivesEmptyFilesToThoseThatComeNext) {
  options_.spares = 2;
  Make();
  End("worker-1", 0);
  End("worker-2", 0);
  ExpectFiles({"worker-spare-1.log", "worker-spare-2.log"});
  EXPECT_TRUE(keeper_->WasEmpty(Path("worker-1.out")));
  EXPECT_TRUE(keeper_->WasEmpty(Path("worker-2.err")));
  for (int i = 3; i <= 5; ++i) keeper_->Reuse("worker-" + std::to_string(i) + ".out");
  ExpectFiles({"worker-3.out", "worker-4.out"});
}

TEST_F(LogKeeperTest, GivesNobodyAFileThatAnotherMayStillWriteTo) {
  options_.spares = 2;
  Make();
  std::ofstream writer(Path("worker-1.out"));
  keeper_->OnEnded({"worker-1.out"});
  ExpectFiles({});
  keeper_->Reuse("worker-2.out");
  ExpectFiles({});
}

TEST_F(LogKeeperTest, KeepsTheOutputOfTheLastOnes) {
  options_.number = 2;
  Make();
  for (int i = 1; i <= 4; ++i) End("worker-" + std::to_string(i));
  ExpectFiles({"worker-3.out", "worker-4.out"});
  End("worker-5", 0);  // does not count
  ExpectFiles({"worker-3.out", "worker-4.out"});
}

TEST_F(LogKeeperTest, KeepsNoMoreBytesThanItMay) {
  options_.bytes = 100 << 10;
  Make();
  End("worker-1", 60 << 10);
  End("worker-2", 10);
  ExpectFiles({"worker-1.out", "worker-2.out"});
  End("worker-3", 60 << 10);
  ExpectFiles({"worker-2.out", "worker-3.out"});
}

TEST_F(LogKeeperTest, DropsWhatIsOld) {
  options_.age = std::chrono::hours(1);
  Make();
  Write("worker-1.out", 10);
  fs::last_write_time(Path("worker-1.out"), fs::file_time_type::clock::now() - std::chrono::hours(2));
  keeper_->OnEnded({"worker-1.out", "worker-1.err"});
  End("worker-2");
  ExpectFiles({"worker-2.out"});
}

TEST_F(LogKeeperTest, TakesUpWhatAnEarlierOneLeftTheOldestFirst) {
  options_.number = 2;
  for (int i = 1; i <= 3; ++i) {
    Write("worker-" + std::to_string(i) + ".out", 10);
    Write("worker-" + std::to_string(i) + ".err", i == 2 ? 10 : 0);
    const auto time = fs::file_time_type::clock::now() - std::chrono::minutes(i == 1 ? 1 : 10 * i);
    for (const auto* end : {".out", ".err"}) fs::last_write_time(Path("worker-" + std::to_string(i) + end), time);
  }
  Write("raylet.log", 10);
  Make();
  keeper_->TakeUp([](const std::string& name) { return name.starts_with("worker-"); });
  ExpectFiles({"raylet.log", "worker-1.out", "worker-2.err", "worker-2.out"});
}

TEST_F(LogKeeperTest, KeepsEmptyFilesWhereTheySaySomething) {
  options_.keep_empty = true;
  options_.number = 1;
  Make();
  End("job-1", 0);
  End("job-2", 0);
  ExpectFiles({"job-2.err", "job-2.out"});
}

}  // namespace
}  // namespace troupe::raylet
