#include "jobs/package.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/unit/jobs/temporary_directory.h"

namespace troupe::jobs {
namespace {

using test::ReadFile;
using test::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

TEST(PackageTest, SameFilesGiveTheSameBytesWhateverTheirTimesAndModes) {
  TemporaryDirectory dir;
  const std::string program = dir.Write("program", "abc");
  const auto first = WritePackage(program, {TEST_LIBRARY}, dir / "1.tar");
  ASSERT_TRUE(first.ok()) << first.status().ToString();

  fs::last_write_time(program, fs::file_time_type::clock::now() - std::chrono::hours(1000));
  fs::permissions(program, fs::perms::all);
  const auto second = WritePackage(program, {TEST_LIBRARY}, dir / "2.tar");
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_EQ(first->hash, second->hash);
  EXPECT_EQ(ReadFile(dir / "1.tar"), ReadFile(dir / "2.tar"));
  EXPECT_EQ(first->size, fs::file_size(dir / "1.tar"));
  EXPECT_TRUE(IsPackageHash(first->hash));
}

TEST(PackageTest, OtherBytesOrAnotherNameGiveAnotherHash) {
  TemporaryDirectory dir;
  const auto first = WritePackage(dir.Write("program", "abc"), {}, dir / "1.tar");
  const auto bytes = WritePackage(dir.Write("program", "abd"), {}, dir / "2.tar");
  const auto name = WritePackage(dir.Write("program2", "abc"), {}, dir / "3.tar");
  ASSERT_TRUE(first.ok() && bytes.ok() && name.ok());
  EXPECT_NE(first->hash, bytes->hash);
  EXPECT_NE(first->hash, name->hash);
}

TEST(PackageTest, HashIsSha256) {
  TemporaryDirectory dir;
  const auto info = HashPackage(dir.Write("file", "abc"));
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(info->size, 3u);
}

TEST(PackageTest, UnpacksToAProgramThatRunsWithItsLibraries) {
  TemporaryDirectory dir;
  const auto libraries = FindLibraries(TEST_PROGRAM);
  ASSERT_TRUE(libraries.ok()) << libraries.status().ToString();
  ASSERT_TRUE(WritePackage(TEST_PROGRAM, *libraries, dir / "p.tar").ok());
  const Status extracted = ExtractPackage(dir / "p.tar", dir / "out");
  ASSERT_TRUE(extracted.ok()) << extracted.ToString();
  EXPECT_TRUE(fs::exists(dir / "out/lib/libpackage_test_library.so.1"));
  const auto program = ProgramOf(dir / "out");
  ASSERT_TRUE(program.ok());
  const std::string command = "LD_LIBRARY_PATH=" + (dir / "out/lib") + " " + *program;
  EXPECT_EQ(WEXITSTATUS(system(command.c_str())), 42);
}

TEST(PackageTest, KeepsLongAndForeignNames) {
  TemporaryDirectory dir;
  for (const std::string& name : {std::string(200, 'x'), std::string("pr\xc3\xb6"
                                                                     "ba 1")}) {
    fs::remove(dir / "p.tar");
    fs::remove_all(dir / "out");
    const auto written = WritePackage(dir.Write(name, "abc"), {}, dir / "p.tar");
    ASSERT_TRUE(written.ok()) << written.status().ToString();
    const Status extracted = ExtractPackage(dir / "p.tar", dir / "out");
    ASSERT_TRUE(extracted.ok()) << extracted.ToString();
    EXPECT_EQ(ReadFile(dir / ("out/bin/" + name)), "abc");
  }
}

TEST(PackageTest, LeavesNothingBehindWhenAFileIsMissing) {
  TemporaryDirectory dir;
  const auto package = WritePackage(dir / "absent", {}, dir / "p.tar");
  EXPECT_EQ(package.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(package.status().message(), HasSubstr(dir / "absent"));
  EXPECT_FALSE(fs::exists(dir / "p.tar"));
}

TEST(PackageTest, RefusesTwoLibrariesOfOneName) {
  TemporaryDirectory dir;
  const std::string program = dir.Write("program", "abc");
  fs::copy_file(TEST_LIBRARY, dir / "other.so");
  const auto package = WritePackage(program, {TEST_LIBRARY, dir / "other.so"}, dir / "p.tar");
  EXPECT_EQ(package.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(package.status().message(), HasSubstr("libpackage_test_library.so.1"));
  EXPECT_TRUE(WritePackage(program, {TEST_LIBRARY, TEST_LIBRARY}, dir / "p.tar").ok());
}

TEST(PackageTest, RefusesToOverwrite) {
  TemporaryDirectory dir;
  const std::string program = dir.Write("program", "abc");
  EXPECT_EQ(WritePackage(program, {}, dir.Write("p.tar", "mine")).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(ReadFile(dir / "p.tar"), "mine");
}

TEST(PackageTest, OnlyLowerCaseHashesNamePackages) {
  EXPECT_TRUE(IsPackageHash(std::string(64, 'a')));
  EXPECT_FALSE(IsPackageHash(std::string(64, 'A')));
  EXPECT_FALSE(IsPackageHash(std::string(63, 'a')));
  EXPECT_FALSE(IsPackageHash("../" + std::string(61, 'a')));
  EXPECT_FALSE(IsPackageHash(""));
}

TEST(FindLibrariesTest, FindsOnlyThoseOutsideTheSystem) {
  const auto libraries = FindLibraries(TEST_PROGRAM);
  ASSERT_TRUE(libraries.ok()) << libraries.status().ToString();
  EXPECT_THAT(*libraries, ElementsAre(HasSubstr("/libpackage_test_library.so.1")));
}

TEST(FindLibrariesTest, NamesALibraryThatIsNotFound) {
  TemporaryDirectory dir;
  fs::copy_file(TEST_PROGRAM, dir / "program");
  // The run path is absolute, so damage it: the loader then has nowhere to look.
  std::string bytes = ReadFile(dir / "program");
  const std::string run_path = fs::path(TEST_LIBRARY).parent_path();
  for (auto at = bytes.find(run_path); at != std::string::npos; at = bytes.find(run_path, at)) bytes[at + 1] = '#';
  dir.Write("program", bytes);
  const auto libraries = FindLibraries(dir / "program");
  EXPECT_EQ(libraries.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(libraries.status().message(), HasSubstr("libpackage_test_library.so.1: cannot open"));
}

TEST(FindLibrariesTest, RefusesWhatIsNoProgram) {
  TemporaryDirectory dir;
  EXPECT_EQ(FindLibraries(dir.Write("script", "#!/bin/sh\n")).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(FindLibraries(dir / "absent").status().code(), StatusCode::kNotFound);
  const std::string program = ReadFile(TEST_PROGRAM);
  for (std::size_t size : {5u, 63u, 64u, 100u}) {
    EXPECT_FALSE(FindLibraries(dir.Write("cut", program.substr(0, size))).ok()) << size;
  }
}

}  // namespace
}  // namespace troupe::jobs
