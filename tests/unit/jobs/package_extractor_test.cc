#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>

#include "jobs/package.h"
#include "tests/unit/jobs/temporary_directory.h"

namespace troupe::jobs {
namespace {

using test::TemporaryDirectory;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

// One entry of an archive that a careful packer would not write.
struct EvilEntry {
  std::string name;
  std::string data;
  std::function<void(archive_entry*)> change = [](archive_entry*) {};
};

void WriteArchive(const std::string& path, const std::vector<EvilEntry>& entries) {
  archive* writer = archive_write_new();
  archive_write_set_format_pax(writer);
  ASSERT_EQ(archive_write_open_filename(writer, path.c_str()), ARCHIVE_OK);
  for (const EvilEntry& evil : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, evil.name.c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(evil.data.size()));
    evil.change(entry);
    archive_write_header(writer, entry);
    archive_write_data(writer, evil.data.data(), evil.data.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
}

const EvilEntry kProgram{"bin/program", "abc"};

std::function<void(archive_entry*)> Type(unsigned type) {
  return [type](archive_entry* entry) {
    archive_entry_set_filetype(entry, type);
    archive_entry_set_size(entry, 0);
  };
}

struct EvilCase {
  const char* title;
  std::vector<EvilEntry> entries;
  const char* why;
};

std::vector<EvilCase> EvilCases() {
  const auto link = [](archive_entry* entry) {
    archive_entry_set_filetype(entry, AE_IFLNK);
    archive_entry_set_symlink(entry, "/etc/passwd");
    archive_entry_set_size(entry, 0);
  };
  const auto hard_link = [](archive_entry* entry) {
    archive_entry_set_hardlink(entry, "bin/program");
    archive_entry_set_size(entry, 0);
  };
  const auto set_uid = [](archive_entry* entry) { archive_entry_set_perm(entry, 04755); };
  const auto sparse = [](archive_entry* entry) {
    archive_entry_set_size(entry, 1 << 20);
    archive_entry_sparse_add_entry(entry, 0, 3);
  };
  return {
      {"absolute path", {kProgram, {"/etc/evil", "x"}}, "only bin/<program> and lib/<library>"},
      {"parent folder", {kProgram, {"lib/../../evil", "x"}}, "only bin/<program> and lib/<library>"},
      {"parent as the name", {kProgram, {"lib/..", "x"}}, "only bin/<program> and lib/<library>"},
      {"other folder", {kProgram, {"etc/evil", "x"}}, "only bin/<program> and lib/<library>"},
      {"deeper folder", {kProgram, {"lib/a/b", "x"}}, "only bin/<program> and lib/<library>"},
      {"no folder", {kProgram, {"evil", "x"}}, "only bin/<program> and lib/<library>"},
      {"control character", {kProgram, {"lib/a\nb", "x"}}, "only bin/<program> and lib/<library>"},
      {"directory", {kProgram, {"lib/d", "", Type(AE_IFDIR)}}, "refused"},
      {"symbolic link", {kProgram, {"lib/link", "", link}}, "it is a link"},
      {"hard link", {kProgram, {"lib/link", "", hard_link}}, "it is a link"},
      {"character device", {kProgram, {"lib/device", "", Type(AE_IFCHR)}}, "not a regular file"},
      {"block device", {kProgram, {"lib/device", "", Type(AE_IFBLK)}}, "not a regular file"},
      {"pipe", {kProgram, {"lib/pipe", "", Type(AE_IFIFO)}}, "not a regular file"},
      {"set-id bits", {{"bin/program", "abc", set_uid}}, "set-id bits"},
      {"sparse file", {kProgram, {"lib/sparse", "abc", sparse}}, "sparse"},
      {"duplicate", {kProgram, kProgram}, "comes twice"},
      {"two programs", {kProgram, {"bin/other", "x"}}, "2 programs instead of one"},
      {"no program", {{"lib/library", "x"}}, "0 programs instead of one"},
      {"nothing", {}, "0 programs instead of one"},
  };
}

TEST(PackageExtractorTest, RefusesEvilArchivesAndLeavesNothing) {
  for (const EvilCase& evil : EvilCases()) {
    SCOPED_TRACE(evil.title);
    TemporaryDirectory dir;
    WriteArchive(dir / "p.tar", evil.entries);
    const Status status = ExtractPackage(dir / "p.tar", dir / "out");
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr(evil.why));
    EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1) << "only the archive";
  }
}

TEST(PackageExtractorTest, AcceptsWhatTheEvilOnesAreMadeFrom) {
  TemporaryDirectory dir;
  WriteArchive(dir / "p.tar", {kProgram, {"lib/library", "x"}});
  const Status status = ExtractPackage(dir / "p.tar", dir / "out");
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(test::ReadFile(dir / "out/bin/program"), "abc");
  struct stat info;
  ASSERT_EQ(stat((dir / "out/bin/program").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
}

TEST(PackageExtractorTest, KeepsToItsLimits) {
  TemporaryDirectory dir;
  WriteArchive(dir / "p.tar", {kProgram, {"lib/a", "1234567"}});
  EXPECT_TRUE(ExtractPackage(dir / "p.tar", dir / "1", {.max_files = 2, .max_bytes = 10}).ok());
  EXPECT_THAT(ExtractPackage(dir / "p.tar", dir / "2", {.max_files = 2, .max_bytes = 9}).message(),
              HasSubstr("more than 9 bytes"));
  EXPECT_THAT(ExtractPackage(dir / "p.tar", dir / "3", {.max_files = 1, .max_bytes = 10}).message(),
              HasSubstr("more than 1 files"));
}

TEST(PackageExtractorTest, RefusesWhatIsCutShortOrNoArchive) {
  TemporaryDirectory dir;
  WriteArchive(dir / "p.tar", {{"bin/program", std::string(5'000, 'x')}});
  const std::string whole = test::ReadFile(dir / "p.tar");
  EXPECT_TRUE(ExtractPackage(dir / "p.tar", dir / "whole").ok());
  for (std::size_t size : {0u, 100u, 600u, 1'024u, 3'000u}) {
    EXPECT_FALSE(ExtractPackage(dir.Write("cut.tar", whole.substr(0, size)), dir / "cut").ok()) << size;
    EXPECT_FALSE(fs::exists(dir / "cut")) << size;
  }
  EXPECT_FALSE(ExtractPackage(dir.Write("text", std::string(10'000, 'x')), dir / "text.out").ok());
  EXPECT_FALSE(ExtractPackage(dir / "absent", dir / "absent.out").ok());
}

TEST(PackageExtractorTest, KeepsADirectoryThatIsThere) {
  TemporaryDirectory dir;
  WriteArchive(dir / "p.tar", {kProgram});
  fs::create_directories(dir / "out");
  dir.Write("out/mark", "1");
  EXPECT_TRUE(ExtractPackage(dir / "p.tar", dir / "out").ok());
  EXPECT_TRUE(fs::exists(dir / "out/mark"));
}

}  // namespace
}  // namespace troupe::jobs
