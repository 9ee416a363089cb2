// ActorTable: which actors exist, and what happens to them next.
//
//   PENDING --placed--> STARTING --constructor returned--> ALIVE
//      ^---no room-------/   |  process died                 |
//                            v                               |
//   DEAD <--budget used-- RESTARTING <-----process died------/
//
// After its back-off a RESTARTING actor is placed and STARTING again, with the next incarnation. DEAD, from any state,
// is final: intended exit, Kill, release, its creator or job gone, constructor failed, budget used.
//
// No incarnation, and no holder of a name, starts before the process of the one before it can take no more calls. So an
// actor that is to end keeps its state until its raylet has seen the process end, or its node is dead (NodeTable).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "head/actor_placer.h"
#include "head/actor_store.h"
#include "head/actor_updates.h"
#include "head/cluster_view.h"
#include "head/environment.h"
#include "head/facts.h"
#include "head/name_queue.h"

namespace troupe::head {

struct ActorLimits {
  std::size_t actors = 1'000'000;  // known at once, dead ones included
};

// Loop thread only. Messages of raylets that are out of date (another incarnation, an actor that has ended) change
// nothing, but a process that should not run is told to stop.
class ActorTable {
 public:
  // `view`, `facts` and the environment outlive the table. `on_last_died`: no actor of the job lives any more.
  ActorTable(Environment& environment, ClusterView& view, const Facts& facts, ActorLimits limits = {},
             std::function<void(JobId)> on_last_died = {});
  ~ActorTable();

  // The actors of an earlier start of the head; those that have no process are placed again. Before anything else, and
  // once nodes and jobs are known. DATA_LOSS names the actor.
  Status Restore(const Rows& rows);

  // --- What clients ask for. Answers are given at once, and what is answered may not be committed yet: who asks from
  // outside gives a reply that is held (Commits).
  // Idempotent by id. INVALID_ARGUMENT for a bad spec, ALREADY_EXISTS when another actor holds the name (and
  // get_if_exists is not set) or the id, FAILED_PRECONDITION when the job or creator has ended, RESOURCE_EXHAUSTED.
  // While an actor that is ending holds the name, waits for its end, with or without get_if_exists, and answers
  // `ask_again` after NameQueue::kPatience.
  void Register(const pb::RegisterActorRequest& request, Reply<pb::ActorReply> reply);
  // NOT_FOUND; by its name also for an actor that is ending, as nobody should get a new handle to it.
  Result<pb::ActorInfo> Find(const pb::FindActor& request);
  // NOT_FOUND for an unknown actor; a dead one stays as it is. With `no_restart` its process has ended when the reply
  // is given, and its name is free; on a node that cannot be reached that takes as long as its lease. Otherwise its
  // process ends soon and its budget decides.
  void Kill(const pb::KillActorRequest& request, Reply<pb::ActorReply> reply);
  // The last handle went. Ends the actor when what is queued has run; nothing for a detached or unknown one.
  void Release(const ActorId& actor);
  pb::ListActorsReply List(const pb::ListActorsRequest& request) const;
  void Watch(const NodeId& node, const ActorId& actor, bool stop);

  // --- What happens.
  void OnStarted(const NodeId& node, const pb::ActorStarted& started);
  void OnStartFailed(const NodeId& node, const pb::ActorStartFailed& failed);
  void OnProcessDied(const NodeId& node, const pb::ActorProcessDied& died);
  // A node said which actors run or start on it; what was sent to it before may be lost. It may still have news of
  // those that it did not list, sent ahead of its first report.
  void NodeJoined(const NodeId& node, const pb::NodeHello& hello);
  void NodeReported(const NodeId& node);
  void NodeDied(const NodeId& node, const std::string& reason);
  void ProcessEnded(ProcessId process);  // of any kind: what it created and is not detached ends
  void JobEnded(JobId job);
  void CapacityChanged() { placer_.Retry(); }  // a node joined

  const Actor* Get(const ActorId& actor) const { return store_.Find(actor); }
  bool HasLive(JobId job) const { return store_.HasLive(job); }
  std::vector<pb::Demand> Demands() const { return placer_.Demands(); }
  void Count(pb::Status* status) const;

 private:
  Status CheckCreator(const Actor& actor) const;
  Result<Actor*> FindByIdOrName(const std::string& id, const std::string& name_space, const std::string& name);
  // The actor whose process of that incarnation runs or starts on `node`; nullptr for anything out of date.
  Actor* Current(const NodeId& node, const std::string& id, std::uint64_t incarnation);

  void Start(Actor& actor, const NodeId& node);
  void SendStart(const Actor& actor);
  void Resync(const NodeId& node, const ActorId& id, std::uint64_t incarnation);
  void SendStop(const Actor& actor, const std::string& reason, bool graceful);
  void StopStray(const NodeId& node, const std::string& id, std::uint64_t incarnation);
  void NoRoom(Actor& actor);
  void NotNow(Actor& actor, const pb::Error& error);
  void WaitAgain(Actor& actor, const std::string& reason);
  void ProcessGone(Actor& actor, pb::Error error);
  void End(Actor& actor, const std::string& reason);  // stops its process, if any: then it dies once that has ended
  void Die(Actor& actor, pb::Error error);
  void LeaveJob(Actor& actor);
  bool OutlivesJob(const Actor& actor);
  // Registers those who waited for it.
  void NameIsFree(const std::string& name_space, const std::string& name);

  void Rest(Actor& actor);  // places it when its back-off is over
  static void AnswerKnown(const Actor& known, bool existed, const Reply<pb::ActorReply>& reply);
  // Its row is written; Publish() of updates_ sees to that itself.
  void Changed(const Actor& actor);

  // Runs `visit` for every actor that is not dead, also when `visit` ends some.
  void ForEachLive(const std::function<void(Actor&)>& visit);

  Environment& environment_;
  ClusterView& view_;
  const Facts& facts_;
  const ActorLimits limits_;
  const std::function<void(JobId)> on_last_died_;
  ActorStore store_;
  ActorUpdates updates_;
  ActorPlacer placer_;
  NameQueue names_;
  // Actors that should be on a node that came back, but were not in its list: with the incarnation that should.
  std::map<NodeId, std::vector<std::pair<ActorId, std::uint64_t>>> unlisted_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // commits may end after the table
};

}  // namespace troupe::head
