#include "common/asio_event_loop.h"

#include <time.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/check.h"

namespace troupe {

struct AsioEventLoop::Timer {
  explicit Timer(boost::asio::io_context& context) : timer(context) {}
  boost::asio::steady_timer timer;
};

AsioEventLoop::AsioEventLoop() : work_(boost::asio::make_work_guard(context_)) {}
AsioEventLoop::~AsioEventLoop() = default;

void AsioEventLoop::Run() {
  thread_ = std::this_thread::get_id();
  context_.run();
}

void AsioEventLoop::Stop() { context_.stop(); }

void AsioEventLoop::Post(std::function<void()> work) { boost::asio::post(context_, std::move(work)); }

TimerId AsioEventLoop::After(std::chrono::nanoseconds delay, std::function<void()> work) {
  const TimerId id = ++last_timer_;
  auto timer = std::make_unique<Timer>(context_);
  timer->timer.expires_after(delay);
  timer->timer.async_wait([this, id, work = std::move(work)](const boost::system::error_code& error) {
    if (error || timers_.erase(id) == 0) return;  // cancelled
    work();
  });
  timers_.emplace(id, std::move(timer));
  return id;
}

void AsioEventLoop::Cancel(TimerId timer) { timers_.erase(timer); }

MonotonicTime AsioEventLoop::Now() const {
  timespec now{};
  TROUPE_CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace troupe
