#include "raylet/logs/log_keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

namespace troupe::raylet {
namespace {

constexpr std::uint64_t kStatBlock = 512;  // what st_blocks counts in

// The system grants a lease of a file to whoever is the only one that has it open.
bool IsOpenNowhere(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return false;
  // Whoever opens it meanwhile waits for an instant, and we get a signal that is ignored, not the one that ends us.
  const bool granted = ::fcntl(fd, F_SETSIG, SIGURG) == 0 && ::fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
  if (granted) ::fcntl(fd, F_SETLEASE, F_UNLCK);
  ::close(fd);
  return granted;
}

}  // namespace

LogKeeper::LogKeeper(EventLoop& loop, Options options)
    : loop_(loop), options_(std::move(options)), thread_(loop, "troupe-logs") {
  LookAgain();
}

LogKeeper::~LogKeeper() { loop_.Cancel(timer_); }

void LogKeeper::TakeUp(std::function<bool(const std::string& name)> is_log) {
  thread_.Run([options = options_, is_log = std::move(is_log)] { return FindAll(options, is_log); },
              [this](std::vector<Looked> found) {
                for (Looked& looked : found) OnLooked(std::move(looked));
              });
}

void LogKeeper::OnEnded(std::vector<std::string> names) {
  thread_.Run([options = options_, names = std::move(names)] { return Look(options, names); },
              [this](Looked looked) { OnLooked(std::move(looked)); });
}

// Readers must not find an empty file gone before it is known to have been empty.
void LogKeeper::OnLooked(Looked looked) {
  for (const std::string& name : looked.empty) empty_.Insert(Path(name));
  for (const std::string& name : looked.reusable) {
    empty_.Insert(Path(name));
    if (spares_.size() < options_.spares) {
      MakeSpare(name);
    } else {
      looked.empty.push_back(name);
    }
  }
  Delete(looked.empty);
  if (!looked.kept.names.empty()) Keep(std::move(looked.kept));
}

// Named as a log, so that the next raylet takes up what this one leaves.
void LogKeeper::MakeSpare(const std::string& name) {
  std::string spare = "worker-spare-" + std::to_string(++last_spare_) + ".log";
  if (::rename(Path(name).c_str(), Path(spare).c_str()) == 0) spares_.push_back(std::move(spare));
}

void LogKeeper::Reuse(const std::string& name) {
  if (spares_.empty()) return;
  ::rename(Path(spares_.back()).c_str(), Path(name).c_str());  // else the process makes it
  spares_.pop_back();
}

void LogKeeper::Delete(const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::vector<std::string> paths;
  for (const std::string& name : names) paths.push_back(Path(name));
  thread_.Run(
      [paths = std::move(paths)] {
        for (const std::string& path : paths) ::unlink(path.c_str());
        return true;
      },
      [](bool) {});
}

bool LogKeeper::WasEmpty(const std::string& path) const { return empty_.Contains(path); }

LogKeeper::Looked LogKeeper::Look(const Options& options, const std::vector<std::string>& names) {
  Looked looked;
  for (const std::string& name : names) {
    const std::string path = options.folder + "/" + name;
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    if (info.st_size == 0 && !options.keep_empty) {
      (options.spares > 0 && IsOpenNowhere(path) ? looked.reusable : looked.empty).push_back(name);
      continue;
    }
    looked.kept.names.push_back(name);
    looked.kept.bytes += static_cast<std::uint64_t>(info.st_blocks) * kStatBlock;
    const auto written = std::chrono::system_clock::from_time_t(info.st_mtime);
    looked.kept.written = std::max(looked.kept.written, written);
  }
  return looked;
}

// Files of one process have the same name but for their ending.
std::vector<LogKeeper::Looked> LogKeeper::FindAll(const Options& options,
                                                  const std::function<bool(const std::string& name)>& is_log) {
  std::map<std::string, std::vector<std::string>> processes;
  std::error_code error;
  for (std::filesystem::directory_iterator it(options.folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    if (is_log(name)) processes[it->path().stem()].push_back(name);
  }
  std::vector<Looked> found;
  for (const auto& [stem, names] : processes) found.push_back(Look(options, names));
  std::sort(found.begin(), found.end(),
            [](const Looked& a, const Looked& b) { return a.kept.written < b.kept.written; });
  return found;
}

void LogKeeper::Keep(Kept kept) {
  bytes_ += kept.bytes;
  kept_.push_back(std::move(kept));
  Trim();
}

void LogKeeper::Trim() {
  const auto oldest = std::chrono::system_clock::now() - options_.age;
  std::vector<std::string> names;
  while (!kept_.empty() &&
         (kept_.size() > options_.number || bytes_ > options_.bytes || kept_.front().written < oldest)) {
    names.insert(names.end(), kept_.front().names.begin(), kept_.front().names.end());
    bytes_ -= kept_.front().bytes;
    kept_.pop_front();
  }
  Delete(names);
}

void LogKeeper::LookAgain() {
  Trim();
  timer_ = loop_.After(kLookAgain, [weak = thread_.alive(), this] {
    if (!weak.expired()) LookAgain();
  });
}

}  // namespace troupe::raylet
