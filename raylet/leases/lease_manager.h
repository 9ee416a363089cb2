// LeaseManager: finds workers, here or on other nodes, for the tasks of this node's clients.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/event_loop.h"
#include "proto/client.pb.h"
#include "proto/node.pb.h"
#include "raylet/cluster_view.h"
#include "raylet/leases/local_leases.h"
#include "raylet/leases/local_resources.h"
#include "raylet/ports/client_info.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/process_observer.h"
#include "raylet/programs/job_table.h"
#include "scheduler/scheduler.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Each (client, key) is one request for a number of leases. Whenever something may have changed, the requests are
// served in turn, one lease each per round, beginning with the one whose last turn is longest ago; one that finds no
// room does not hold up those behind it. Decisions are scheduler::Decide's. Loop thread.
class LeaseManager : public ProcessObserver {
 public:
  // How long a node that had no room, against its last report, is left alone when it reports nothing new.
  static constexpr std::chrono::milliseconds kFullFor{1000};
  // Nodes that cannot get a job's program at the moment are left alone for this long at least, by that job.
  static constexpr std::chrono::milliseconds kAvoidFor{2000};
  // A client with more requests than this gets an error.
  static constexpr std::size_t kMaxKeysPerClient = 10'000;
  // One request gets this many workers at a time, and all together this many are sought at a time: tasks that need no
  // resources would otherwise get as many processes as somebody cares to ask for.
  static constexpr std::uint32_t kMaxWanted = 1000;
  static constexpr std::size_t kMaxAttempts = 10'000;
  // Of these at most, the reports to the head tell.
  static constexpr std::size_t kMaxReported = 1000;

  // All outlive the manager.
  struct Parts {
    EventLoop& loop;
    ClusterView& cluster;
    LocalResources& resources;
    LocalLeases& leases;
    const JobTable& jobs;
    ClientOutbox& clients;
    PeerOutbox& peers;
  };

  // `labels`: of this node. `own_cpu_units`: what this node's actors without CPUs count for.
  LeaseManager(Parts parts, std::map<std::string, std::string> labels, std::function<std::int64_t()> own_cpu_units);

  void OnRequest(const ClientInfo& client, const pb::LeaseRequest& request);
  void OnReturn(ProcessId client, const pb::ReturnLease& lease);
  void OnRemoteAnswer(NodeId from, const pb::RemoteLeaseAnswer& answer);
  // The client is gone: withdraws its requests. Leases it holds end in LocalLeases.
  void OnClientGone(ProcessId client);
  void OnNodeDied(NodeId node);

  void OnProcessOver(const EndedProcess& process) override {
    if (process.is_local) OnClientGone(process.address.process);
    Kick();
  }
  void OnNodeOver(NodeId node, const std::string&) override { OnNodeDied(node); }

  // Resources, nodes or reports have changed: looks at the requests again soon.
  void Kick();

  // What waits and why, for the head.
  std::vector<pb::Demand> Pending() const;

 private:
  using Key = std::pair<ProcessId, std::uint64_t>;
  using AttemptId = std::uint64_t;
  struct Request {
    JobId job;
    scheduler::Demand demand;
    pb::LeaseRequest message;
    std::uint32_t wanted = 0;
    std::set<AttemptId> attempts;  // under way; at most `wanted`
    bool infeasible = false;
    std::string reason;
  };
  struct Attempt {
    Key key;
    NodeId node;
    LocalLeases::LeaseId lease = 0;  // here, when node is this one
    ResourceSet debited = {};        // in the view of the other node until it reports,
    std::uint64_t report = 0;        // counting from this one
  };
  using Views = std::vector<scheduler::NodeView>;
  // Nodes that could not get a job's program, and why: others come first. If none has room these are asked again.
  struct Avoided {
    std::map<NodeId, std::string> nodes;
    MonotonicTime until{};
    TimerId timer = 0;
  };

  void Run();
  Views CurrentViews() const;
  bool TryStart(const Key& key, Request& request, Views& views);
  Views Usable(const Request& request, const Views& views) const;
  std::string WhyAvoided(JobId job) const;
  bool StartLocal(const Key& key, Request& request);
  bool StartRemote(const Key& key, Request& request, NodeId node);
  void OnGranted(AttemptId id, pb::LeaseGranted granted);
  void OnFailed(AttemptId id, const pb::Error& error);
  void OnNotNow(AttemptId id, const pb::Error& error);
  // Whether there were such nodes and their time is over.
  bool ForgetAvoided(JobId job);
  void SetWaiting(const Key& key, Request& request, bool infeasible, const std::string& reason);
  AttemptId AddAttempt(const Key& key, Request& request, NodeId node);
  void DropAttempt(AttemptId id);
  void AbandonAttempt(AttemptId id);
  void TakeBackDebit(Attempt& attempt);
  void MarkFull(NodeId node);
  void Erase(const Key& key);
  void SendError(const Key& key, const pb::Error& error);
  void GiveBack(const pb::LeaseGranted& granted);

  Parts parts_;
  const std::map<std::string, std::string> labels_;
  const std::function<std::int64_t()> own_cpu_units_;
  NodeId spread_cursor_;
  std::map<Key, Request> requests_;
  std::list<Key> turns_;  // every request once; who was served last is last
  std::unordered_map<AttemptId, Attempt> attempts_;
  AttemptId last_attempt_ = 0;
  std::map<NodeId, TimerId> full_;  // nodes without room, until they are asked again
  std::map<JobId, Avoided> avoided_;
  bool kicked_ = false;
  std::shared_ptr<LeaseManager*> self_;  // what posted work holds weakly: gone with this
};

}  // namespace troupe::raylet
