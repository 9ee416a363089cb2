#include "common/owner_mark.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include "common/pidfd.h"
#include "common/process_stat.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::size_t kOwnerDigits = 16;

std::optional<OwnerMark> Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || text.size() != slash + 1 + kOwnerDigits) return std::nullopt;
  const auto node = NodeId::FromHex(std::string(text.substr(0, slash)));
  OwnerMark mark;
  const char* const end = text.data() + text.size();
  if (!node || std::from_chars(text.data() + slash + 1, end, mark.owner, 16).ptr != end) return std::nullopt;
  mark.node = *node;
  return mark;
}

std::string OwnerText(std::uint64_t owner) { return ProcessId{owner}.Hex(); }

std::vector<pid_t> AllProcesses() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (failed == std::errc() && end == name.data() + name.size() && pid != getpid()) pids.push_back(pid);
  }
  return pids;
}

// A pidfd names one process, so what is read once it is open is of the process that is signalled.
bool KillIfMarked(pid_t pid, NodeId node) {
  const int fd = pidfd_open(pid, 0);
  if (fd < 0) return false;
  const auto mark = MarkOf(pid);
  const bool killed = mark && mark->node == node && pidfd_send_signal(fd, SIGKILL, nullptr, 0) == 0;
  close(fd);
  return killed;
}

}  // namespace

std::string OwnerMark::Text() const { return node.Hex() + "/" + OwnerText(owner); }

std::optional<OwnerMark> MarkOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ", std::ios::binary);
  const std::string prefix = std::string(OwnerMark::kVariable) + "=";
  for (std::string entry; std::getline(file, entry, '\0');) {
    if (entry.starts_with(prefix)) return Parse(std::string_view(entry).substr(prefix.size()));
  }
  return std::nullopt;
}

bool ShowsEnvironment(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ", std::ios::binary);
  return file.peek() != std::ifstream::traits_type::eof();
}

void TakeMark(std::uint64_t owner) {
  char* const text = getenv(OwnerMark::kVariable);
  if (text == nullptr) return;
  auto mark = Parse(text);
  if (!mark) return;
  // In place: where the system looks, which setenv() would leave as it is.
  const std::string digits = OwnerText(owner);
  std::memcpy(text + std::strlen(text) - kOwnerDigits, digits.data(), kOwnerDigits);
}

std::size_t KillMarked(NodeId node, std::chrono::milliseconds limit) {
  constexpr std::chrono::milliseconds kPause{2};
  const auto end = steady_clock::now() + limit;
  std::set<pid_t> killed;
  for (int clean_rounds = 0;;) {
    bool running = false;
    for (const pid_t pid : AllProcesses()) {
      // A zombie has no environment any more.
      if (!KillIfMarked(pid, node)) continue;
      killed.insert(pid);
      running = true;
    }
    clean_rounds = running ? 0 : clean_rounds + 1;
    if (clean_rounds == 2 || steady_clock::now() >= end) return killed.size();
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace troupe
