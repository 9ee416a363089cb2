// What commands that talk to a head share.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/command_line.h"
#include "jobs/head_connection.h"
#include "proto/head.pb.h"
#include "troupe/ids.h"

namespace troupe::cli {

struct ConnectionOptions {
  std::string address;
  std::string token_file;
  bool json = false;
};

// --address and --token-file; --json also where there is something to read.
void AddConnectionOptions(CLI::App& command, ConnectionOptions* options, bool with_json = true);

// UNAVAILABLE when no cluster can be named.
Result<std::unique_ptr<jobs::HeadConnection>> Connect(const ConnectionOptions& options);

// Connect() and a call in one.
template <class Rep>
Result<Rep> Ask(const ConnectionOptions& options, const std::string& method,
                const google::protobuf::MessageLite& request) {
  TROUPE_ASSIGN_OR_RETURN(const auto head, Connect(options));
  return head->Call<Rep>(method, request);
}

void PrintJson(std::ostream& out, const nlohmann::json& value);

// The one actor that `who` means: its id, the beginning of one (at least 6 digits), or its name, in `name_space` when
// that is given. NOT_FOUND, or INVALID_ARGUMENT when several are meant.
Result<pb::ActorInfo> FindActor(jobs::HeadConnection& head, const std::string& who, const std::string& name_space);

// The node whose id is, or begins with, `who`.
Result<pb::NodeInfo> FindNode(jobs::HeadConnection& head, const std::string& who);

// The process whose id is, or begins with, `who`.
Result<ProcessId> FindWorker(jobs::HeadConnection& head, const std::string& who);

// The job with that submission id or job id.
Result<pb::JobInfo> FindJob(jobs::HeadConnection& head, const std::string& who);

}  // namespace troupe::cli
