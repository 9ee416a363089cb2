#include "common/exit_watch.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <utility>

#include "common/pidfd.h"

namespace troupe {

struct ExitWatch::State {
  boost::asio::posix::stream_descriptor descriptor;
  std::function<void()> on_exit;

  static void Wait(const std::shared_ptr<State>& state) {
    state->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                 [state](const boost::system::error_code& error) {
                                   pollfd ended{state->descriptor.native_handle(), POLLIN, 0};
                                   // A wait may end for no reason.
                                   if (!error && state->on_exit && poll(&ended, 1, 0) == 0) return Wait(state);
                                   const auto callback = std::exchange(state->on_exit, nullptr);
                                   if (!error && callback) callback();
                                 });
  }
};

std::unique_ptr<ExitWatch> ExitWatch::Begin(boost::asio::io_context& context, pid_t pid,
                                            std::function<void()> on_exit) {
  const int pidfd = ::pidfd_open(pid, 0);
  if (pidfd < 0) return nullptr;
  auto state =
      std::make_shared<State>(State{boost::asio::posix::stream_descriptor(context, pidfd), std::move(on_exit)});
  State::Wait(state);
  return std::unique_ptr<ExitWatch>(new ExitWatch(std::move(state)));
}

std::unique_ptr<ExitWatch> ExitWatch::OfParent(boost::asio::io_context& context, pid_t pid,
                                               std::function<void()> on_exit) {
  auto watch = Begin(context, pid, std::move(on_exit));
  // In this order: a parent that is still ours now cannot have ended, and its id become another's, before.
  return getppid() == pid ? std::move(watch) : nullptr;
}

Status ExitWatch::Signal(int signal) {
  if (pidfd_send_signal(state_->descriptor.native_handle(), signal, nullptr, 0) == 0) return OkStatus();
  return errno == ESRCH ? NotFound("the process has ended") : ErrnoStatus(errno, "cannot signal a process");
}

ExitWatch::~ExitWatch() {
  state_->on_exit = nullptr;
  boost::system::error_code ignored;
  state_->descriptor.cancel(ignored);
}

}  // namespace troupe
