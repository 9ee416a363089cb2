#include "tests/chaos/census.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/integration/processes.h"

namespace troupe::chaos {
namespace {

namespace fs = std::filesystem;

std::uint64_t ResidentBytes(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    std::uint64_t kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib << 10;
  }
  return 0;
}

int Entries(const fs::path& folder) {
  std::error_code error;
  return static_cast<int>(std::distance(fs::directory_iterator(folder, error), fs::directory_iterator()));
}

std::uint64_t FilesUnder(const fs::path& root) {
  std::error_code error;
  std::uint64_t files = 0;
  for (fs::recursive_directory_iterator it(root, error), end; it != end; it.increment(error)) {
    if (it->path().filename() == "files") {
      it.disable_recursion_pending();                                           // the test's own
    } else if (!it->path().filename().string().starts_with("worker-spare-")) {  // bounded: raylet/logs/log_keeper.h
      files += it->is_regular_file(error);
    }
  }
  return files;
}

std::string Mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

Census Count(const std::string& mark, const std::map<pid_t, std::string>& daemons, const std::set<std::string>& tags) {
  Census census;
  for (const auto& [pid, command] : integration::ProcessesOf(mark)) {
    auto daemon = daemons.find(pid);
    if (daemon == daemons.end()) {
      census.others.emplace(pid, command);
      continue;
    }
    census.daemons.emplace(pid,
                           Daemon{daemon->second, Entries("/proc/" + std::to_string(pid) + "/fd"), ResidentBytes(pid)});
  }
  for (const std::string& tag : tags) {
    for (const std::string& name : integration::SharedMemoryNames(tag)) {
      struct stat info {};
      if (stat(("/dev/shm/" + name).c_str(), &info) != 0) continue;  // it has just gone
      census.shared_names.insert(name);
      census.shared_bytes += static_cast<std::uint64_t>(info.st_blocks) * 512;
    }
  }
  census.files = FilesUnder(mark);
  return census;
}

std::vector<std::string> Growth(const Census& before, const Census& after, const Allowance& allowance) {
  std::vector<std::string> grown;
  for (const auto& [pid, was] : before.daemons) {
    auto it = after.daemons.find(pid);
    if (it == after.daemons.end()) {
      grown.push_back(was.name + " is gone");
      continue;
    }
    const Daemon& is = it->second;
    if (is.descriptors > was.descriptors + allowance.descriptors) {
      grown.push_back(was.name + " had " + std::to_string(was.descriptors) + " descriptors open and has " +
                      std::to_string(is.descriptors));
    }
    if (is.resident_bytes > was.resident_bytes + allowance.resident_bytes) {
      grown.push_back(was.name + " had " + Mebibytes(was.resident_bytes) + " resident and has " +
                      Mebibytes(is.resident_bytes));
    }
  }
  for (const auto& [pid, command] : after.others) {
    grown.push_back("process " + std::to_string(pid) + " is left: " + command);
  }
  if (after.shared_bytes > before.shared_bytes + allowance.shared_bytes) {
    std::string names;
    for (const std::string& name : after.shared_names) names += " " + name;
    grown.push_back("shared memory grew from " + Mebibytes(before.shared_bytes) + " to " +
                    Mebibytes(after.shared_bytes) + ":" + names);
  }
  if (after.files > before.files + allowance.files) {
    grown.push_back("the session folders had " + std::to_string(before.files) + " files and have " +
                    std::to_string(after.files));
  }
  return grown;
}

}  // namespace troupe::chaos
