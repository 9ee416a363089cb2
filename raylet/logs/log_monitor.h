// LogMonitor: follows the output files of this node's workers for their drivers, and reads logs for people.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/event_loop.h"
#include "common/status.h"
#include "proto/head.pb.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Loop thread only; callbacks come from the loop. `loop` and `context` (the loop's own) must outlive it. Files are
// <session>/logs/worker-<process>.out and .err, job-<submission>.log, and the raylet's own log.
class LogMonitor {
 public:
  struct Options {
    std::string session_dir = {};
    std::string raylet_log = {};             // path; empty: the raylet logs elsewhere
    std::uint64_t lines_per_second = 2'000;  // per process, both streams; what is beyond is counted, not sent
    std::uint64_t bytes_per_second = 1u << 20;
    std::uint64_t max_line_bytes = 64u << 10;  // longer lines are cut into several
    std::uint64_t keep_bytes = 64u << 20;      // of a worker's file on disk: older bytes give their blocks back
    // After a flood that ends without another line its count is sent all the same.
    std::chrono::milliseconds report_dropped_after{1'000};
    // Whether the driver of a submission runs, for the `end` of its log. Empty: none does.
    std::function<bool(const std::string& submission)> driver_running = {};
    // Whether a worker's file that is not there was empty at its end. Empty: none was.
    std::function<bool(const std::string& path)> was_empty = {};
  };

  // Whole lines of one stream in order, without their ends. `dropped` lines were left out before these.
  using Sink = std::function<void(ProcessId, bool is_stderr, std::vector<std::string> lines, std::uint64_t dropped)>;

  LogMonitor(EventLoop& loop, boost::asio::io_context& context, Options options, Sink sink);
  ~LogMonitor();
  LogMonitor(const LogMonitor&) = delete;
  LogMonitor& operator=(const LogMonitor&) = delete;

  // Begins to follow files and must succeed before anything else is called. The error of inotify, or that logs/ is not
  // there.
  Status Start();

  // Follows a worker's output from its first byte.
  void Watch(ProcessId process);
  // Sends what the worker has printed so far within the call, but for what a flood left on the disk.
  void Flush(ProcessId process);
  // The worker has ended: sends what its files still hold, a last line without an end included, and then `done`.
  void Unwatch(ProcessId process, std::function<void()> done = {});

  // Reads part of a log, named by identifiers only: a worker (also as the latest process of an actor), a submission, or
  // this raylet. `reply` runs once, later: at once when there are bytes, else when some come, the log ends or wait_ms
  // has passed. Its `error` is set when there is no such log here; its `request` is left to the caller.
  void Read(const pb::ReadLogRequest& request, std::function<void(pb::LogChunk)> reply);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace troupe::raylet
