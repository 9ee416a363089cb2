// ExitWatch: tells when a process that registered with us has ended, and leaves its status to whoever started it.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "common/status.h"

namespace troupe {

// Loop thread. Destroying it ends the watch; the callback may do that.
class ExitWatch {
 public:
  // `on_exit` runs once, from the loop. Null when the process has ended already, or cannot be watched.
  static std::unique_ptr<ExitWatch> Begin(boost::asio::io_context& context, pid_t pid, std::function<void()> on_exit);
  // Of the process that started this one, by its own account `pid`. Null also when this process has been handed on to
  // another parent: `pid` may be anybody's by now. Whatever thread of the parent started it, only the process counts.
  static std::unique_ptr<ExitWatch> OfParent(boost::asio::io_context& context, pid_t pid,
                                             std::function<void()> on_exit);
  ~ExitWatch();

  // NotFound when the process has ended.
  Status Signal(int signal);

 private:
  struct State;
  explicit ExitWatch(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;  // shared with the pending wait
};

}  // namespace troupe
