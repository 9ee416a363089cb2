#include "tests/soak/usage.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/session_memory.h"
#include "tests/integration/processes.h"

namespace troupe::soak {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kStatBlock = 512;

std::uint64_t EntriesOf(const std::string& folder) {
  std::error_code error;
  return static_cast<std::uint64_t>(std::distance(fs::directory_iterator(folder, error), fs::directory_iterator()));
}

ProcessUsage Look(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  ProcessUsage usage;
  std::ifstream status(folder + "/status");
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t value = 0;
    words >> name >> value;
    if (name == "RssAnon:") usage.memory = value * 1024;
    if (name == "Threads:") usage.threads = value;
  }
  std::ifstream maps(folder + "/maps");
  for (std::string line; std::getline(maps, line);) usage.mappings += line.find('/') != std::string::npos;
  usage.descriptors = EntriesOf(folder + "/fd");
  return usage;
}

void TakeLargest(const ProcessUsage& one, ProcessUsage* all) {
  all->memory = std::max(all->memory, one.memory);
  all->mappings = std::max(all->mappings, one.mappings);
  all->descriptors = std::max(all->descriptors, one.descriptors);
  all->threads = std::max(all->threads, one.threads);
}

void AddFiles(const std::string& folder, Usage* usage) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    struct stat info {};
    if (::lstat(it->path().c_str(), &info) != 0) continue;
    // Empty logs that wait for the next workers: up to a bound of their own (raylet/logs/log_keeper.h).
    if (!it->path().filename().string().starts_with("worker-spare-")) ++usage->files;
    usage->file_bytes += static_cast<std::uint64_t>(info.st_blocks) * kStatBlock;
  }
}

Usage Now(const integration::Cluster& cluster) {
  Usage usage;
  const Session& session = cluster.session(0);
  usage.processes["driver"] = Look(::getpid());
  usage.processes["head"] = Look(session.head->pid);
  usage.processes["raylet"] = Look(session.node->pid);
  for (const auto& [pid, command] : integration::ProcessesOf(cluster.root())) {
    if (pid == session.head->pid || pid == session.node->pid) continue;
    const bool is_guard = command.starts_with("troupe-guard");
    TakeLargest(Look(pid), &usage.processes[is_guard ? "guard" : "workers"]);
    if (!is_guard) ++usage.worker_count;
  }
  for (const std::string& name : integration::SharedMemoryNames(RegionTag(session.dir))) {
    struct stat info {};
    if (::stat(("/dev/shm/" + name).c_str(), &info) != 0) continue;
    ++usage.shared_names;
    usage.shared_memory += static_cast<std::uint64_t>(info.st_blocks) * kStatBlock;
  }
  AddFiles(session.dir, &usage);
  return usage;
}

bool SameNumbers(const Usage& a, const Usage& b) {
  return a.worker_count == b.worker_count && a.shared_names == b.shared_names && a.files == b.files;
}

}  // namespace

Usage Measure(const integration::Cluster& cluster) {
  constexpr int kQuiet = 5;  // looks in a row
  constexpr std::chrono::milliseconds kPause{100};
  Usage usage = Now(cluster);
  for (int looks = 0, quiet = 0; looks < 200 && quiet < kQuiet; ++looks) {
    std::this_thread::sleep_for(kPause);
    Usage next = Now(cluster);
    quiet = SameNumbers(usage, next) ? quiet + 1 : 0;
    usage = std::move(next);
  }
  return usage;
}

std::string ToText(const Usage& usage) {
  std::ostringstream text;
  for (const auto& [name, process] : usage.processes) {
    text << "  " << name << ": " << (process.memory >> 10) << " KiB, " << process.mappings << " mappings, "
         << process.descriptors << " descriptors, " << process.threads << " threads\n";
  }
  text << "  " << usage.worker_count << " workers; /dev/shm: " << (usage.shared_memory >> 10) << " KiB in "
       << usage.shared_names << " names; sessions: " << (usage.file_bytes >> 10) << " KiB in " << usage.files
       << " files\n";
  return text.str();
}

std::vector<std::string> TooMuch(const Usage& before, const Usage& after, const Growth& allowed) {
  std::vector<std::string> lines;
  const auto check = [&](const std::string& what, std::uint64_t was, std::uint64_t is, std::uint64_t more) {
    if (is <= was + more) return;
    lines.push_back(what + " grew from " + std::to_string(was) + " to " + std::to_string(is) + "; allowed are " +
                    std::to_string(more));
  };
  for (const auto& [name, was] : before.processes) {
    const auto found = after.processes.find(name);
    if (found == after.processes.end()) continue;
    const ProcessUsage& is = found->second;
    const auto more = allowed.more_memory.find(name);
    check("memory of " + name, was.memory, is.memory,
          allowed.memory + (more == allowed.more_memory.end() ? 0 : more->second));
    check("mappings of " + name, was.mappings, is.mappings, allowed.mappings);
    check("descriptors of " + name, was.descriptors, is.descriptors, allowed.descriptors);
    check("threads of " + name, was.threads, is.threads, allowed.threads);
  }
  check("number of workers", before.worker_count, after.worker_count, allowed.workers);
  check("shared memory", before.shared_memory, after.shared_memory, allowed.shared_memory);
  check("names of shared memory", before.shared_names, after.shared_names, allowed.shared_names);
  check("files of sessions", before.files, after.files, allowed.files);
  check("bytes of session files", before.file_bytes, after.file_bytes, allowed.file_bytes);
  return lines;
}

}  // namespace troupe::soak
