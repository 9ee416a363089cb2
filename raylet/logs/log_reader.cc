#include "raylet/logs/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "common/utf8.h"
#include "raylet/workers/driver_runner.h"
#include "raylet/workers/worker_command.h"

namespace troupe::raylet {

struct LogReader::Part {
  bool exists = false;
  std::uint64_t offset = 0;
  std::string data;
  std::uint64_t size = 0;  // of the file
};

namespace {

constexpr std::uint32_t kDefaultBytes = 64u << 10;
constexpr std::uint32_t kMaxBytes = 1u << 20;
constexpr std::uint32_t kMaxWaitMs = 5'000;
constexpr std::size_t kMaxWaiting = 1'024;
// For what no file event tells: that a driver has ended, or a log outside of the session's folder.
constexpr std::chrono::milliseconds kPollInterval{100};
constexpr std::chrono::milliseconds kLeastInterval{1};

}  // namespace

// Up to `max_bytes` from `offset`, or the last ones when `tail`. Blocks for one read.
LogReader::Part LogReader::ReadPart(const std::string& path, std::uint64_t offset, std::uint32_t max_bytes, bool tail) {
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
  bool reading = false;
  bool again = false;  // something has happened since the read began
};

LogReader::LogReader(EventLoop& loop, const LogMonitor::Options& options, std::function<bool(ProcessId)> worker_running)
    : loop_(loop),
      options_(options),
      worker_running_(std::move(worker_running)),
      self_(std::make_shared<LogReader*>(this)),
      files_(loop, "troupe-reader") {}

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
  auto owned = std::make_unique<Waiting>();
  Waiting& waiting = *owned;
  waiting.request = request;
  const std::uint32_t asked = request.max_bytes() == 0 ? kDefaultBytes : request.max_bytes();
  waiting.request.set_max_bytes(std::min(asked, kMaxBytes));
  waiting.reply = std::move(reply);
  const bool patient = waiting_.size() < kMaxWaiting;
  waiting.deadline = loop_.Now() + std::chrono::milliseconds(patient ? std::min(request.wait_ms(), kMaxWaitMs) : 0);
  waiting_.emplace(++last_, std::move(owned));
  Look(last_);
  SchedulePoll();
}

// Whether more can come is asked before the file is read: what comes in between is then not missed.
void LogReader::Look(std::uint64_t id) {
  Waiting& waiting = *waiting_.at(id);
  waiting.again = waiting.reading;
  if (std::exchange(waiting.reading, true)) return;
  const pb::ReadLogRequest& request = waiting.request;
  Log log = Find(request);
  if (!log.error.empty()) {
    pb::LogChunk chunk;
    chunk.set_error(Utf8(log.error));
    return Answer(id, std::move(chunk));
  }
  const bool rotates = request.source() == pb::ReadLogRequest::RAYLET;
  files_.Run(
      [path = log.path, offset = request.offset(), max_bytes = request.max_bytes(), tail = request.tail(), rotates] {
        Part part = ReadPart(path, offset, max_bytes, tail);
        // Beyond the end of a log that rotates means that a new file has begun.
        return rotates && part.offset > part.size ? ReadPart(path, 0, max_bytes, false) : part;
      },
      [this, id, log](Part part) { OnPart(id, log, std::move(part)); });
}

void LogReader::OnPart(std::uint64_t id, const Log& log, Part part) {
  Waiting& waiting = *waiting_.at(id);
  waiting.reading = false;
  pb::LogChunk chunk;
  const bool was_empty = options_.was_empty && options_.was_empty(log.path);
  if (!part.exists && !log.running && !was_empty) {
    chunk.set_error(Utf8("no log of " + log.title + " is on this node, or not any more: see --keep-worker-logs"));
    return Answer(id, std::move(chunk));
  }
  const bool end = !log.running && part.offset + part.data.size() >= part.size;
  if (part.data.empty() && !end && loop_.Now() < waiting.deadline) {
    waiting.request.set_tail(false);
    waiting.request.set_offset(part.offset);
    if (waiting.again) Look(id);
    return;
  }
  chunk.set_offset(part.offset);
  chunk.set_data(std::move(part.data));
  chunk.set_end(end);
  Answer(id, std::move(chunk));
}

void LogReader::Answer(std::uint64_t id, pb::LogChunk chunk) {
  auto waiting = waiting_.extract(id);
  loop_.Post([weak = std::weak_ptr(self_), reply = std::move(waiting.mapped()->reply), chunk = std::move(chunk)] {
    if (!weak.expired()) reply(chunk);
  });
}

void LogReader::Wake() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, waiting] : waiting_) ids.push_back(id);
  for (const std::uint64_t id : ids) Look(id);
}

void LogReader::Poll() {
  poll_timer_ = 0;
  Wake();
  SchedulePoll();
}

void LogReader::SchedulePoll() {
  if (waiting_.empty() || poll_timer_ != 0) return;
  std::chrono::nanoseconds next = kPollInterval;
  for (const auto& [id, waiting] : waiting_) next = std::min(next, waiting->deadline - loop_.Now());
  poll_timer_ = loop_.After(std::max<std::chrono::nanoseconds>(next, kLeastInterval), [weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) (*self)->Poll();
  });
}

}  // namespace troupe::raylet
