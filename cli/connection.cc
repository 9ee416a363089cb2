#include "cli/connection.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/json_view.h"
#include "common/utf8.h"
#include "troupe/ids.h"

namespace troupe::cli {
namespace {

constexpr std::size_t kLeastDigits = 6;

bool Begins(const std::string& id, const std::string& who) { return who.size() >= kLeastDigits && id.starts_with(who); }

Status Several(const std::string& what, const std::string& who, const std::vector<std::string>& which,
               const char* hint = "") {
  std::string list;
  for (std::size_t i = 0; i < which.size() && i < 5; ++i) list += (i == 0 ? "" : ", ") + which[i];
  return InvalidArgument("'" + who + "' means " + std::to_string(which.size()) + " " + what + ": " + list +
                         (which.size() > 5 ? ", …" : "") + "; give more of the id" + hint);
}

}  // namespace

void AddConnectionOptions(CLI::App& command, ConnectionOptions* options, bool with_json) {
  command
      .add_option("--address", options->address,
                  "Head's HOST:PORT, or a session folder; else TROUPE_ADDRESS, else the newest cluster here")
      ->type_name("ADDRESS");
  command
      .add_option("--token-file", options->token_file,
                  "File with the cluster's token; else TROUPE_TOKEN_FILE, else ~/.troupe/token")
      ->type_name("FILE");
  if (with_json) command.add_flag("--json", options->json, "Print JSON");
}

Result<std::unique_ptr<jobs::HeadConnection>> Connect(const ConnectionOptions& options) {
  auto head = jobs::HeadConnection::Open(options.address, options.token_file);
  if (head.ok() || head.status().code() != StatusCode::kNotFound) return head;
  return Unavailable(head.status().message());
}

void PrintJson(std::ostream& out, const nlohmann::json& value) {
  out << value.dump(2, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace) << std::endl;
}

Result<pb::ActorInfo> FindActor(jobs::HeadConnection& head, const std::string& who, const std::string& name_space) {
  pb::ListActorsRequest request;
  request.set_name_space(Utf8(name_space));
  request.set_all_namespaces(name_space.empty());
  request.set_include_dead(true);
  TROUPE_ASSIGN_OR_RETURN(const auto reply, head.Call<pb::ListActorsReply>("ListActors", request));
  std::vector<const pb::ActorInfo*> found;
  for (const pb::ActorInfo& actor : reply.actors()) {
    if (actor.name() == who || Begins(IdText(actor.id()), who)) found.push_back(&actor);
  }
  // A name belongs to one living actor at most, and to any number of dead ones before it.
  const auto living = [](const pb::ActorInfo* actor) { return actor->state() != pb::DEAD; };
  if (std::any_of(found.begin(), found.end(), living)) std::erase_if(found, std::not_fn(living));
  if (found.empty()) {
    return NotFound("no actor has the name or id '" + who + "'" +
                    (name_space.empty() ? "" : " in namespace " + name_space) + "; see `troupe list actors`");
  }
  if (found.size() == 1) return *found.front();
  if (!living(found.front())) {
    return **std::max_element(found.begin(), found.end(), [](const pb::ActorInfo* a, const pb::ActorInfo* b) {
      return a->started_ms() < b->started_ms();
    });
  }
  std::vector<std::string> which;
  for (const pb::ActorInfo* actor : found)
    which.push_back(IdText(actor->id()) + " in namespace " + actor->name_space());
  return Several("actors", who, which, ", or --namespace");
}

Result<pb::NodeInfo> FindNode(jobs::HeadConnection& head, const std::string& who) {
  TROUPE_ASSIGN_OR_RETURN(const auto status, head.Call<pb::Status>("GetStatus", pb::GetStatusRequest()));
  std::vector<const pb::NodeInfo*> found;
  std::vector<std::string> which;
  for (const pb::NodeInfo& node : status.nodes()) {
    if (!Begins(IdText(node.id()), who)) continue;
    found.push_back(&node);
    which.push_back(IdText(node.id()));
  }
  if (found.empty()) return NotFound("no node has the id '" + who + "'; see `troupe list nodes`");
  if (found.size() > 1) return Several("nodes", who, which);
  return *found.front();
}

Result<ProcessId> FindWorker(jobs::HeadConnection& head, const std::string& who) {
  // The head may know the log of one that it lists no more.
  if (const auto whole = ProcessId::FromHex(who)) return *whole;
  TROUPE_ASSIGN_OR_RETURN(const auto reply, head.Call<pb::ListWorkersReply>("ListWorkers", pb::ListWorkersRequest()));
  std::vector<std::string> which;
  for (const pb::WorkerInfo& worker : reply.workers()) {
    if (const std::string id = ProcessId{worker.id()}.Hex(); Begins(id, who)) which.push_back(id);
  }
  if (which.empty()) return NotFound("no worker has the id '" + who + "'; see `troupe list workers`");
  if (which.size() > 1) return Several("workers", who, which);
  return *ProcessId::FromHex(which.front());
}

Result<pb::JobInfo> FindJob(jobs::HeadConnection& head, const std::string& who) {
  pb::GetJobRequest request;
  request.set_submission(Utf8(who));
  auto job = head.Call<pb::JobInfo>("GetJob", request);
  const auto id = JobId::FromHex(who);
  if (job.ok() || job.status().code() != StatusCode::kNotFound || !id) return job;
  request.clear_submission();
  request.set_job(id->value);
  return head.Call<pb::JobInfo>("GetJob", request);
}

}  // namespace troupe::cli
