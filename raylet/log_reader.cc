#include "raylet/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/utf8.h"
#include "raylet/driver_runner.h"
#include "raylet/worker_command.h"

namespace troupe::raylet {
namespace {

constexpr std::uint32_t kDefaultBytes = 64u << 10;
constexpr std::uint32_t kMaxBytes = 1u << 20;
constexpr std::uint32_t kMaxWaitMs = 5'000;
constexpr std::size_t kMaxWaiting = 1'024;
// For what no file event tells: that a driver has ended, or a log outside of the session's folder.
constexpr std::chrono::milliseconds kPollInterval{100};

struct Part {
  bool exists = false;
  std::uint64_t offset = 0;
  std::string data;
  std::uint64_t size = 0;  // of the file
};

// Up to `max_bytes` from `offset`, or the last ones when `tail`. Blocks for one read.
Part ReadPart(const std::string& path, std::uint64_t offset, std::uint32_t max_bytes, bool tail) {
  Part part;
  part.offset = offset;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return part;
  struct stat info;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    part.exists = true;
    part.size = static_cast<std::uint64_t>(info.st_size);
    if (tail) part.offset = part.size - std::min<std::uint64_t>(part.size, max_bytes);
    // The beginning of a log that was too long has been given back to the disk: go on where there is data.
    const off_t data_start = lseek(fd, static_cast<off_t>(part.offset), SEEK_DATA);
    if (data_start > 0) part.offset = static_cast<std::uint64_t>(data_start);
    part.data.resize(max_bytes);
    const ssize_t count = pread(fd, part.data.data(), part.data.size(), static_cast<off_t>(part.offset));
    part.data.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  close(fd);
  return part;
}

}  // namespace

// A log by its identifiers. Paths are made here and nowhere from what a caller sent, except for ids of known form.
struct LogReader::Log {
  std::string path;
  std::string title;
  std::string error;     // set: there is no such log
  bool running = false;  // more may come
};

struct LogReader::Waiting {
  pb::ReadLogRequest request;
  Reply reply;
  MonotonicTime deadline;
};

LogReader::LogReader(EventLoop& loop, const LogMonitor::Options& options, std::function<bool(ProcessId)> worker_running)
    : loop_(loop),
      options_(options),
      worker_running_(std::move(worker_running)),
      self_(std::make_shared<LogReader*>(this)) {}

LogReader::~LogReader() { loop_.Cancel(poll_timer_); }

LogReader::Log LogReader::Find(const pb::ReadLogRequest& request) const {
  Log log;
  switch (request.source()) {
    case pb::ReadLogRequest::WORKER:
    case pb::ReadLogRequest::ACTOR: {
      const ProcessId process{request.process()};
      log.title = "worker " + process.Hex();
      log.path = WorkerLogPath(options_.session_dir, process, request.is_stderr());
      log.running = worker_running_(process);
      break;
    }
    case pb::ReadLogRequest::SUBMISSION:
      log.title = "submission " + request.submission();
      log.path = DriverLogPath(options_.session_dir, request.submission());
      log.running = options_.driver_running && options_.driver_running(request.submission());
      if (!IsSubmissionId(request.submission())) log.error = "the submission's id is not one";
      break;
    case pb::ReadLogRequest::RAYLET:
      log.title = "this raylet";
      log.path = options_.raylet_log;
      log.running = true;
      if (log.path.empty()) log.error = "this raylet does not log to a file";
      break;
    default: log.error = "this raylet has no log of that kind";
  }
  return log;
}

void LogReader::Read(const pb::ReadLogRequest& request, Reply reply) {
  auto waiting = std::make_unique<Waiting>();
  waiting->request = request;
  const std::uint32_t asked = request.max_bytes() == 0 ? kDefaultBytes : request.max_bytes();
  waiting->request.set_max_bytes(std::min(asked, kMaxBytes));
  waiting->reply = std::move(reply);
  const std::chrono::milliseconds wait(std::min(request.wait_ms(), kMaxWaitMs));
  waiting->deadline = loop_.Now() + wait;
  if (TryAnswer(*waiting, wait.count() == 0 || waiting_.size() >= kMaxWaiting)) return;
  waiting_.push_back(std::move(waiting));
  if (poll_timer_ == 0) Poll();
}

bool LogReader::TryAnswer(Waiting& waiting, bool last) {
  pb::ReadLogRequest& request = waiting.request;
  const Log log = Find(request);
  pb::LogChunk chunk;
  chunk.set_error(Utf8(log.error));
  if (!log.error.empty()) return Answer(waiting, std::move(chunk)), true;

  Part part = ReadPart(log.path, request.offset(), request.max_bytes(), request.tail());
  if (!part.exists && !log.running) {
    chunk.set_error(Utf8("no log of " + log.title + " is on this node"));
    return Answer(waiting, std::move(chunk)), true;
  }
  // The raylet's own log rotates: beyond its end means that a new file has begun.
  if (request.source() == pb::ReadLogRequest::RAYLET && part.offset > part.size) {
    part = ReadPart(log.path, 0, request.max_bytes(), false);
  }
  const bool end = !log.running && part.offset + part.data.size() >= part.size;
  if (part.data.empty() && !end && !last) {
    request.set_tail(false);
    request.set_offset(part.offset);
    return false;
  }
  chunk.set_offset(part.offset);
  chunk.set_data(std::move(part.data));
  chunk.set_end(end);
  return Answer(waiting, std::move(chunk)), true;
}

void LogReader::Answer(Waiting& waiting, pb::LogChunk chunk) {
  loop_.Post([weak = std::weak_ptr(self_), reply = std::move(waiting.reply), chunk = std::move(chunk)] {
    if (!weak.expired()) reply(chunk);
  });
}

void LogReader::Wake() {
  std::erase_if(waiting_, [&](const std::unique_ptr<Waiting>& waiting) {
    return TryAnswer(*waiting, loop_.Now() >= waiting->deadline);
  });
}

void LogReader::Poll() {
  poll_timer_ = 0;
  Wake();
  if (waiting_.empty()) return;
  std::chrono::nanoseconds next = kPollInterval;
  for (const auto& waiting : waiting_) next = std::min(next, waiting->deadline - loop_.Now());
  poll_timer_ = loop_.After(next, [weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) (*self)->Poll();
  });
}

}  // namespace troupe::raylet
