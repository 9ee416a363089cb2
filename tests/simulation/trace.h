// Trace: what happened in a simulated world: a hash of all of it, and the words of the last of it.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>

#include "common/event_loop.h"

namespace troupe::simulation {

class Trace {
 public:
  static constexpr std::size_t kKept = 60;

  explicit Trace(const EventLoop& loop) : loop_(loop) {}

  void Add(const std::string& event) {
    const std::string line = std::to_string(loop_.Now() / std::chrono::milliseconds(1)) + " ms: " + event;
    for (const char byte : line) hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
    ++events_;
    last_.push_back(line);
    if (last_.size() > kKept) last_.pop_front();
  }
  // Something that must not be. `promise` names what it breaks; each is told of once.
  void Broken(const std::string& promise, const std::string& how) {
    Add("BROKEN " + promise + ": " + how);
    if (!broken_.insert(promise).second) return;
    story_ += promise + ": " + how + ", after\n";
    for (const std::string& line : last_) story_ += "  " + line + "\n";
  }

  std::uint64_t hash() const { return hash_; }
  std::uint64_t events() const { return events_; }
  const std::set<std::string>& broken() const { return broken_; }
  // For people: what is broken, each with what happened last before.
  const std::string& Story() const { return story_; }

 private:
  const EventLoop& loop_;
  std::uint64_t hash_ = 14695981039346656037ULL;
  std::uint64_t events_ = 0;
  std::deque<std::string> last_;
  std::set<std::string> broken_;
  std::string story_;
};

}  // namespace troupe::simulation
