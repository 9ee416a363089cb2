// LogKeeper: deletes the output files of processes that have ended, by number, size and age.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/recent_set.h"
#include "raylet/programs/file_thread.h"

namespace troupe::raylet {

// Loop thread; files are looked at and deleted on a thread of its own, in the order of the calls.
class LogKeeper {
 public:
  struct Options {
    std::string folder = {};
    // Bounds of what is kept of processes that have ended: the latest ones, those that printed nothing not counted.
    std::size_t number = 1'000;        // processes
    std::uint64_t bytes = 1ULL << 30;  // on the disk, of all of them
    std::chrono::seconds age = std::chrono::hours(7 * 24);
    bool keep_empty = false;  // as if they held something
    std::size_t spares = 0;   // empty ones for Reuse()
  };
  static constexpr std::size_t kMaxKnownEmpty = 10'000;
  static constexpr std::chrono::minutes kLookAgain{10};

  LogKeeper(EventLoop& loop, Options options);
  ~LogKeeper();
  LogKeeper(const LogKeeper&) = delete;
  LogKeeper& operator=(const LogKeeper&) = delete;

  // Takes up the files in the folder that `is_log` knows by their names and that an earlier raylet left. Before any
  // process of this one writes there.
  void TakeUp(std::function<bool(const std::string& name)> is_log);

  // A process that wrote these files of the folder, given by their names, has ended and been read to the end. Those
  // that are empty go at once.
  void OnEnded(std::vector<std::string> names);

  // A process is about to make a file of that name: gives it an empty one that another has left, if there is one. Where
  // workers come and go by the hundred, making and deleting files would cost more than all the rest, since ext4 goes
  // through all inodes that were freed in the last minutes before it takes one.
  void Reuse(const std::string& name);

  // Whether the file of that path is gone because it was empty when its process ended; known of the last ones.
  bool WasEmpty(const std::string& path) const;

  std::size_t kept() const { return kept_.size(); }

 private:
  struct Kept {
    std::vector<std::string> names;
    std::uint64_t bytes = 0;
    std::chrono::system_clock::time_point written{};  // last
  };
  struct Looked {
    Kept kept;
    std::vector<std::string> empty;
    std::vector<std::string> reusable;  // empty, too, and nobody can write to them any more
  };

  std::string Path(const std::string& name) const { return options_.folder + "/" + name; }
  static Looked Look(const Options& options, const std::vector<std::string>& names);
  static std::vector<Looked> FindAll(const Options& options,
                                     const std::function<bool(const std::string& name)>& is_log);
  void OnLooked(Looked looked);
  void MakeSpare(const std::string& name);
  void Keep(Kept kept);
  void Delete(const std::vector<std::string>& names);
  void Trim();
  void LookAgain();

  EventLoop& loop_;
  const Options options_;
  std::deque<Kept> kept_;  // those that ended first at the front
  std::uint64_t bytes_ = 0;
  RecentSet<std::string> empty_{kMaxKnownEmpty};
  std::vector<std::string> spares_;
  std::uint64_t last_spare_ = 0;
  TimerId timer_ = 0;
  FileThread thread_;
};

}  // namespace troupe::raylet
