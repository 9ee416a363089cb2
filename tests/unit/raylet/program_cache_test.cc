#include "raylet/programs/program_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "jobs/package.h"
#include "tests/unit/jobs/temporary_directory.h"
#include "tests/unit/raylet/fake_package_store.h"
#include "tests/unit/raylet/loop_runner.h"

namespace troupe::raylet {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class ProgramCacheTest : public ::testing::Test {
 protected:
  ProgramCacheTest() {
    program_.set_path(FAKE_WORKER_PROGRAM);
    program_.set_origin(here_.Bytes());
  }

  Result<LocalProgram> Locate(ProgramCache& cache, const pb::Program& program) {
    return Await<LocalProgram>([&](auto done) { cache.Locate(program, done); });
  }
  Result<std::string> Package(ProgramCache& cache, const pb::Program& program) {
    return Await<std::string>([&](auto done) { cache.Package(program, done); });
  }

  template <class T>
  Result<T> Await(const std::function<void(std::function<void(Result<T>)>)>& call) {
    std::optional<Result<T>> result;
    call([&](Result<T> value) { result = std::move(value); });
    EXPECT_FALSE(result) << "never from inside the call";
    if (!runner_.Until([&] { return result.has_value(); })) return DeadlineExceeded("no answer");
    return *result;
  }

  Result<PackageUse> Fetch(ProgramCache& cache, const std::string& package) {
    return Await<PackageUse>([&](auto done) { cache.Fetch(package, done); });
  }
  // Fetches it and holds it no longer.
  void Visit(ProgramCache& cache, const std::string& package) {
    const auto fetched = Fetch(cache, package);
    EXPECT_TRUE(fetched.ok()) << fetched.status().ToString();
  }
  // What the head has then: a package of some 12 kB.
  std::string AnyPackage(const std::string& name) {
    pb::Program program;
    program.set_path(dir_.Write(name, std::string(10'000, 'x')));
    program.set_origin(here_.Bytes());
    const auto hash = Package(origin_, program);
    EXPECT_TRUE(hash.ok()) << hash.status().ToString();
    return hash.ok() ? *hash : "";
  }
  // In a cache of the test's own.
  bool IsThere(const std::string& package) { return fs::exists(dir_ / ("own/programs/" + package + "/bin")); }
  bool UntilGone(const std::string& package) {
    return runner_.Until([&] { return !IsThere(package); });
  }

  // The program as another node sees it once it is packed.
  pb::Program Packed() {
    const auto hash = Package(origin_, program_);
    EXPECT_TRUE(hash.ok()) << hash.status().ToString();
    pb::Program packed = program_;
    if (hash.ok()) packed.set_package(*hash);
    return packed;
  }

  std::size_t FilesIn(const std::string& directory) {
    std::error_code error;
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory, error), {}));
  }

  test::TemporaryDirectory dir_;
  test::LoopRunner runner_;
  const NodeId here_ = NodeId::Random();
  pb::Program program_;
  test::FakePackageStore store_{runner_.loop};
  ProgramCache origin_{runner_.loop, store_, here_, dir_ / "here"};
  ProgramCache other_{runner_.loop, store_, NodeId::Random(), dir_ / "there"};
};

TEST_F(ProgramCacheTest, RunsTheOriginsOwnFileWhereItIs) {
  program_.add_libraries("/opt/a/libx.so.1");
  program_.add_libraries("/opt/a/liby.so.1");
  program_.add_libraries("/opt/b/libz.so.1");
  const auto local = Locate(origin_, program_);
  ASSERT_TRUE(local.ok()) << local.status().ToString();
  EXPECT_EQ(local->path, FAKE_WORKER_PROGRAM);
  EXPECT_EQ(local->library_path, "/opt/a:/opt/b") << "the driver found its libraries there";
  EXPECT_EQ(store_.gets + store_.puts, 0);
}

TEST_F(ProgramCacheTest, CarriesAProgramToAnotherNode) {
  store_.chunk_bytes = 100'000;
  const pb::Program packed = Packed();
  const auto local = Locate(other_, packed);
  ASSERT_TRUE(local.ok()) << local.status().ToString();
  EXPECT_EQ(local->path, dir_ / ("there/programs/" + packed.package() + "/bin/fake_worker_program"));
  EXPECT_EQ(test::ReadFile(local->path), test::ReadFile(FAKE_WORKER_PROGRAM));
  EXPECT_EQ(access(local->path.c_str(), X_OK), 0);
  EXPECT_EQ(FilesIn(dir_ / "there/programs"), 1u) << "no temporary file stays";
  EXPECT_EQ(FilesIn(dir_ / "here/programs"), 0u) << "no temporary file stays";

  const int gets = store_.gets;
  EXPECT_GT(gets, 1);
  EXPECT_TRUE(Locate(other_, packed).ok());
  EXPECT_EQ(store_.gets, gets) << "it is here now";
}

TEST_F(ProgramCacheTest, SharesADownload) {
  const pb::Program packed = Packed();
  int found = 0;
  for (int i = 0; i < 3; ++i) {
    other_.Locate(packed, [&](const Result<LocalProgram>& local) { found += local.ok(); });
  }
  ASSERT_TRUE(runner_.Until([&] { return found == 3; }));
  const int gets = store_.gets;
  ProgramCache third(runner_.loop, store_, NodeId::Random(), dir_ / "third");
  EXPECT_TRUE(Locate(third, packed).ok());
  EXPECT_EQ(store_.gets - gets, gets);
}

TEST_F(ProgramCacheTest, SendsNothingThatTheHeadHas) {
  const auto first = Package(origin_, program_);
  const int puts = store_.puts;
  const auto second = Package(origin_, program_);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(store_.puts - puts, 1);
}

TEST_F(ProgramCacheTest, GoesOnWhereAnEarlierUploadStopped) {
  const pb::Program packed = Packed();
  const std::string whole = store_.packages[packed.package()];
  store_.packages.clear();
  store_.partial[packed.package()].resize(1'000);
  EXPECT_TRUE(Package(origin_, program_).ok());
  EXPECT_EQ(store_.packages[packed.package()], whole);
}

TEST_F(ProgramCacheTest, RefusesBytesThatAreNotWhatTheNameSays) {
  const pb::Program packed = Packed();
  store_.packages[packed.package()][1'000] ^= 1;
  const auto local = Locate(other_, packed);
  EXPECT_EQ(local.status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(FilesIn(dir_ / "there/programs"), 0u);
}

TEST_F(ProgramCacheTest, RefusesAHeadThatLies) {
  const pb::Program packed = Packed();
  store_.lie_about_total = std::uint64_t{1} << 40;
  EXPECT_EQ(Locate(other_, packed).status().code(), StatusCode::kResourceExhausted);
  store_.lie_about_total = 10;
  EXPECT_EQ(Locate(other_, packed).status().code(), StatusCode::kDataLoss);
  store_.lie_about_total = store_.packages[packed.package()].size() + 1;
  EXPECT_EQ(Locate(other_, packed).status().code(), StatusCode::kDataLoss);
  store_.lie_about_total = 0;
  EXPECT_TRUE(Locate(other_, packed).ok()) << "a failure is not remembered";
  store_.packages.clear();
  store_.forgetful = true;
  EXPECT_EQ(Package(origin_, program_).status().code(), StatusCode::kDataLoss);
}

TEST_F(ProgramCacheTest, SaysWhyAProgramCannotBeHad) {
  EXPECT_EQ(Locate(other_, program_).status().code(), StatusCode::kUnavailable) << "not packed yet";

  pb::Program program = program_;
  program.set_package(std::string(64, 'a'));
  EXPECT_EQ(Locate(other_, program).status().code(), StatusCode::kNotFound);
  for (const std::string& evil : {std::string("../../etc"), std::string(64, '/'), std::string(64, 'A')}) {
    program.set_package(evil);
    EXPECT_EQ(Locate(other_, program).status().code(), StatusCode::kInvalidArgument) << evil;
  }
  program = program_;
  program.set_path(dir_ / "gone");
  EXPECT_EQ(Locate(origin_, program).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Package(origin_, program).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Package(other_, program_).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(ProgramCacheTest, KeepsOfWhatNobodyUsesTheLastUsedUpToABound) {
  ProgramCache cache(runner_.loop, store_, NodeId::Random(), dir_ / "own", 30'000);
  const std::string a = AnyPackage("a"), b = AnyPackage("b"), c = AnyPackage("c");
  Visit(cache, a);
  Visit(cache, b);
  Visit(cache, a);
  Visit(cache, c);
  EXPECT_TRUE(UntilGone(b)) << "of all it was used longest ago";
  EXPECT_TRUE(IsThere(a));
  EXPECT_TRUE(IsThere(c));

  const int gets = store_.gets;
  Visit(cache, a);
  EXPECT_EQ(store_.gets, gets);
  Visit(cache, b);
  EXPECT_GT(store_.gets, gets) << "it comes from the head again";
  EXPECT_TRUE(UntilGone(c));
  EXPECT_TRUE(runner_.Until([&] { return FilesIn(dir_ / "own/programs") == 2; })) << "nothing is left of it";
}

TEST_F(ProgramCacheTest, KeepsWhatSomebodyUsesHoweverMuchThatIs) {
  ProgramCache cache(runner_.loop, store_, NodeId::Random(), dir_ / "own", 0);
  const std::string a = AnyPackage("a"), b = AnyPackage("b");
  Result<PackageUse> first = Fetch(cache, a), second = Fetch(cache, a);
  ASSERT_TRUE(first.ok() && second.ok());
  Visit(cache, b);
  EXPECT_TRUE(UntilGone(b));
  first->reset();
  runner_.Settle();
  EXPECT_TRUE(IsThere(a));
  second->reset();
  EXPECT_TRUE(UntilGone(a));
}

TEST_F(ProgramCacheTest, WhatIsBeingRemovedComesAgainWhole) {
  ProgramCache cache(runner_.loop, store_, NodeId::Random(), dir_ / "own", 0);
  const std::string package = AnyPackage("a");
  for (int i = 0; i < 20; ++i) {
    Visit(cache, package);  // is removed from here on
    const auto again = Fetch(cache, package);
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    runner_.Settle();
    EXPECT_EQ(test::ReadFile((*again)->directory() + "/bin/a").size(), 10'000u);
  }
}

TEST_F(ProgramCacheTest, KeepsThePackageThatADriverOfThisNodeRunsFrom) {
  ProgramCache cache(runner_.loop, store_, here_, dir_ / "own", 0);
  const std::string package = AnyPackage("a");
  Result<PackageUse> of_driver = Fetch(cache, package);
  ASSERT_TRUE(of_driver.ok()) << of_driver.status().ToString();
  program_.set_path((*of_driver)->directory() + "/bin/a");
  Result<LocalProgram> of_its_workers = Locate(cache, program_);
  ASSERT_TRUE(of_its_workers.ok()) << of_its_workers.status().ToString();
  of_driver->reset();
  runner_.Settle();
  EXPECT_TRUE(IsThere(package)) << "its detached actors may go on";
  of_its_workers->package.reset();
  EXPECT_TRUE(UntilGone(package));
}

TEST_F(ProgramCacheTest, RemovesWhatAnEarlierRayletLeft) {
  const std::string package = AnyPackage("a");
  fs::create_directories(dir_ / ("own/programs/" + package + "/bin"));  // half removed
  fs::create_directories(dir_ / ("own/programs/" + std::string(64, 'a') + "/bin"));
  ProgramCache cache(runner_.loop, store_, NodeId::Random(), dir_ / "own");
  const auto fetched = Fetch(cache, package);
  ASSERT_TRUE(fetched.ok()) << fetched.status().ToString();
  EXPECT_TRUE(fs::exists((*fetched)->directory() + "/bin/a"));
  EXPECT_EQ(FilesIn(dir_ / "own/programs"), 1u);
}

TEST_F(ProgramCacheTest, APackageMayBeHeldForLongerThanTheCacheLives) {
  auto cache = std::make_unique<ProgramCache>(runner_.loop, store_, NodeId::Random(), dir_ / "own", 0);
  const Result<PackageUse> fetched = Fetch(*cache, AnyPackage("a"));
  cache.reset();
  ASSERT_TRUE(fetched.ok());
  EXPECT_TRUE(fs::exists((*fetched)->directory()));
}

TEST_F(ProgramCacheTest, NothingHappensAfterItsEnd) {
  const pb::Program packed = Packed();
  auto cache = std::make_unique<ProgramCache>(runner_.loop, store_, NodeId::Random(), dir_ / "short");
  cache->Locate(packed, [](const Result<LocalProgram>&) { FAIL(); });
  cache.reset();
  runner_.Settle();
}

}  // namespace
}  // namespace troupe::raylet
