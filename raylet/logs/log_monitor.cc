#include "raylet/logs/log_monitor.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <unordered_map>
#include <utility>

#include "common/logging.h"
#include "raylet/logs/log_lines.h"
#include "raylet/logs/log_reader.h"
#include "raylet/logs/log_tail.h"
#include "raylet/workers/worker_command.h"

namespace troupe::raylet {
namespace {

// Of one file in one turn of the loop, so that a flood leaves the loop to others.
constexpr std::size_t kTurnBytes = 512u << 10;
// A process that floods is read in larger steps, unless it writes faster than that: what is not read stays on the disk.
constexpr std::chrono::milliseconds kFloodPause{10};
constexpr std::uint64_t kFloodBacklog = 8u << 20;

struct Stream {
  Stream(const std::string& path, const LogMonitor::Options& options, bool err)
      : tail(path, options.keep_bytes), splitter(options.max_line_bytes), is_stderr(err) {}

  LogTail tail;
  LineSplitter splitter;
  const bool is_stderr;
  std::uint64_t dropped = 0;
};

struct Watched {
  Watched(ProcessId id, const LogMonitor::Options& options, MonotonicTime now)
      : process(id),
        streams{Stream(WorkerLogPath(options.session_dir, id, false), options, false),
                Stream(WorkerLogPath(options.session_dir, id, true), options, true)},
        rate(options.lines_per_second, options.bytes_per_second, now) {}

  const ProcessId process;
  std::array<Stream, 2> streams;
  LineRate rate;
  bool scheduled = false;  // a turn of Drain() is to come
  bool ended = false;
  std::vector<std::function<void()>> done;
  TimerId timer = 0;  // to report what was dropped
};

}  // namespace

class LogMonitor::Impl {
 public:
  Impl(EventLoop& loop, boost::asio::io_context& context, Options options, Sink sink)
      : loop_(loop),
        options_(std::move(options)),
        sink_(std::move(sink)),
        inotify_(context),
        reader_(loop, options_, [this](ProcessId process) { return watched_.contains(process); }),
        self_(std::make_shared<Impl*>(this)) {}

  Status Start() {
    const int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) return ErrnoStatus(errno, "cannot follow log files: inotify (see fs.inotify.max_user_instances)");
    inotify_.assign(fd);
    const std::string directory = options_.session_dir + "/logs";
    if (inotify_add_watch(fd, directory.c_str(), IN_MODIFY | IN_CREATE | IN_ONLYDIR) < 0) {
      return ErrnoStatus(errno, "cannot follow log files in " + directory);
    }
    AwaitEvents();
    return OkStatus();
  }

  void Watch(ProcessId process) {
    auto& watched = watched_[process];
    if (watched) return;
    watched = std::make_unique<Watched>(process, options_, loop_.Now());
    Schedule(*watched);
  }

  void Flush(ProcessId process) {
    const auto found = watched_.find(process);
    if (found == watched_.end()) return;
    Watched& watched = *found->second;
    watched.rate.Refill(loop_.Now());
    for (Stream& stream : watched.streams) Feed(watched, stream, stream.tail.Read(kTurnBytes));
    ReportDropped(watched);
  }

  void Unwatch(ProcessId process, std::function<void()> done) {
    const auto found = watched_.find(process);
    if (found == watched_.end()) {
      if (done) loop_.Post(std::move(done));
      return;
    }
    found->second->ended = true;
    if (done) found->second->done.push_back(std::move(done));
    Schedule(*found->second);
  }

  LogReader& reader() { return reader_; }

 private:
  void AwaitEvents() {
    inotify_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [weak = std::weak_ptr(self_)](const boost::system::error_code& error) {
                          const auto self = weak.lock();
                          if (!error && self) (*self)->OnEvents();
                        });
  }

  void OnEvents() {
    alignas(inotify_event) char buffer[16u << 10];
    const ssize_t size = read(inotify_.native_handle(), buffer, sizeof buffer);
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        for (auto& [process, watched] : watched_) Schedule(*watched);
      } else if (event->len > 0) {
        OnFile(event->name);
      }
    }
    reader_.Wake();
    AwaitEvents();
  }

  // "worker-<16 digits>.out"
  void OnFile(std::string_view name) {
    static constexpr std::string_view kPrefix = "worker-";
    if (!name.starts_with(kPrefix)) return;
    const auto process = ProcessId::FromHex(name.substr(kPrefix.size(), 16));
    if (!process) return;
    if (const auto found = watched_.find(*process); found != watched_.end()) Schedule(*found->second);
  }

  void Schedule(Watched& watched) {
    if (std::exchange(watched.scheduled, true)) return;
    loop_.Post(DrainLater(watched.process));
  }

  std::function<void()> DrainLater(ProcessId process) {
    return [weak = std::weak_ptr(self_), process] {
      const auto self = weak.lock();
      if (!self) return;
      const auto found = (*self)->watched_.find(process);
      if (found != (*self)->watched_.end()) (*self)->Drain(*found->second);
    };
  }

  void Drain(Watched& watched) {
    watched.scheduled = false;
    watched.rate.Refill(loop_.Now());
    std::uint64_t backlog = 0;
    bool flooded = false;
    for (Stream& stream : watched.streams) {
      const std::string data = stream.tail.Read(kTurnBytes);
      backlog += stream.tail.backlog();
      Feed(watched, stream, data);
      flooded = flooded || stream.dropped > 0;
    }
    if (backlog > 0) {
      watched.scheduled = true;
      if (flooded && !watched.ended && backlog < kFloodBacklog) {
        loop_.After(kFloodPause, DrainLater(watched.process));
      } else {
        loop_.Post(DrainLater(watched.process));
      }
    } else if (watched.ended) {
      Finish(watched);
    } else if (flooded && watched.timer == 0) {
      watched.timer = loop_.After(options_.report_dropped_after, ReportLater(watched.process));
    }
  }

  void Feed(Watched& watched, Stream& stream, std::string_view data) {
    std::vector<std::string> lines;
    const std::uint64_t before = stream.dropped;
    std::uint64_t dropped = 0;
    stream.splitter.Feed(data, [&](std::string_view line) {
      // After one line is left out the rest of this turn is too: the count stands before the lines of the next.
      if (dropped == 0 && watched.rate.Take(line.size() + 1)) {
        lines.emplace_back(line);
      } else {
        ++dropped;
      }
    });
    stream.dropped += dropped;
    if (lines.empty()) return;
    stream.dropped = dropped;
    sink_(watched.process, stream.is_stderr, std::move(lines), before);
  }

  std::function<void()> ReportLater(ProcessId process) {
    return [weak = std::weak_ptr(self_), process] {
      const auto self = weak.lock();
      if (!self) return;
      const auto found = (*self)->watched_.find(process);
      if (found == (*self)->watched_.end()) return;
      found->second->timer = 0;
      (*self)->ReportDropped(*found->second);
    };
  }

  void ReportDropped(Watched& watched) {
    for (Stream& stream : watched.streams) {
      const std::uint64_t dropped = std::exchange(stream.dropped, 0);
      if (dropped > 0) sink_(watched.process, stream.is_stderr, {}, dropped);
    }
  }

  void Finish(Watched& watched) {
    for (Stream& stream : watched.streams) {
      stream.splitter.Flush([&](std::string_view line) {
        sink_(watched.process, stream.is_stderr, {std::string(line)}, std::exchange(stream.dropped, 0));
      });
    }
    ReportDropped(watched);
    loop_.Cancel(watched.timer);
    const auto done = std::move(watched.done);
    watched_.erase(watched.process);
    reader_.Wake();
    for (const auto& callback : done) callback();
  }

  EventLoop& loop_;
  const Options options_;
  const Sink sink_;
  boost::asio::posix::stream_descriptor inotify_;
  std::unordered_map<ProcessId, std::unique_ptr<Watched>> watched_;
  LogReader reader_;
  std::shared_ptr<Impl*> self_;  // what posted work holds weakly: gone with this
};

LogMonitor::LogMonitor(EventLoop& loop, boost::asio::io_context& context, Options options, Sink sink)
    : impl_(std::make_unique<Impl>(loop, context, std::move(options), std::move(sink))) {}

LogMonitor::~LogMonitor() = default;

Status LogMonitor::Start() { return impl_->Start(); }

void LogMonitor::Watch(ProcessId process) { impl_->Watch(process); }

void LogMonitor::Flush(ProcessId process) { impl_->Flush(process); }

void LogMonitor::Unwatch(ProcessId process, std::function<void()> done) { impl_->Unwatch(process, std::move(done)); }

void LogMonitor::Read(const pb::ReadLogRequest& request, std::function<void(pb::LogChunk)> reply) {
  impl_->reader().Read(request, std::move(reply));
}

}  // namespace troupe::raylet
