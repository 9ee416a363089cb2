// FileThread: a named thread for blocking work on files and memory, whose results come back to the event loop.
#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <utility>

#include "common/event_loop.h"

namespace troupe::raylet {

// Made, used and destroyed on the loop's thread.
class FileThread {
 public:
  // `name` is what the system shows for the thread; up to 15 bytes.
  explicit FileThread(EventLoop& loop, const char* name = "troupe-files");
  // Waits for the work under way; work that has not begun and results not yet delivered are dropped.
  ~FileThread();
  FileThread(const FileThread&) = delete;
  FileThread& operator=(const FileThread&) = delete;

  // Runs `work()` on the thread, after earlier work, then `done(result)` on the loop.
  template <class Work, class Done>
  void Run(Work work, Done done) {
    boost::asio::post(pool_, [this, work = std::move(work), done = std::move(done)]() mutable {
      auto result = work();
      // The loop checks the handle before it touches anything, so this object may be gone by then.
      loop_.Post([weak = alive_, done = std::move(done), result = std::move(result)]() mutable {
        if (!weak.expired()) done(std::move(result));
      });
    });
  }

  // Runs `done()` on the loop in a turn of its own, dropped as results are.
  template <class Done>
  void Later(Done done) {
    loop_.Post([weak = alive_, done = std::move(done)]() mutable {
      if (!weak.expired()) done();
    });
  }

  // For callbacks of others: expired once this object has gone.
  std::weak_ptr<bool> alive() const { return alive_; }

 private:
  EventLoop& loop_;
  std::shared_ptr<bool> token_ = std::make_shared<bool>(true);
  const std::weak_ptr<bool> alive_ = token_;
  boost::asio::thread_pool pool_{1};
};

}  // namespace troupe::raylet
