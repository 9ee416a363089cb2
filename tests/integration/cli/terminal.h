// Terminal: a program on a terminal of its own, at which a test types.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace troupe::integration {

// Killed and reaped when this object goes. One thread.
class Terminal {
 public:
  // With the environment of this process and `environment` ("NAME=value").
  Terminal(const std::vector<std::string>& command, const std::vector<std::string>& environment);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void Type(const std::string& keys) const;
  // Whether `text` has been shown since the last call that found its own, before the deadline.
  bool Shows(const std::string& text);
  // All that was shown.
  const std::string& screen() const { return screen_; }

 private:
  pid_t pid_ = 0;
  int fd_ = -1;
  std::string screen_;
  std::size_t seen_ = 0;
};

}  // namespace troupe::integration
