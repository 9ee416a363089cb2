// JobTable: the jobs that this node has to do with.
#pragma once

#include <deque>
#include <functional>
#include <unordered_map>

#include "proto/common.pb.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Whether nothing of the job goes on: its driver has ended, and no detached actor is left that it or its actors made.
inline bool JobEnded(const pb::JobInfo& job) {
  const bool driver_ended = job.state() == pb::JobInfo::SUCCEEDED || job.state() == pb::JobInfo::FAILED ||
                            job.state() == pb::JobInfo::STOPPED;
  return driver_ended && !job.in_use();
}

// Loop thread.
class JobTable {
 public:
  struct Events {
    std::function<void(const pb::JobInfo&)> on_learned;  // this node has to do with it now, or its program has changed
    std::function<void(const pb::JobInfo&)> on_ended;    // once per job
  };

  explicit JobTable(Events events) : events_(std::move(events)) {}

  // This node has to do with the job: it runs its driver, or is asked for workers. A job that has ended stays so, and a
  // package once known is kept.
  void Learn(const pb::JobInfo& job);
  // From the head, which tells every node of every job. Its word replaces what was known.
  void Update(const pb::JobInfo& job);

  // Null for unknown jobs. Ended ones are kept for a while, for requests that come late.
  const pb::JobInfo* Find(JobId job) const;

 private:
  static constexpr std::size_t kMaxEnded = 1000;

  struct Entry {
    pb::JobInfo info;
    bool learned = false;
  };

  void Put(const pb::JobInfo& job, bool learned);

  Events events_;
  std::unordered_map<JobId, Entry> jobs_;
  std::deque<JobId> ended_;  // oldest first
};

}  // namespace troupe::raylet
