// LogReader: answers requests for parts of this node's logs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/event_loop.h"
#include "proto/head.pb.h"
#include "raylet/logs/log_monitor.h"
#include "raylet/programs/file_thread.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Loop thread only; replies come from the loop, in a turn of their own. Files are read on a thread.
class LogReader {
 public:
  using Reply = std::function<void(pb::LogChunk)>;

  // `worker_running`: whether more can come from a worker.
  LogReader(EventLoop& loop, const LogMonitor::Options& options, std::function<bool(ProcessId)> worker_running);
  ~LogReader();
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  void Read(const pb::ReadLogRequest& request, Reply reply);

  // Looks again on behalf of those who wait: a file has grown or a process has ended.
  void Wake();

 private:
  struct Log;
  struct Part;
  struct Waiting;

  static Part ReadPart(const std::string& path, std::uint64_t offset, std::uint32_t max_bytes, bool tail);
  Log Find(const pb::ReadLogRequest& request) const;
  void Look(std::uint64_t id);
  void OnPart(std::uint64_t id, const Log& log, Part part);
  void Poll();
  void SchedulePoll();
  void Answer(std::uint64_t id, pb::LogChunk chunk);

  EventLoop& loop_;
  const LogMonitor::Options& options_;
  const std::function<bool(ProcessId)> worker_running_;
  std::map<std::uint64_t, std::unique_ptr<Waiting>> waiting_;
  std::uint64_t last_ = 0;
  TimerId poll_timer_ = 0;
  std::shared_ptr<LogReader*> self_;  // what posted work holds weakly: gone with this
  FileThread files_;
};

}  // namespace troupe::raylet
