#include "raylet/links/actor_directory.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "raylet/convert.h"
#include "raylet/errors.h"

namespace troupe::raylet {
namespace {

// Answers of the head and its updates take different ways: the older of two may come last. What the head says of an
// actor that it does not know has no version. What runs here is known here before the head tells: what it has yet to
// hear of this incarnation's start is older, whatever its version.
bool Newer(const pb::ActorInfo& a, const pb::ActorInfo& b) {
  if ((a.state() == pb::DEAD) != (b.state() == pb::DEAD)) return a.state() == pb::DEAD;
  const bool starts = a.state() == pb::PENDING || a.state() == pb::STARTING;
  const bool before = a.incarnation() < b.incarnation() || (starts && a.incarnation() == b.incarnation());
  if (a.state() != pb::DEAD && b.state() == pb::ALIVE && before) return false;
  return std::pair(a.epoch(), a.version()) >= std::pair(b.epoch(), b.version());
}

bool SameProcess(const pb::ActorInfo& a, const pb::ActorInfo& b) {
  return a.state() == pb::ALIVE && b.state() == pb::ALIVE && a.incarnation() == b.incarnation() &&
         AddressFromPb(a.address()) == AddressFromPb(b.address());
}

}  // namespace

void ActorDirectory::Create(const ClientInfo& client, std::uint64_t request_id, const pb::CreateActor& create) {
  pb::RegisterActorRequest request;
  *request.mutable_spec() = create.spec();
  request.set_get_if_exists(create.get_if_exists());
  // A client speaks for itself and its job only.
  request.mutable_spec()->set_job(client.job.value);
  *request.mutable_spec()->mutable_creator() = ToPb(Address{self_, client.process});
  if (request.spec().name_space().empty()) request.mutable_spec()->set_name_space(client.name_space);
  // Now, since with its answer the head may already tell what becomes of the actor.
  const ActorId id = IdFromPb<ActorId>(create.spec().id());
  entries_[id].watchers.insert(client.process);
  head_.RegisterActor(
      request, [weak = std::weak_ptr(alive_), process = client.process, request_id, id](Result<pb::ActorReply> reply) {
        if (auto self = weak.lock()) (*self)->OnRegistered(process, request_id, id, std::move(reply));
      });
}

void ActorDirectory::OnRegistered(ProcessId client, std::uint64_t request_id, ActorId id,
                                  Result<pb::ActorReply> reply) {
  const bool made = reply.ok() && IdFromPb<ActorId>(reply->info().id()) == id;
  auto it = entries_.find(id);
  if (!made && it != entries_.end()) {
    it->second.watchers.erase(client);
    if (it->second.watchers.empty()) entries_.erase(it);
  }
  OnInfo(client, request_id, std::move(reply));
}

void ActorDirectory::Release(const ClientInfo& client, const pb::ReleaseActor& release) {
  if (IdFromPb<ActorId>(release.id()).high == client.process.value) return head_.ReleaseActor(release);
  spdlog::warn("process {} may not release an actor that another process made", client.process.Hex());
}

void ActorDirectory::Find(const ClientInfo& client, std::uint64_t request_id, const pb::FindActor& find) {
  const ActorId id = IdFromPb<ActorId>(find.id());
  if (auto it = entries_.find(id); it != entries_.end() && it->second.known) {
    it->second.watchers.insert(client.process);
    pb::RayletToClient reply;
    *reply.mutable_actor_reply()->mutable_info() = it->second.info;
    reply.mutable_actor_reply()->set_existed(true);
    return Reply(client.process, request_id, std::move(reply));
  }
  pb::FindActor request = find;
  if (!id && request.name_space().empty()) request.set_name_space(client.name_space);
  head_.GetActor(request,
                 [weak = std::weak_ptr(alive_), process = client.process, request_id](Result<pb::ActorReply> reply) {
                   if (auto self = weak.lock()) (*self)->OnInfo(process, request_id, std::move(reply));
                 });
}

void ActorDirectory::OnInfo(ProcessId client, std::uint64_t request_id, Result<pb::ActorReply> reply) {
  if (!reply.ok()) return ReplyError(client, request_id, reply.status());
  pb::RayletToClient message;
  if (reply->ask_again()) {
    message.mutable_actor_reply()->set_ask_again(true);
    return Reply(client, request_id, std::move(message));
  }
  const ActorId id = IdFromPb<ActorId>(reply->info().id());
  const bool dead = reply->info().state() == pb::DEAD;
  if (dead) {
    OnUpdate(reply->info());
  } else if (clients_.Connected(client)) {
    Watch(id, client);
    Entry& entry = entries_.at(id);
    if (!entry.known || Newer(reply->info(), entry.info)) entry.info = reply->info();
    entry.known = true;
    *reply->mutable_info() = entry.info;
  }
  *message.mutable_actor_reply() = std::move(*reply);
  Reply(client, request_id, std::move(message));
}

void ActorDirectory::ListNamed(const ClientInfo& client, std::uint64_t request_id, const pb::ListNamedActors& list) {
  pb::ListActorsRequest request;
  request.set_named_only(true);
  request.set_all_namespaces(list.all_namespaces());
  request.set_name_space(list.name_space().empty() ? client.name_space : list.name_space());
  head_.ListActors(
      request, [weak = std::weak_ptr(alive_), process = client.process, request_id](Result<pb::ListActorsReply> reply) {
        auto self = weak.lock();
        if (!self) return;
        if (!reply.ok()) return (*self)->ReplyError(process, request_id, reply.status());
        pb::RayletToClient message;
        *message.mutable_named_actors()->mutable_actors() = std::move(*reply->mutable_actors());
        (*self)->Reply(process, request_id, std::move(message));
      });
}

void ActorDirectory::Kill(const ClientInfo& client, std::uint64_t request_id, const pb::KillActor& kill) {
  pb::KillActorRequest request;
  request.set_id(kill.id());
  request.set_no_restart(kill.no_restart());
  request.set_reason("killed by process " + client.process.Hex() + " (pid " + std::to_string(client.pid) + ")");
  head_.KillActor(request,
                  [weak = std::weak_ptr(alive_), process = client.process, request_id](Result<pb::ActorReply> reply) {
                    auto self = weak.lock();
                    if (!self) return;
                    if (!reply.ok()) return (*self)->ReplyError(process, request_id, reply.status());
                    (*self)->OnUpdate(reply->info());
                    pb::RayletToClient message;
                    message.mutable_done();
                    (*self)->Reply(process, request_id, std::move(message));
                  });
}

void ActorDirectory::OnUpdate(const pb::ActorInfo& info) {
  auto it = entries_.find(IdFromPb<ActorId>(info.id()));
  if (it == entries_.end()) return;
  Entry& entry = it->second;
  if (entry.known && !Newer(info, entry.info)) return;
  const bool is_news = !entry.known || !SameProcess(info, entry.info);
  entry.info = info;
  entry.known = true;
  if (is_news) Tell(entry);
  if (info.state() == pb::DEAD) entries_.erase(it);  // the last word about it, for the head, too
}

// The head gave the incarnation to this node, so nobody else starts it, and it cannot run elsewhere.
void ActorDirectory::OnStarted(const pb::ActorStarted& started) {
  auto it = entries_.find(IdFromPb<ActorId>(started.id()));
  if (it == entries_.end() || !it->second.known) return;
  pb::ActorInfo info = it->second.info;
  if (info.state() == pb::ALIVE || info.incarnation() > started.incarnation()) return;
  info.set_state(pb::ALIVE);
  info.set_incarnation(started.incarnation());
  *info.mutable_address() = started.address();
  info.set_pid(started.pid());
  info.clear_death();
  info.clear_pending_reason();
  info.clear_infeasible();
  it->second.info = std::move(info);
  Tell(it->second);
}

void ActorDirectory::Tell(const Entry& entry) {
  pb::RayletToClient message;
  *message.mutable_actor_update()->mutable_info() = entry.info;
  for (ProcessId watcher : entry.watchers) clients_.Send(watcher, message);
}

void ActorDirectory::OnClientGone(ProcessId client) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    it->second.watchers.erase(client);
    if (!it->second.watchers.empty()) {
      ++it;
      continue;
    }
    SendWatch(it->first, true);
    it = entries_.erase(it);
  }
}

void ActorDirectory::OnHeadConnected() {
  for (const auto& [id, entry] : entries_) SendWatch(id, false);
}

void ActorDirectory::Watch(ActorId id, ProcessId client) {
  auto [it, added] = entries_.try_emplace(id);
  it->second.watchers.insert(client);
  if (added) SendWatch(id, false);
}

void ActorDirectory::SendWatch(ActorId id, bool stop) {
  pb::NodeToHead message;
  message.mutable_watch_actor()->set_id(id.Bytes());
  message.mutable_watch_actor()->set_stop(stop);
  head_.SendIfConnected(message);
}

void ActorDirectory::Reply(ProcessId client, std::uint64_t request_id, pb::RayletToClient reply) {
  reply.set_request_id(request_id);
  clients_.Send(client, reply);
}

void ActorDirectory::ReplyError(ProcessId client, std::uint64_t request_id, const Status& status) {
  pb::RayletToClient reply;
  // A call that timed out may have reached the head.
  const bool unknown = status.code() == StatusCode::kDeadlineExceeded || status.code() == StatusCode::kUnavailable;
  *reply.mutable_error() = ErrorFromStatus(status, unknown ? pb::Error::UNKNOWN : pb::Error::NOT_EXECUTED);
  Reply(client, request_id, std::move(reply));
}

}  // namespace troupe::raylet
