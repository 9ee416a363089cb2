// Unpacks whatever bytes come, and checks that nothing but a well-formed package appears, and only where it should.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "jobs/package.h"

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlock = 512;
constexpr std::uint64_t kMaxBytes = 1u << 20;

// Takes the input apart from its front; zeros when there is nothing left.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  bool empty() const { return size_ == 0; }
  std::uint8_t Byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  std::string Bytes(std::size_t count) {
    std::string out;
    while (out.size() < count) out.push_back(static_cast<char>(Byte()));
    return out;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

std::string Name(Input* input) {
  static constexpr const char* kNames[] = {"bin/program", "lib/a",  "lib/b",       "bin/../x", "/tmp/troupe-evil",
                                           "lib/..",      "../out", "./bin/other", "bin",      "lib/"};
  const std::uint8_t choice = input->Byte();
  return choice < std::size(kNames) ? kNames[choice] : input->Bytes(choice % 100);
}

// One header of an archive with the right checksum, and as much data as it promises, or a little less.
std::string Entry(Input* input) {
  static constexpr char kTypes[] = "00000123456789gxLKSDV";
  std::string header(kBlock, '\0');
  const std::string name = Name(input);
  std::memcpy(&header[0], name.data(), std::min<std::size_t>(name.size(), 100));
  std::snprintf(&header[100], 8, "%07o", input->Byte() * 32u);
  const std::uint8_t size = input->Byte();
  // Mostly small and true; some claim what no archive holds.
  std::snprintf(&header[124], 12, "%011llo", size > 250 ? 077777777777ULL : static_cast<unsigned long long>(size));
  header[156] = kTypes[input->Byte() % (sizeof kTypes - 1)];
  const std::string link = Name(input);
  std::memcpy(&header[157], link.data(), std::min<std::size_t>(link.size(), 100));
  std::memcpy(&header[257], "ustar\00000", 8);
  std::memset(&header[148], ' ', 8);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(&header[148], 8, "%06o", sum);

  std::string data = size > 250 ? std::string() : input->Bytes(size);
  data.resize((data.size() + kBlock - 1) / kBlock * kBlock);
  return header + data;
}

// An even first byte: entries of a real archive. An odd one: the bytes as they are.
std::string AsArchive(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  if (input.Byte() % 2 != 0) return input.Bytes(size - 1);
  std::string archive;
  while (!input.empty()) archive += Entry(&input);
  return archive + std::string(2 * kBlock, '\0');
}

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// In memory: unpacking waits for the disk (fsync), which is most of its time.
fs::path Scratch() { return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : fs::temp_directory_path(); }

void CheckUnpacked(const fs::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    const fs::path name = entry.path().lexically_relative(directory);
    if (entry.is_directory() && !entry.is_symlink()) {
      Require(name == "bin" || name == "lib", "another folder than bin and lib");
      continue;
    }
    Require(entry.symlink_status().type() == fs::file_type::regular, "something that is not a regular file");
    Require((entry.status().permissions() & (fs::perms::set_uid | fs::perms::set_gid)) == fs::perms::none, "set-id");
    bytes += entry.file_size();
  }
  Require(bytes <= kMaxBytes, "more bytes than allowed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fs::path root = Scratch() / ("troupe-package-fuzz." + std::to_string(getpid()));
  fs::create_directories(root);
  const fs::path archive = root / "archive";
  const fs::path out = root / "out";
  std::ofstream(archive, std::ios::binary) << AsArchive(data, size);
  const troupe::Status status = troupe::jobs::ExtractPackage(archive, out, {.max_files = 4, .max_bytes = kMaxBytes});
  Require(fs::exists(out) == status.ok(), "a refused package appeared, or an accepted one did not");
  if (status.ok()) {
    CheckUnpacked(out);
    Require(troupe::jobs::ProgramOf(out).ok(), "a package without a program");
  }
  for (const auto& entry : fs::directory_iterator(root)) {
    Require(entry.path() == archive || entry.path() == out, "something beside the package");
  }
  fs::remove_all(root);
  return 0;
}
