#include "common/session_memory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>
#include <vector>

namespace troupe {
namespace {

namespace fs = std::filesystem;

// FNV-1a: only has to tell the folders of one machine apart.
std::uint64_t Hash(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::vector<std::string> NamesOf(const std::string& tag) {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/dev/shm", error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(tag + "-")) names.push_back(name);
  }
  return names;
}

}  // namespace

std::string RegionTag(const std::string& dir) {
  const std::uint64_t hash = Hash(dir + ":" + std::to_string(geteuid()));
  std::array<char, 24> tag{};
  std::snprintf(tag.data(), tag.size(), "troupe-%012llx", static_cast<unsigned long long>(hash >> 16));
  return tag.data();
}

std::string RayletLockPath(const std::string& dir) { return dir + "/raylet.lock"; }

bool TakeRayletLock(int fd) {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + std::chrono::milliseconds(500);
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

void RemoveSessionMemory(const std::string& dir) {
  // Without the file no raylet has ever run there. Held meanwhile, so that none begins to.
  const int lock = open(RayletLockPath(dir).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (lock < 0) return;
  if (TakeRayletLock(lock)) {
    for (const std::string& name : NamesOf(RegionTag(dir))) shm_unlink(("/" + name).c_str());
  }
  close(lock);
}

}  // namespace troupe
