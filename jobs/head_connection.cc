#include "jobs/head_connection.h"

#include <utility>

#include "common/session.h"
#include "proto/head.pb.h"

namespace troupe::jobs {
namespace {

Result<std::string> Token(std::string file) {
  if (file.empty()) {
    TROUPE_ASSIGN_OR_RETURN(file, TokenFile());
  }
  return LoadToken(file);
}

}  // namespace

Result<std::unique_ptr<HeadConnection>> HeadConnection::Open(const std::string& address,
                                                             const std::string& token_file) {
  rpc::ClientOptions options;
  TROUPE_ASSIGN_OR_RETURN(options.target, HeadAddress(address));
  Result<std::string> token = Token(token_file);
  if (!token.ok()) return Unauthenticated(token.status().message());
  options.credentials.token = *std::move(token);
  options.peer_name = "the head";
  std::string target = options.target;
  return std::unique_ptr<HeadConnection>(new HeadConnection(std::move(target), std::move(options)));
}

// Servers answer FAILED_PRECONDITION to callers of another version, and so do handlers for reasons of their own. What
// GetStatus, which has no such reason, says tells the one from the other.
Status HeadConnection::Explain(Status status) {
  if (status.code() != StatusCode::kFailedPrecondition) return status;
  const Status probe =
      client_.CallSync<pb::Status>("/troupe.pb.Head/GetStatus", pb::GetStatusRequest(), kTimeout).status();
  return probe.code() == status.code() ? PermissionDenied(status.message()) : status;
}

}  // namespace troupe::jobs
