// ActorDirectory: answers this node's clients about actors, and keeps them up to date.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>

#include "proto/client.pb.h"
#include "proto/head.pb.h"
#include "raylet/ports/client_info.h"
#include "raylet/ports/head_port.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/process_observer.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Requests go on to the head. Of an actor that some client has asked about, the head sends updates, which are kept and
// passed to every client that asked; they also answer lookups while the head is away. Loop thread. `head` may answer
// after the client has gone; both ports outlive this.
class ActorDirectory : public ProcessObserver {
 public:
  ActorDirectory(NodeId self, HeadPort& head, ClientOutbox& clients)
      : self_(self), head_(head), clients_(clients), alive_(std::make_shared<ActorDirectory*>(this)) {}

  void Create(const ClientInfo& client, std::uint64_t request_id, const pb::CreateActor& create);
  void Find(const ClientInfo& client, std::uint64_t request_id, const pb::FindActor& find);
  void ListNamed(const ClientInfo& client, std::uint64_t request_id, const pb::ListNamedActors& list);
  void Kill(const ClientInfo& client, std::uint64_t request_id, const pb::KillActor& kill);
  // Only the creator's word counts.
  void Release(const ClientInfo& client, const pb::ReleaseActor& release);

  void OnUpdate(const pb::ActorInfo& info);
  // An actor runs on this node: its callers here need not wait until the head says so.
  void OnStarted(const pb::ActorStarted& started);
  void OnClientGone(ProcessId client);
  // The head has (come) back and knows of no subscription of ours.
  void OnHeadConnected();

  void OnProcessOver(const EndedProcess& process) override {
    if (process.is_local) OnClientGone(process.address.process);
  }

  // Actors watched now.
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    pb::ActorInfo info;
    bool known = false;  // info is set
    std::set<ProcessId> watchers;
  };

  void OnRegistered(ProcessId client, std::uint64_t request_id, ActorId id, Result<pb::ActorReply> reply);
  void OnInfo(ProcessId client, std::uint64_t request_id, Result<pb::ActorReply> reply);
  void Watch(ActorId id, ProcessId client);
  void SendWatch(ActorId id, bool stop);
  void Tell(const Entry& entry);
  void Reply(ProcessId client, std::uint64_t request_id, pb::RayletToClient reply);
  void ReplyError(ProcessId client, std::uint64_t request_id, const Status& status);

  const NodeId self_;
  HeadPort& head_;
  ClientOutbox& clients_;
  std::unordered_map<ActorId, Entry> entries_;
  std::shared_ptr<ActorDirectory*> alive_;  // what calls to the head hold weakly: gone with this
};

}  // namespace troupe::raylet
