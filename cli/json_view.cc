#include "cli/json_view.h"

#include <nlohmann/json.hpp>

#include "common/resources.h"
#include "troupe/ids.h"

namespace troupe::cli {
namespace {

using nlohmann::json;

template <class Messages>
json ListOf(const Messages& messages) {
  json list = json::array();
  for (const auto& message : messages) list.push_back(ToJson(message));
  return list;
}

template <class Map>
json ObjectOf(const Map& map) {
  json object = json::object();
  for (const auto& [name, value] : map) object[name] = value;
  return object;
}

}  // namespace

std::string IdText(const std::string& bytes) {
  const auto id = NodeId::FromBytes(bytes);
  return id && *id ? id->Hex() : std::string();
}

std::string IdText(std::uint64_t value) { return value == 0 ? std::string() : ProcessId{value}.Hex(); }

json NullIfZero(std::int64_t number) { return number == 0 ? json() : json(number); }

std::string StateText(pb::ActorState state) {
  return pb::ActorState_IsValid(state) && state != 0 ? pb::ActorState_Name(state) : "UNKNOWN";
}

std::string StateText(pb::JobInfo::State state) {
  return pb::JobInfo::State_IsValid(state) && state != 0 ? pb::JobInfo::State_Name(state) : "UNKNOWN";
}

bool HasExitCode(const pb::JobInfo& job) { return job.has_exit_code(); }

std::string KindText(pb::WorkerInfo::Kind kind) {
  return pb::WorkerInfo::Kind_IsValid(kind) && kind != 0 ? pb::WorkerInfo::Kind_Name(kind) : "UNKNOWN";
}

json ToJson(const pb::Resources& resources) {
  json object = json::object();
  for (const auto& [name, units] : resources.units()) {
    const bool whole = units % ResourceSet::kUnit == 0;
    object[name] = whole ? json(units / ResourceSet::kUnit) : json(static_cast<double>(units) / ResourceSet::kUnit);
  }
  return object;
}

json ToJson(const pb::NodeInfo& node) {
  return {{"id", IdText(node.id())},
          {"address", node.address()},
          {"hostname", node.hostname()},
          {"alive", node.alive()},
          {"is_head_node", node.is_head_node()},
          {"total", ToJson(node.total())},
          {"available", ToJson(node.available())},
          {"labels", ObjectOf(node.labels())},
          {"death_reason", node.death_reason()},
          {"store_used", node.store_used()},
          {"store_capacity", node.store_capacity()},
          {"limits", node.limits()},
          {"actors", node.actors()},
          {"workers", node.workers()},
          {"raylet_pid", node.raylet_pid()}};
}

json ToJson(const pb::Demand& demand) {
  return {{"what", demand.what()},
          {"count", demand.count()},
          {"resources", ToJson(demand.resources())},
          {"infeasible", demand.infeasible()},
          {"reason", demand.reason()},
          {"job", IdText(demand.job())}};
}

json ToJson(const pb::ActorInfo& actor) {
  return {{"id", IdText(actor.id())},
          {"name", actor.name()},
          {"namespace", actor.name_space()},
          {"class", actor.class_name()},
          {"state", StateText(actor.state())},
          {"detached", actor.detached()},
          {"job", IdText(actor.job())},
          {"node", IdText(actor.address().node())},
          {"worker", IdText(actor.address().process())},
          {"pid", actor.pid()},
          {"incarnation", actor.incarnation()},
          {"restarts", actor.restarts()},
          {"max_restarts", actor.max_restarts()},
          {"resources", ToJson(actor.resources())},
          {"pending_reason", actor.pending_reason()},
          {"death_reason", actor.death().message()},
          {"started_ms", actor.started_ms()}};
}

json ToJson(const pb::WorkerInfo& worker) {
  return {{"id", IdText(worker.id())},
          {"node", IdText(worker.node())},
          {"pid", worker.pid()},
          {"kind", KindText(worker.kind())},
          {"state", worker.state()},
          {"job", IdText(worker.job())},
          {"actor", IdText(worker.actor())},
          {"actor_class", worker.actor_class()}};
}

json ToJson(const pb::JobInfo& job) {
  return {{"id", IdText(job.id())},
          {"submission_id", job.submission()},
          {"state", StateText(job.state())},
          {"namespace", job.name_space()},
          {"entrypoint", job.entrypoint()},
          {"message", job.message()},
          {"exit_code", HasExitCode(job) ? json(job.exit_code()) : json()},
          {"driver_node", job.driver().node().empty() ? json() : json(IdText(job.driver().node()))},
          {"driver_pid", NullIfZero(job.driver_pid())},
          {"started_ms", NullIfZero(job.started_ms())},
          {"ended_ms", NullIfZero(job.ended_ms())},
          {"metadata", ObjectOf(job.metadata())}};
}

json ToJson(const pb::Status& status) {
  return {{"cluster_id", IdText(status.cluster())},
          {"version", status.version()},
          {"started_ms", status.started_ms()},
          {"nodes", ListOf(status.nodes())},
          {"pending", ListOf(status.pending())},
          {"actors",
           {{"alive", status.actors_alive()},
            {"pending", status.actors_pending()},
            {"restarting", status.actors_restarting()},
            {"dead", status.actors_dead()}}},
          {"jobs_running", status.jobs_running()}};
}

}  // namespace troupe::cli
